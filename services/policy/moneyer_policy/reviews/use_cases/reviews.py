"""Reviews opened, read and voted on; what follows from one is in ``outcomes``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.reviews.documents import ReviewOpened
from moneyer_policy.reviews.rules.figures import told
from moneyer_policy.reviews.rules.quorum import TIME_LIMIT, Kind, Quorum, read_quorum, show_quorum
from moneyer_policy.reviews.rules.review import Ballot, Review, Vote, check_vote, standing
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.work import Work
from moneyer_shared.canonical import digest
from moneyer_shared.idempotency import Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word, is_of_ids


@dataclass(frozen=True)
class Matter:
    """What is put up for a decision: the proposal itself, and whom it concerns.

    The version in force of its charter and the house add their quorums, the bar of everybody who is interested and the
    escalation. ``barred`` are those who speak here themselves, ``named`` those of whom only the proposal speaks;
    ``quorum`` is what else is asked: by a proposal, or by the version an asset was made under. ``alone``: while one
    review of the subject is open, there is no second.
    """

    kind: Kind
    subject: str
    document: Mapping[str, Any]
    charter_id: UUID | None = None
    quorum: Quorum | None = None
    digest: str | None = None
    barred: Iterable[str] = ()
    named: Iterable[str | None] = ()
    alone: bool = True


@dataclass(frozen=True)
class Decided:
    """A review that is over, and the transaction in which what follows from it is done."""

    work: Work
    row: Any
    review: Review
    state: str

    @property
    def approved(self) -> bool:
        return self.state == "approved"


async def open_review(work: Work, matter: Matter) -> UUID:
    """Put a matter up for votes, with its time limit and its escalations in the calendar.

    Raises:
        Conflict: a review of it is open.
    """
    store, now = ReviewStore(work.connection), work.now
    if matter.alone:
        await store.refuse_second(matter.kind, matter.subject)
    judges = await work.dependencies.judges(
        work.connection, matter.kind, matter.subject, matter.document, matter.charter_id, now, asked=matter.quorum
    )
    voted_on = matter.digest or digest(matter.document)
    expires_at = now + (judges.quorum.ttl or TIME_LIMIT)
    review_id = await store.open(
        {
            "kind": matter.kind,
            "subject": matter.subject,
            "charter_id": matter.charter_id,
            "digest": voted_on,
            "document": dict(matter.document),
            "barred": sorted({*matter.barred, work.by} | judges.barred),
            "named": sorted({person for person in matter.named if person} | judges.named),
            "quorum": show_quorum(judges.quorum),
            "opened_by": work.by,
            "opened_at": now,
            "expires_at": expires_at,
        }
    )
    await work.schedule("review.lapse", f"review:{review_id}", expires_at)
    for hours, to in judges.escalation:
        due, payload = now + timedelta(hours=hours), {"to": to}
        if due < expires_at:
            await work.schedule("review.escalate", f"review:{review_id}", due, payload)
    row = await store.row(review_id)
    shown = {"opening": show_opening(row)}
    await work.tell(AuditEvent(work.by, "review.open", f"review:{review_id}", details=about(row), shown=shown))
    return review_id


def about(row: Any) -> dict[str, Any]:
    """What a leaf says of a review's matter: a subject that is not of ids alone may name somebody."""
    subject = {"subject": row.subject} if is_of_ids(row.subject) else {}
    return {"kind": Word(row.kind), "digest": row.digest} | subject


async def put_up(work: Work, matter: Matter) -> ReviewOpened:
    """Open a review; where to follow it."""
    return ReviewOpened(review_id=await open_review(work, matter))


async def put_up_old(work: Work, matter: Matter) -> Reply:
    """As ``put_up``, for routes that do not go through the door yet."""
    opened = await put_up(work, matter)
    return Reply(202, opened.model_dump(mode="json"), {"Location": f"/v1/reviews/{opened.review_id}"})


