"""Reviews opened, read and voted on; what follows from one its kind says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from moneyer_policy.reviews.documents import (
    RAW,
    Condition,
    ConditionSet,
    Ending,
    Missing,
    Opening,
    Review,
    ReviewOpened,
    StagedQuorum,
    VoteRequest,
)
from moneyer_policy.reviews.rules import review as rules
from moneyer_policy.reviews.rules.figures import at_precision
from moneyer_policy.reviews.rules.quorum import TIME_LIMIT, Quorum
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.store.reviews import ReviewRecord, ReviewStore
from moneyer_policy.work import Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.events import Action
from moneyer_shared.contracts.people import Whose, subject_named
from moneyer_shared.contracts.policy import Vote
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

    kind: str
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
    """A review that is over, and the transaction in which the house does what follows from it."""

    work: Work
    row: ReviewRecord
    review: rules.Review
    state: rules.State

    @property
    def approved(self) -> bool:
        return self.state == "approved"


# --- opened -----------------------------------------------------------------------------------------


async def put_up(work: Work, matter: Matter) -> ReviewOpened:
    """Open a review; where to follow it.

    Raises:
        Conflict: a review of it is open.
    """
    return ReviewOpened(review_id=await open_review(work, matter))


async def open_review(work: Work, matter: Matter) -> UUID:
    """Put a matter up for votes, with its time limit and its escalations in the calendar.

    Raises:
        Conflict: a review of it is open.
    """
    store, now = ReviewStore(work.connection), work.now
    if matter.alone:
        await store.refuse_second(matter.kind, matter.subject)
    judges = await work.dependencies.judges(work, matter)
    expires_at = now + (judges.quorum.ttl or TIME_LIMIT)
    row = await store.open(
        kind=matter.kind,
        subject=matter.subject,
        charter_id=matter.charter_id,
        digest=matter.digest or digest(matter.document),
        document=dict(matter.document),
        barred=sorted({*matter.barred, work.by} | judges.barred),
        named=sorted({person for person in matter.named if person} | judges.named),
        quorum=StagedQuorum.model_validate(judges.quorum).model_dump(),
        opened_by=work.by,
        opened_at=now,
        expires_at=expires_at,
    )
    await work.schedule("review.lapse", f"review:{row.id}", expires_at)
    for hours, to in judges.escalation:
        due, payload = now + timedelta(hours=hours), {"to": to}
        if due < expires_at:
            await work.schedule("review.escalate", f"review:{row.id}", due, payload)
    shown = {"opening": Opening.model_validate(row).model_dump(mode="json")}
    await work.tell(AuditEvent(work.by, Action.REVIEW_OPEN, f"review:{row.id}", details=about(row), shown=shown))
    return row.id


def about(row: ReviewRecord) -> dict[str, object]:
    """What a leaf says of a review's matter: a subject that is not of ids alone may name somebody."""
    subject: dict[str, object] = {"subject": row.subject} if is_of_ids(row.subject) else {}
    return {"kind": Word(row.kind), "digest": row.digest} | subject


# --- voted on ---------------------------------------------------------------------------------------


async def at_present(work: Work, row: ReviewRecord) -> rules.Review:
    """An open review as it is to be decided now: rules that rose and owners who changed since it opened count."""
    store = ReviewStore(work.connection)
    withholds = work.dependencies.kinds[row.kind].a_no_withholds
    review = replace(await store.review(row), a_no_withholds=withholds)
    matter = Matter(row.kind, row.subject, row.document, row.charter_id, quorum=review.quorum)
    judges = await work.dependencies.judges(work, matter)
    barred, named = review.barred | judges.barred, review.named | judges.named
    raised = replace(review, quorum=judges.quorum, barred=barred, named=named)
    before, after = (StagedQuorum.model_validate(one.quorum) for one in (review, raised))
    if (after.stages, barred, named) == (before.stages, review.barred, review.named):
        return review
    quorum = after.model_copy(update={"ttl_hours": row.quorum.get("ttl_hours")})
    await store.raise_rules(row.id, quorum, barred, named)
    details = about(row) | {"quorum": digest(quorum.model_dump())}
    await work.tell(AuditEvent("policy", Action.REVIEW_RAISE, f"review:{row.id}", details=details))
    return raised


async def cast(work: Work, review_id: UUID, asked: VoteRequest) -> rules.Review:
    """Record a vote; answers the review as it stands with it.

    Raises:
        Conflict: the review is over, the digest is another, or somebody would count twice.
        Forbidden: the voter's own matter, or a function the voter does not hold.
    """
    store, committee, by, now = ReviewStore(work.connection), CommitteeStore(work.connection), work.by, work.now
    row = await store.row(review_id, lock=True)
    review = await at_present(work, row)
    vote = rules.Vote(
        voter=by,
        principal=asked.on_behalf_of or by,
        function=asked.function,
        verdict=asked.verdict,
        digest=asked.digest,
        stage=rules.tally(review, now).stage,
        cast_at=now,
    )
    rules.check_vote(review, vote, await committee.powers_of(by, now), conditions=len(asked.conditions), now=now)
    kept = await store.cast(review_id, vote, asked.reason, await committee.version())
    shown: dict[str, object] = {"vote": Vote.model_validate(kept).model_dump(mode="json")}
    made = [await store.set_condition(review_id, kept.id, condition, by) for condition in asked.conditions]
    if made:
        shown["conditions"] = [ConditionSet.model_validate(one).model_dump(mode="json") for one in made]
    details = about(row) | {"function": Word(vote.function)}
    await work.tell(AuditEvent(by, Action(f"vote.{vote.verdict}"), f"review:{review_id}", details=details, shown=shown))
    return await store.review(await store.row(review_id))


# --- read -------------------------------------------------------------------------------------------


async def list_reviews(
    work: Work,
    kind: str | None = None,
    state: rules.State | None = None,
    subject: Annotated[str | None, Field(max_length=300, pattern=r"^[^\x00]*$")] = None,
    requested_by: Whose | None = None,
    after: UUID | None = None,
) -> list[Review]:
    """A page of what was put up for votes; figures of real rows to the last digit to who may read them so."""
    store, opened_by = ReviewStore(work.connection), subject_named(requested_by, work.by)
    rows = await store.page(kind=kind, state=state, subject=subject, opened_by=opened_by, after=after)
    found, raw = await store.reviews(rows), work.caller.holds(RAW)
    return [_shown(row, found[row.id], work.now, raw=raw) for row in rows]


async def get_review(work: Work, review_id: UUID) -> Review:
    """One review with its votes; figures of real rows to the last digit to who may read them so."""
    return await describe(work, await ReviewStore(work.connection).row(review_id), raw=work.caller.holds(RAW))


async def describe(work: Work, row: ReviewRecord, *, raw: bool = False) -> Review:
    """A review as it is shown; figures of real rows only ``raw`` to the last digit.

    The digest is of the document as it is kept, which is what votes are bound to.
    """
    return _shown(row, await ReviewStore(work.connection).review(row), work.now, raw=raw)


def _shown(row: ReviewRecord, review: rules.Review, now: datetime, *, raw: bool) -> Review:
    return Review(
        **dict(Opening.model_validate(row)),
        **dict(Ending.model_validate(row)),
        document=at_precision(row.document, raw=raw),
        stage=review.quorum.stages[rules.tally(review, row.decided_at or now).stage].name,
        missing=Missing.model_validate(rules.missing(review, now)) if row.state == "open" else None,
        votes=[Vote.model_validate(vote) for vote in review.votes],
        conditions=[Condition.model_validate(one) for one in review.conditions],
    )
