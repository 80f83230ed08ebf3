"""Charters from draft to in force, suspended, superseded, expired and retired."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.rules.charter import Charter, check_document, read_charter
from moneyer_policy.charters.rules.difference import in_words, patch_between
from moneyer_policy.charters.store import CharterStore, state_of
from moneyer_policy.charters.use_cases import suspensions
from moneyer_policy.charters.use_cases.governing import find_governing
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.quorum import counted
from moneyer_policy.reviews.rules.review import holds_until
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.office import Office
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import Work, work_of
from moneyer_shared.canonical import digest
from moneyer_shared.documents import apart
from moneyer_shared.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent

REMINDERS = (timedelta(days=30), timedelta(days=7))


def show(row: Any, now: datetime) -> dict[str, Any]:
    """A charter version as it goes over the wire."""
    return {
        "id": str(row.charter_id),
        "version": row.version,
        "state": state_of(row, now),
        "digest": row.digest,
        "author": row.author,
        "submitter": row.submitter,
        "changed_at": row.changed_at.isoformat(),
        "in_force_at": row.in_force_at.isoformat() if row.in_force_at else None,
        "approved_until": row.approved_until.isoformat() if row.approved_until else None,
        "document": row.document,
    }


def etag(row: Any) -> str:
    """What a version says besides which it is: numbers come again in a database that went back in time."""
    return f'"{row.version}.{row.revision}.{row.digest.removeprefix("sha256:")[:16]}"'


def meets(if_match: str, current: str) -> bool:
    """Whether a precondition names a version by its strong tag, alone, in a list or by `*` (RFC 9110 §13.1.1)."""
    return if_match.strip() == "*" or current in (tag.strip(" \t") for tag in if_match.split(","))


def matter_of(charter_id: UUID, version: int) -> str:
    return f"charter:{charter_id}:{version}"


async def draft(office: Office, *, document: Mapping[str, Any], by: str, attempt: Attempt) -> Reply:
    await apart(check_document, document)
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = CharterStore(connection)
        charter_id = await store.create(by, now)
        await store.add_version(charter_id, 1, document, digest(document), by, now)
        await record(connection, now, by, "draft", charter_id, version=1, digest=digest(document))
        row = await store.newest_version(charter_id, now)
        headers = {"Location": f"/v1/charters/{charter_id}", "ETag": etag(row)}
        return await attempt.keep(connection, by, Reply(201, show(row, now), headers))


async def edit(office: Office, *, charter_id: UUID, document: Mapping[str, Any], if_match: str, by: str) -> Reply:
    """Change the draft, or open the next version's draft when the newest is no draft any more.

    Raises:
        Forbidden: the charter is somebody else's.
        PreconditionFailed: it changed since it was read.
        Conflict: it is retired, or its newest version waits for votes.
    """
    await apart(check_document, document)
    now = office.clock()
    async with office.changing() as connection:
        store = CharterStore(connection)
        await _lock_living(store, charter_id)
        await _check_owner(connection, charter_id, by, now)
        row = await store.newest_version(charter_id, now)
        if not meets(if_match, etag(row)):
            raise PreconditionFailed("The charter changed since it was read; read it again.")
        if row.state == "submitted":
            raise Conflict("A submitted version waits for its votes and cannot be edited.", code="submitted")
        version = row.version
        if row.state == "draft":
            await store.edit_draft(charter_id, version, document, digest(document), by, now)
        else:
            version += 1
            await store.add_version(charter_id, version, document, digest(document), by, now)
        await record(connection, now, by, "edit", charter_id, version=version, digest=digest(document))
        row = await store.newest_version(charter_id, now)
        return Reply(200, show(row, now), {"ETag": etag(row)})


async def _lock_living(store: CharterStore, charter_id: UUID) -> None:
    if (await store.lock(charter_id)).retired_at is not None:
        raise Conflict("The charter is retired; draft a new one.", code="retired")


async def _check_owner(connection: AsyncConnection, charter_id: UUID, by: str, now: datetime) -> None:
    """Only who drafted the charter, or owns the version in force, proposes another or its end.

    Raises:
        Forbidden: neither; an owner that only a draft names is none.
    """
    charter = await find_governing(connection, charter_id, now)
    owners = {await CharterStore(connection).creator(charter_id), charter.owner if charter else None}
    if by not in owners:
        raise Forbidden(
            "Only who drafted a charter or owns its version in force proposes another version or its end.",
            code="not-yours",
        )


async def submit(office: Office, *, charter_id: UUID, by: str) -> Reply:
    """Hand the draft to the committee: a review of exactly its digest opens.

    It takes the quorum of the version in force and its own. Barred are whoever wrote on it or submits it, and all who
    are interested in the version in force; the owner it names and the owners of the sources it lists do not approve.

    Raises:
        Forbidden: the charter is somebody else's.
        Conflict: there is no draft to submit, or the charter is retired.
    """
    now = office.clock()
    async with office.changing() as connection:
        store = CharterStore(connection)
        await _lock_living(store, charter_id)
        await _check_owner(connection, charter_id, by, now)
        row = await store.newest_version(charter_id, now)
        if row.state != "draft":
            raise Conflict(f"Version {row.version} is {state_of(row, now)}, not a draft.", code="not-a-draft")
        charter = read_charter(row.document, row.digest)
        await store.set(charter_id, row.version, state="submitted", submitter=by, changed_at=now)
        registered, later = await office.source_owners(connection, charter.sources)
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
        await reviews.open_review(work_of(office, connection, by, now), matter)
        await record(connection, now, by, "submit", charter_id, version=row.version, digest=row.digest)
        return Reply(200, show(await store.newest_version(charter_id, now), now))


async def open_review_of(connection: AsyncConnection, charter_id: UUID, now: datetime) -> UUID:
    """The review of the newest version.

    Raises:
        Conflict: the newest version is not up for votes.
    """
    row = await CharterStore(connection).newest_version(charter_id, now)
    found = await ReviewStore(connection).latest_on("charter", matter_of(charter_id, row.version))
    if found is None:
        raise Conflict("Only a submitted charter can be voted on.", code="not-submitted")
    review_id: UUID = found.id
    return review_id


async def conclude(decided: Decided) -> dict[str, Any]:
    """What a review made of a version: approved from its first day on, rejected, or lapsed to a draft again."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    review = decided.review
    charter_id, version = row.charter_id, int(row.document["version"])
    store = CharterStore(connection)
    found = await store.version(charter_id, version, now)
    charter = read_charter(found.document, found.digest)
    if state != "approved":
        stored = "rejected" if state == "rejected" else "draft"
        await store.set(charter_id, version, state=stored, changed_at=now)
        await record(connection, now, "policy", state, charter_id, version=version, digest=row.digest)
        return {"state": stored}
    begins = max(now, charter.in_force_from or now)
    await store.set(
        charter_id, version, state="approved", changed_at=now, in_force_at=begins, approved_until=holds_until(review)
    )
    await _schedule(connection, charter_id, charter, begins, now)
    since = begins.isoformat()
    await record(
        connection, now, "policy", "in_force", charter_id, version=version, digest=row.digest, in_force_at=since
    )
    return {"state": "approved", "in_force_at": begins.isoformat()}


