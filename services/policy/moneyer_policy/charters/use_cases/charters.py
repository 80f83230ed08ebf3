"""Charters from draft to in force, suspended, superseded, expired and retired."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_policy.charters.documents import CharterVersion, Difference, Suspension
from moneyer_policy.charters.rules.charter import CHARTER_SCHEMA, Charter, check_document
from moneyer_policy.charters.rules.difference import in_words, patch_between
from moneyer_policy.charters.rules.versions import State, VersionRecord
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases import suspensions
from moneyer_policy.charters.use_cases.governing import find_governing
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.reviews.documents import Reason, ReviewOpened
from moneyer_policy.reviews.rules.quorum import counted
from moneyer_policy.reviews.rules.review import holds_until
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.documents import Moment, Name
from moneyer_shared.contracts.events import Action
from moneyer_shared.contracts.people import subject_named
from moneyer_shared.contracts.policy import Vote
from moneyer_shared.documents import apart
from moneyer_shared.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from moneyer_shared.journal import AuditEvent
from moneyer_shared.paging import Filtered
from moneyer_shared.work import IfMatch, Workflow

REMINDERS = (timedelta(days=30), timedelta(days=7))


def matter_of(charter_id: UUID, version: int) -> str:
    """The subject of the review of a version."""
    return f"charter:{charter_id}:{version}"


# --- drafted ----------------------------------------------------------------------------------------


async def get_charter_schema(_: Workflow[Any]) -> dict[str, Any]:
    """The JSON Schema that a charter is held against."""
    return CHARTER_SCHEMA


async def check_charter(_: Workflow[Any], document: Mapping[str, object], **_further: object) -> None:
    """Hold a charter against its schema and compile its rules, which takes time: before a transaction begins.

    Raises:
        Invalid: with a reason for each of the first faults.
    """
    await apart(check_document, document)


async def draft_charter(work: ChangingRules, document: dict[str, Any]) -> CharterVersion:
    """Draft a charter that ``check_charter`` passed."""
    store = CharterStore(work.connection)
    charter_id = await store.create(work.by, work.now)
    await store.add_version(charter_id, 1, document, digest(document), work.by, work.now)
    await _tell(work, Action.CHARTER_DRAFT, charter_id, version=1, digest=digest(document))
    return await _newest(work, charter_id)


async def edit_charter(
    work: ChangingRules, charter_id: UUID, document: dict[str, Any], if_match: IfMatch
) -> CharterVersion:
    """Change the draft, or open the next version's draft when the newest is no draft any more.

    Raises:
        Forbidden: the charter is somebody else's.
        PreconditionFailed: it changed since it was read.
        Conflict: it is retired, or its newest version waits for votes.
    """
    store = CharterStore(work.connection)
    await _lock_living(store, charter_id)
    await _check_owner(work, charter_id)
    newest = await _newest(work, charter_id)
    if not if_match.meets(newest.etag):
        raise PreconditionFailed("The charter changed since it was read; read it again.")
    if newest.state == "submitted":
        raise Conflict("A submitted version waits for its votes and cannot be edited.", code="submitted")
    version = newest.version
    if newest.state == "draft":
        await store.edit_draft(charter_id, version, document, digest(document), work.by, work.now)
    else:
        version += 1
        await store.add_version(charter_id, version, document, digest(document), work.by, work.now)
    await _tell(work, Action.CHARTER_EDIT, charter_id, version=version, digest=digest(document))
    return await _newest(work, charter_id)


async def _newest(work: Work, charter_id: UUID) -> CharterVersion:
    return CharterVersion.model_validate(await CharterStore(work.connection).newest_version(charter_id, work.now))


async def _lock_living(store: CharterStore, charter_id: UUID) -> None:
    if (await store.lock(charter_id)).retired_at is not None:
        raise Conflict("The charter is retired; draft a new one.", code="retired")


async def _check_owner(work: Work, charter_id: UUID) -> None:
    """Only who drafted the charter, or owns the version in force, proposes another or its end.

    Raises:
        Forbidden: neither; an owner that only a draft names is none.
    """
    charter = await find_governing(work.connection, charter_id, work.now)
    owners = {await CharterStore(work.connection).creator(charter_id), charter.owner if charter else None}
    if work.by not in owners:
        raise Forbidden(
            "Only who drafted a charter or owns its version in force proposes another version or its end.",
            code="not-yours",
        )


# --- voted on ---------------------------------------------------------------------------------------


async def submit_charter(work: ChangingRules, charter_id: UUID) -> CharterVersion:
    """Hand the draft to the committee: a review of exactly its digest opens.

    It takes the quorum of the version in force and its own. Barred are whoever wrote on it or submits it, and all who
    are interested in the version in force; the owner it names and the owners of the sources it lists do not approve.

    Raises:
        Forbidden: the charter is somebody else's.
        Conflict: there is no draft to submit, or the charter is retired.
    """
    store = CharterStore(work.connection)
    await _lock_living(store, charter_id)
    await _check_owner(work, charter_id)
    row = await store.newest_version(charter_id, work.now)
    if row.state != "draft":
        raise Conflict(f"Version {row.version} is {row.state}, not a draft.", code="not-a-draft")
    charter = row.read()
    await store.set(charter_id, row.version, state="submitted", submitter=work.by, changed_at=work.now)
    registered, later = await work.dependencies.source_owners(work, charter.sources)
    matter = reviews.Matter(
        kind="charter",
        subject=matter_of(charter_id, row.version),
        document={"charter": str(charter_id), "version": row.version, "digest": row.digest},
        barred=row.authors,
        named=(charter.owner, *registered, *later),
        charter_id=charter_id,
        quorum=counted(charter.quorum),
        digest=row.digest,
    )
    await reviews.open_review(work, matter)
    await _tell(work, Action.CHARTER_SUBMIT, charter_id, version=row.version, digest=row.digest)
    return await _newest(work, charter_id)


async def open_review_of(work: Work, charter_id: UUID) -> UUID:
    """The review of the newest version.

    Raises:
        Conflict: the newest version is not up for votes.
    """
    row = await CharterStore(work.connection).newest_version(charter_id, work.now)
    found = await ReviewStore(work.connection).latest_on("charter", matter_of(charter_id, row.version))
    if found is None:
        raise Conflict("Only a submitted charter can be voted on.", code="not-submitted")
    return found.id


async def list_votes(work: Work, charter_id: UUID) -> list[Vote]:
    """The votes on the newest version."""
    latest = await CharterStore(work.connection).newest_version(charter_id, work.now)
    store = ReviewStore(work.connection)
    review = await store.latest_on("charter", matter_of(charter_id, latest.version))
    return [Vote.model_validate(vote) for vote in await store.votes(review.id)] if review is not None else []


async def conclude(decided: Decided) -> dict[str, object]:
    """What a review made of a version: approved from its first day on, rejected, or lapsed to a draft again."""
    work, document = decided.work, decided.row.document
    charter_id, version = UUID(document["charter"]), int(document["version"])
    store, voted_on = CharterStore(work.connection), decided.row.digest
    charter = (await store.version(charter_id, version, work.now)).read()
    if not decided.approved:
        stored = "rejected" if decided.state == "rejected" else "draft"
        await store.set(charter_id, version, state=stored, changed_at=work.now)
        await _tell(work, Action(f"charter.{decided.state}"), charter_id, version=version, digest=voted_on)
        return {"state": stored}
    begins = max(work.now, charter.in_force_from or work.now)
    until = holds_until(decided.review)
    await store.set(
        charter_id, version, state="approved", changed_at=work.now, in_force_at=begins, approved_until=until
    )
    await _schedule(work, charter_id, charter, begins)
    since = begins.isoformat()
    await _tell(work, Action.CHARTER_IN_FORCE, charter_id, version=version, digest=voted_on, in_force_at=since)
    return {"state": "approved", "in_force_at": since}


async def _schedule(work: Work, charter_id: UUID, charter: Charter, begins: datetime) -> None:
    """The charter's own dates, and reminders before them; a former version's are forgotten."""
    subject = f"charter:{charter_id}"
    await CalendarStore(work.connection).cancel(subject, work.now)
    for kind, due in (("revalidation", charter.revalidation_due(begins)), ("expiry", charter.expires_at)):
        payload = {"to": charter.owner, "on": due.isoformat()}
        await work.schedule(f"charter.{kind}", subject, due, payload)
        for ahead in REMINDERS:
            if due - ahead > work.now:
                await work.schedule(f"charter.{kind}-reminder", subject, due - ahead, payload)


# --- stopped, begun again, ended ----------------------------------------------------------------------


async def suspend_charter(work: ChangingRules, charter_id: UUID, asked: Suspension) -> CharterVersion:
    """Stop a charter at once: one person may.

    Raises:
        Conflict: it is retired.
    """
    await stop(work, charter_id, asked)
    store = CharterStore(work.connection)
    row = await store.find_governing(charter_id, work.now) or await store.newest_version(charter_id, work.now)
    return CharterVersion.model_validate(row)


async def stop(work: Work, charter_id: UUID, asked: Suspension) -> None:
    """Stop a charter in a transaction that does more.

    Raises:
        Conflict: it is retired.
    """
    store = CharterStore(work.connection)
    await _lock_living(store, charter_id)
    reason, incident_id = asked.reason, asked.incident_id
    await store.suspend("charter", charter_id, reason=reason, incident_id=incident_id, by=work.by, at=work.now)
    await _tell(work, Action.CHARTER_SUSPEND, charter_id, shown={"reason": reason})


async def resume_charter(work: ChangingRules, charter_id: UUID, asked: Reason) -> ReviewOpened:
    """Ask to start a charter again: that takes the quorum.

    Raises:
        Conflict: it is not suspended, or retired.
    """
    await _lock_living(CharterStore(work.connection), charter_id)
    named = await suspensions.named(work.connection, "charter", charter_id)
    return await reviews.put_up(work, _ending_or_beginning("resumption", charter_id, asked.reason, suspensions=named))


async def retire_charter(work: ChangingRules, charter_id: UUID, asked: Reason) -> ReviewOpened:
    """Ask for a charter to be retired for good.

    Raises:
        Forbidden: the charter is somebody else's.
        Conflict: it is retired, or an incident looks into it.
    """
    await _lock_living(CharterStore(work.connection), charter_id)
    await _check_owner(work, charter_id)
    await check_no_incident(work, "charter", charter_id)
    return await reviews.put_up(work, _ending_or_beginning("retirement", charter_id, asked.reason))


def _ending_or_beginning(
    kind: Literal["resumption", "retirement"], charter_id: UUID, reason: str, **more: object
) -> reviews.Matter:
    """Of a charter that never was in force the house says who decides."""
    return reviews.Matter(
        kind=kind,
        subject=f"charter:{charter_id}",
        document={"kind": "charter", "subject": str(charter_id), "reason": reason} | more,
        charter_id=charter_id,
    )


async def check_no_incident(work: Work, kind: Literal["asset", "charter"], subject: UUID) -> None:
    """Let nobody retire what an incident looks into, whoever voted for that before it was opened.

    Raises:
        Conflict: an incident that names it is not closed.
    """
    if await work.dependencies.looked_into(work, kind, subject):
        raise Conflict(f"An incident looks into this {kind}; it is retired once that is closed.", code="incident-open")


async def retire_for_good(work: Work, charter_id: UUID) -> None:
    """End a charter.

    Raises:
        Conflict: an incident looks into it.
    """
    await check_no_incident(work, "charter", charter_id)
    await CharterStore(work.connection).retire(charter_id, work.now)
    await CalendarStore(work.connection).cancel(f"charter:{charter_id}", work.now)
    await _tell(work, Action.CHARTER_RETIRE, charter_id)


# --- read ---------------------------------------------------------------------------------------------


async def list_charters(
    work: Work,
    after: UUID | None = None,
    state: Annotated[State | None, Field(description="Only those in this state at the moment asked for")] = None,
    owner: Annotated[str | None, Field(max_length=200, description="`me` is whoever asks")] = None,
    source: UUID | None = None,
    use_case: Name | None = None,
    words: Annotated[
        str | None, Field(max_length=200, pattern=r"^[^\x00]*$", description="In title or purpose")
    ] = None,
    at: Annotated[Moment | None, Field(description="As things stood at this moment")] = None,
    charter: Sequence[UUID] | None = None,
) -> list[CharterVersion]:
    """A page of charters: of each the newest version; where anything is asked for, the one that holds at a moment."""
    moment, store = at or work.now, CharterStore(work.connection)
    contains: dict[str, object] = {"owner": subject_named(owner, work.by)} if owner is not None else {}
    if source is not None:
        contains["sources"] = [str(source)]
    if use_case is not None:
        contains["use_cases"] = [{"name": use_case}]
    filtered = contains or words or state or at or charter is not None
    rows = (
        await store.search(moment, after=after, contains=contains, words=words, charter_ids=charter)
        if filtered
        else await store.newest(moment, after)
    )
    return Filtered(_versions([row for row in rows if state in {None, row.state}]), page=rows)


def _versions(rows: list[VersionRecord]) -> list[CharterVersion]:
    return [CharterVersion.model_validate(row) for row in rows]


async def get_charter(work: Work, charter_id: UUID) -> CharterVersion:
    """The newest version."""
    return await _newest(work, charter_id)


async def list_charter_versions(work: Work, charter_id: UUID) -> list[CharterVersion]:
    """All versions, the first one first.

    Raises:
        NotFound: there is no such charter.
    """
    store = CharterStore(work.connection)
    await store.newest_version(charter_id, work.now)
    return _versions(await store.versions(charter_id, work.now))


async def get_charter_version(work: Work, charter_id: UUID, version: int) -> CharterVersion:
    found = await CharterStore(work.connection).version(charter_id, _in_range(version), work.now)
    return CharterVersion.model_validate(found)


def _in_range(version: int) -> int:
    return max(min(version, 2**31 - 1), 0)


async def get_charter_in_force(work: Work, charter_id: UUID, at: Moment | None = None) -> CharterVersion:
    """The version that was in force at a moment.

    Raises:
        NotFound: none was.
    """
    moment = at or work.now
    row = await CharterStore(work.connection).find_governing(charter_id, moment)
    if row is None or row.state != "in_force":
        raise NotFound(f"No version of charter {charter_id} was in force at {moment.isoformat()}.")
    return CharterVersion.model_validate(row)


async def diff_charter(work: Work, charter_id: UUID, before: int, after: int) -> Difference:
    """What changed from one version to another."""
    before, after, store = _in_range(before), _in_range(after), CharterStore(work.connection)
    old = (await store.version(charter_id, before, work.now)).document
    new = (await store.version(charter_id, after, work.now)).document
    patch = patch_between(old, new)
    return Difference(before=before, after=after, changes=in_words(old, patch), patch=patch)


async def _tell(
    work: Work, action: Action, charter_id: UUID, *, shown: Mapping[str, object] | None = None, **details: object
) -> None:
    event = AuditEvent(work.by, action, f"charter:{charter_id}", details=details, shown=shown or {})
    await work.tell(event)