async def at_present(work: Work, row: Any) -> Review:
    """An open review as it is to be decided now: rules that rose and owners who changed since it opened count."""
    store = ReviewStore(work.connection)
    review = await store.review(row)
    judges = await work.dependencies.judges(
        work.connection, row.kind, row.subject, row.document, row.charter_id, work.now, asked=review.quorum
    )
    barred, named = review.barred | judges.barred, review.named | judges.named
    raised = replace(review, quorum=judges.quorum, barred=barred, named=named)
    quorum = show_quorum(raised.quorum) | {"ttl_hours": row.quorum.get("ttl_hours")}
    kept = (show_quorum(review.quorum)["stages"], review.barred, review.named)
    if (quorum["stages"], raised.barred, raised.named) == kept:
        return review
    await store.raise_rules(row.id, quorum, sorted(raised.barred), sorted(raised.named))
    details = about(row) | {"quorum": digest(quorum)}
    await work.tell(AuditEvent("policy", "review.raise", f"review:{row.id}", details=details))
    return raised


async def cast(work: Work, review_id: UUID, ballot: Ballot) -> Review:
    """Record a vote; answers the review as it stands with it.

    Raises:
        Conflict: the review is over, the digest is another, or somebody would count twice.
        Forbidden: the voter's own matter, or a function the voter does not hold.
    """
    store, committee, by, now = ReviewStore(work.connection), CommitteeStore(work.connection), work.by, work.now
    row = await store.row(review_id, lock=True)
    review = await at_present(work, row)
    vote = Vote(
        voter=by,
        principal=ballot.on_behalf_of or by,
        function=ballot.function,
        verdict=ballot.verdict,
        digest=ballot.digest,
        stage=standing(review, now)[1],
        cast_at=now,
    )
    check_vote(review, vote, await committee.powers_of(by, now), conditions=len(ballot.conditions), now=now)
    vote_id = await store.cast(review_id, vote, ballot.reason, await committee.version())
    for condition in ballot.conditions:
        await store.set_condition(review_id, vote_id, condition, by)
    (cast_now,) = [entry for entry in await store.votes(review_id) if entry.id == vote_id]
    shown: dict[str, Any] = {"vote": show_vote(cast_now)}
    if ballot.conditions:
        shown["conditions"] = [
            _as_set(entry) for entry in await store.conditions(review_id) if entry.vote_id == vote_id
        ]
    details = about(row) | {"function": Word(vote.function)}
    event = AuditEvent(by, f"vote.{vote.verdict}", f"review:{review_id}", details=details, shown=shown)
    await work.tell(event)
    return await store.review(await store.row(review_id))


async def show(connection: AsyncConnection, row: Any, now: datetime, *, raw: bool) -> dict[str, Any]:
    """A review as it goes over the wire; figures of real rows ``raw`` to who may read them so.

    The digest is of the document as it is kept, which is what votes are bound to.
    """
    store = ReviewStore(connection)
    review = await store.review(row)
    return {
        **show_opening(row),
        **show_end(row),
        "document": told(row.document, raw=raw),
        "stage": read_quorum(row.quorum).stages[standing(review, row.decided_at or now)[1]].name,
        "votes": [show_vote(vote) for vote in await store.votes(row.id)],
        "conditions": [show_condition(entry) for entry in await store.conditions(row.id)],
    }


def show_opening(row: Any) -> dict[str, Any]:
    """What was put up for votes, and by what rule: it does not change any more."""
    return {
        "id": str(row.id),
        "kind": row.kind,
        "subject": row.subject,
        "charter_id": str(row.charter_id) if row.charter_id else None,
        "digest": row.digest,
        "quorum": row.quorum,
        "opened_by": row.opened_by,
        "opened_at": row.opened_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
    }


def show_end(row: Any) -> dict[str, Any]:
    """How a review stands, and once it is over, what came of it."""
    return {
        "state": row.state,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "outcome": row.outcome,
    }


def show_vote(vote: Any) -> dict[str, Any]:
    return {
        "voter": vote.voter,
        "on_behalf_of": None if vote.principal == vote.voter else vote.principal,
        "function": vote.function,
        "verdict": vote.verdict,
        "digest": vote.digest,
        "reason": vote.reason,
        "stage": vote.stage,
        "committee_version": vote.committee_version,
        "cast_at": vote.cast_at.isoformat(),
    }


def show_condition(entry: Any) -> dict[str, Any]:
    met_at = entry.met_at.isoformat() if entry.met_at else None
    return {**_as_set(entry), "met_at": met_at, "evidence": entry.evidence}


def _as_set(entry: Any) -> dict[str, Any]:
    return {"id": str(entry.id), "condition": entry.condition, "set_by": entry.set_by}