async def _schedule(
    connection: AsyncConnection, charter_id: UUID, charter: Charter, begins: datetime, now: datetime
) -> None:
    """The charter's own dates, and reminders before them; a former version's are forgotten."""
    calendar, subject = CalendarStore(connection), f"charter:{charter_id}"
    await calendar.cancel(subject, now)
    for kind, due in (("revalidation", charter.revalidation_due(begins)), ("expiry", charter.expires_at)):
        payload = {"to": charter.owner, "on": due.isoformat()}
        await calendar.schedule(f"charter.{kind}", subject, due, now, payload)
        for ahead in REMINDERS:
            if due - ahead > now:
                await calendar.schedule(f"charter.{kind}-reminder", subject, due - ahead, now, payload)


async def suspend(office: Office, *, charter_id: UUID, reason: str, incident_id: UUID | None, by: str) -> Reply:
    """Stop a charter at once: one person may."""
    now = office.clock()
    async with office.changing() as connection:
        await suspend_within(connection, charter_id, reason=reason, incident_id=incident_id, by=by, now=now)
        store = CharterStore(connection)
        row = await store.find_governing(charter_id, now) or await store.newest_version(charter_id, now)
        return Reply(200, show(row, now))


async def suspend_within(
    connection: AsyncConnection, charter_id: UUID, *, reason: str, incident_id: UUID | None, by: str, now: datetime
) -> None:
    store = CharterStore(connection)
    await _lock_living(store, charter_id)
    await store.suspend("charter", charter_id, reason=reason, incident_id=incident_id, by=by, at=now)
    await record(connection, now, by, "suspend", charter_id, shown={"reason": reason})


