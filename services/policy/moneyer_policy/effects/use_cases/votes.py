"""Votes, and what follows from a review that they, or its time, decide: in one transaction."""

from uuid import UUID

from moneyer_policy.charters.documents import CharterVersion
from moneyer_policy.charters.use_cases import charters
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.reviews.documents import Condition, ConditionMet, Ending, Review, VoteRequest
from moneyer_policy.reviews.rules import review as rules
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.journal import AuditEvent


async def vote_on_review(work: ChangingRules, review_id: UUID, asked: VoteRequest) -> Review:
    """Cast a vote on exactly one digest; the one that decides also does what was decided.

    Raises:
        Conflict: the review is over, the digest is another, or somebody would count twice.
        Forbidden: the voter's own matter, or a function the voter does not hold.
    """
    await _cast(work, review_id, asked)
    return await reviews.describe(work, await ReviewStore(work.connection).row(review_id))


async def vote_on_charter(work: ChangingRules, charter_id: UUID, asked: VoteRequest) -> CharterVersion:
    """Cast a vote on a charter's newest version; answered with what the vote made of it.

    Raises:
        Conflict: the newest version is not up for votes; otherwise as ``vote_on_review``.
        Forbidden: as ``vote_on_review``.
    """
    await _cast(work, await charters.open_review_of(work, charter_id), asked)
    return await charters.get_charter(work, charter_id)


async def _cast(work: Work, review_id: UUID, asked: VoteRequest) -> None:
    review = await reviews.cast(work, review_id, asked)
    await _conclude(work, review, rules.tally(review, work.now).state)


async def meet_condition(work: ChangingRules, review_id: UUID, condition_id: UUID, asked: ConditionMet) -> Review:
    """Confirm that a condition of one's own approval is met.

    Raises:
        Conflict: the review is over.
        NotFound: no such condition waits on it.
        Forbidden: somebody else set it.
    """
    store = ReviewStore(work.connection)
    rules.check_open(await reviews.at_present(work, await store.row(review_id, lock=True)), work.now)
    met = await store.meet(review_id, condition_id, work.by, asked.evidence, work.now)
    details, shown = {"id": str(condition_id)}, {"condition": Condition.model_validate(met).model_dump(mode="json")}
    subject = f"review:{review_id}"
    await work.tell(AuditEvent(work.by, Action.REVIEW_CONDITION_MET, subject, details=details, shown=shown))
    review = await store.review(await store.row(review_id))
    await _conclude(work, review, rules.tally(review, work.now).state)
    return await reviews.describe(work, await store.row(review_id))


async def lapse(work: ChangingRules, review_id: UUID) -> None:
    """End a review whose time is over; what it asked for does not happen."""
    store = ReviewStore(work.connection)
    row = await store.row(review_id, lock=True)
    if row.state == "open":
        await _conclude(work, await store.review(row), "lapsed")


async def _conclude(work: Work, review: rules.Review, state: rules.State) -> None:
    """Do what follows from a review that is over, as its kind says, and close it."""
    if state == "open":
        return
    house, store = work.by_house(), ReviewStore(work.connection)
    row = await store.row(UUID(review.id))
    outcome = await work.dependencies.kinds[row.kind].conclude(Decided(house, row, review, state))
    closed = await store.close(row.id, state, work.now, outcome)
    await CalendarStore(work.connection).cancel(f"review:{row.id}", work.now)
    shown = {"end": Ending.model_validate(closed).model_dump(mode="json")}
    await house.tell(
        AuditEvent(house.by, Action.REVIEW_DECIDE, f"review:{row.id}", state, reviews.about(row), shown=shown)
    )
