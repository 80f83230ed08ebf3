"""What follows from a review: one action per kind of matter, in the transaction of the deciding vote."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases import findings, recalls, releases
from moneyer_policy.budgets.use_cases import budgets
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases import charters
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.effects.use_cases.office import Conclude, Office
from moneyer_policy.gate.use_cases import decisions, waivers
from moneyer_policy.library.use_cases import library
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.review import Ballot, Review, check_open, standing
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent


async def vote(office: Office, *, review_id: UUID, ballot: Ballot, by: str, attempt: Attempt) -> Reply:
    """Cast a vote; the one that decides also does what was decided."""
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        await _cast(office, connection, review_id, ballot, by, now)
        row = await ReviewStore(connection).row(review_id)
        return await attempt.keep(connection, by, Reply(201, await reviews.show(connection, row, now, raw=False)))


async def vote_on_charter(office: Office, *, charter_id: UUID, ballot: Ballot, by: str, attempt: Attempt) -> Reply:
    """The same on a charter's newest version, answered with what the vote made of it.

    Raises:
        Conflict: the newest version is not up for votes.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        review_id = await charters.open_review_of(connection, charter_id, now)
        await _cast(office, connection, review_id, ballot, by, now)
        row = await CharterStore(connection).newest_version(charter_id, now)
        return await attempt.keep(connection, by, Reply(201, charters.show(row, now)))


async def _cast(
    office: Office, connection: AsyncConnection, review_id: UUID, ballot: Ballot, by: str, now: datetime
) -> None:
    review = await reviews.cast(work_of(office, connection, by, now), review_id, ballot)
    await _conclude(office, connection, review, standing(review, now)[0], now)


async def meet_condition(office: Office, *, review_id: UUID, condition_id: UUID, evidence: str, by: str) -> Reply:
    """Confirm that a condition of one's own approval is met."""
    now = office.clock()
    async with office.changing() as connection:
        store = ReviewStore(connection)
        row = await store.row(review_id, lock=True)
        check_open(await reviews.at_present(work_of(office, connection, by, now), row), now)
        await store.meet(review_id, condition_id, by, evidence, now)
        (met,) = [entry for entry in await store.conditions(review_id) if entry.id == condition_id]
        told, shown = {"id": str(condition_id)}, {"condition": reviews.show_condition(met)}
        event = AuditEvent(by, "review.condition-met", f"review:{review_id}", details=told, shown=shown)
        await journal.record(connection, now, event)
        review = await store.review(await store.row(review_id))
        await _conclude(office, connection, review, standing(review, now)[0], now)
        return Reply(200, await reviews.show(connection, await store.row(review_id), now, raw=False))


async def lapse(office: Office, connection: AsyncConnection, review_id: UUID, now: datetime) -> bool:
    """End a review whose time is over; what it asked for does not happen."""
    store = ReviewStore(connection)
    row = await store.row(review_id, lock=True)
    if row.state != "open":
        return False
    await _conclude(office, connection, await store.review(row), "lapsed", now)
    return True


async def _conclude(office: Office, connection: AsyncConnection, review: Review, state: str, now: datetime) -> None:
    if state == "open":
        return
    store = ReviewStore(connection)
    row = await store.row(UUID(review.id))
    outcome = await office.kinds[row.kind](Decided(work_of(office, connection, "policy", now), row, review, state))
    await store.settle(row.id, state, now, outcome)
    await CalendarStore(connection).cancel(f"review:{row.id}", now)
    end = reviews.show_end(await store.row(row.id))
    event = AuditEvent("policy", "review.decide", f"review:{row.id}", state, reviews.about(row), shown={"end": end})
    await journal.record(connection, now, event)


async def _retirement(decided: Decided) -> Mapping[str, Any]:
    if not decided.approved:
        return {"retired": False}
    subject = UUID(decided.row.document["subject"])
    if decided.row.document["kind"] == "asset":
        await recalls.retire_asset(decided.work, subject)
    else:
        await charters.retire_for_good(decided.work, subject)
    return {"retired": True}


async def _verdict_alone(decided: Decided) -> Mapping[str, Any]:
    return {"verdict": decided.state}


OUTCOMES: Mapping[str, Conclude] = {
    "charter": charters.conclude,
    "plan": decisions.conclude,
    "configuration": library.conclude,
    "grant": releases.conclude_grant,
    "release": releases.conclude_release,
    "blended-release": releases.conclude_release,
    "retirement": _retirement,
    "exception": waivers.conclude,
    "budget": budgets.conclude,
    "transfer": budgets.conclude,
    "resumption": recalls.conclude_resumption,
    "break-glass": waivers.conclude_glass,
    "model": _verdict_alone,
    "finding": findings.conclude,
    "withdrawal": recalls.conclude_withdrawal,
}