async def resume(office: Office, *, charter_id: UUID, reason: str, by: str, attempt: Attempt) -> Reply:
    """Ask to start a charter again: that takes the quorum.

    Raises:
        Conflict: it is not suspended.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = CharterStore(connection)
        await _lock_living(store, charter_id)
        named = await suspensions.named(connection, "charter", charter_id)
        matter = _ending_or_beginning("resumption", charter_id, reason, suspensions=named)
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def retire(office: Office, *, charter_id: UUID, reason: str, by: str, attempt: Attempt) -> Reply:
    """Ask for a charter to be retired for good.

    Raises:
        Forbidden: the charter is somebody else's.
        Conflict: it is retired, or an incident looks into it.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        await _lock_living(CharterStore(connection), charter_id)
        await _check_owner(connection, charter_id, by, now)
        await refuse_evidence(office, connection, "charter", charter_id)
        matter = _ending_or_beginning("retirement", charter_id, reason)
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


def _ending_or_beginning(
    kind: Literal["resumption", "retirement"], charter_id: UUID, reason: str, **more: Any
) -> reviews.Matter:
    """Of a charter that never was in force the house says who decides."""
    return reviews.Matter(
        kind=kind,
        subject=f"charter:{charter_id}",
        document={"kind": "charter", "subject": str(charter_id), "reason": reason} | more,
        charter_id=charter_id,
    )


async def refuse_evidence(
    office: Office, connection: AsyncConnection, kind: Literal["asset", "charter"], subject: UUID
) -> None:
    """Let nobody retire what an incident looks into, whoever voted for that before it was opened.

    Raises:
        Conflict: an incident that names it is not closed.
    """
    if await office.looked_into(connection, kind, subject):
        raise Conflict(f"An incident looks into this {kind}; it is retired once that is closed.", code="incident-open")


async def retire_for_good(work: Work, charter_id: UUID) -> None:
    """End a charter.

    Raises:
        Conflict: an incident looks into it.
    """
    connection, now = work.connection, work.now
    await refuse_evidence(work.dependencies, connection, "charter", charter_id)
    await CharterStore(connection).retire(charter_id, now)
    await CalendarStore(connection).cancel(f"charter:{charter_id}", now)
    await record(connection, now, "policy", "retire", charter_id)


async def difference(office: Office, charter_id: UUID, before: int, after: int) -> dict[str, Any]:
    """What changed from one version to another."""
    now = office.clock()
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        old, new = await store.version(charter_id, before, now), await store.version(charter_id, after, now)
    patch = patch_between(old.document, new.document)
    return {"before": before, "after": after, "changes": in_words(old.document, patch), "patch": patch}


async def in_force_at(office: Office, charter_id: UUID, moment: datetime) -> dict[str, Any]:
    """The version that was in force at a moment.

    Raises:
        NotFound: none was.
    """
    async with office.database.transaction() as connection:
        row = await CharterStore(connection).find_governing(charter_id, moment)
    if row is None or state_of(row, moment) != "in_force":
        raise NotFound(f"No version of charter {charter_id} was in force at {moment.isoformat()}.")
    return show(row, moment)


async def record(
    connection: AsyncConnection,
    at: datetime,
    by: str,
    what: str,
    charter_id: UUID,
    *,
    shown: Mapping[str, Any] | None = None,
    **details: Any,
) -> None:
    event = AuditEvent(by, f"charter.{what}", f"charter:{charter_id}", details=details, shown=shown or {})
    await journal.record(connection, at, event)
