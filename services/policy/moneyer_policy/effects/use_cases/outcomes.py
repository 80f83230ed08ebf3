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
from moneyer_policy.effects.use_cases.office import Conclude, Decided, Office
from moneyer_policy.gate.use_cases import decisions, waivers
from moneyer_policy.library.use_cases import library
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.review import Ballot, Review, check_open, standing
from moneyer_policy.reviews.store.calendar import CalendarStore
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
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
    review = await reviews.cast(office, connection, review_id, ballot, by=by, now=now)
    await _conclude(office, connection, review, standing(review, now)[0], now)


async def meet_condition(office: Office, *, review_id: UUID, condition_id: UUID, evidence: str, by: str) -> Reply:
    """Confirm that a condition of one's own approval is met."""
    now = office.clock()
    async with office.changing() as connection:
        store = ReviewStore(connection)
        row = await store.row(review_id, lock=True)
        check_open(await reviews.at_present(office, connection, row, now), now)
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
    outcome = await office.kinds[row.kind](Decided(office, connection, row, review, state, now))
    await store.settle(row.id, state, now, outcome)
    await CalendarStore(connection).cancel(f"review:{row.id}", now)
    end = reviews.show_end(await store.row(row.id))
    event = AuditEvent("policy", "review.decide", f"review:{row.id}", state, reviews.about(row), shown={"end": end})
    await journal.record(connection, now, event)


async def _charter(it: Decided) -> Mapping[str, Any]:
    return await charters.settle(it.connection, it.row, it.review, it.state, it.now)


async def _plan(it: Decided) -> Mapping[str, Any]:
    return await decisions.conclude(it.office, it.connection, it.row, it.state, it.now)


async def _release(it: Decided) -> Mapping[str, Any]:
    return await releases.conclude_release(it.connection, it.row, it.state, it.now)


async def _grant(it: Decided) -> Mapping[str, Any]:
    return await releases.conclude_grant(it.connection, it.row, it.state, it.now)


async def _configuration(it: Decided) -> Mapping[str, Any]:
    return await library.conclude(it.connection, it.row, it.state, it.now)


async def _exception(it: Decided) -> Mapping[str, Any]:
    return await waivers.conclude(it.connection, it.row, it.state, it.now)


async def _budget(it: Decided) -> Mapping[str, Any]:
    return await budgets.conclude(it.connection, it.row, it.now) if it.approved else {"applied": False}


async def _retirement(it: Decided) -> Mapping[str, Any]:
    if not it.approved:
        return {"retired": False}
    subject = UUID(it.row.document["subject"])
    if it.row.document["kind"] == "asset":
        await recalls.retire_asset(it.office, it.connection, subject, it.now)
    else:
        await charters.retire_for_good(it.office, it.connection, subject, it.now)
    return {"retired": True}


async def _withdrawal(it: Decided) -> Mapping[str, Any]:
    if not it.approved:
        return {"withdrawn": False}
    await recalls.withdraw_asset(it.connection, it.row.document, it.now)
    return {"withdrawn": True}


async def _resumption(it: Decided) -> Mapping[str, Any]:
    if not it.approved:
        return {"resumed": False}
    kind, subject = it.row.document["kind"], UUID(it.row.document["subject"])
    # One that was asked for before suspensions were named lifts none: nobody knows which were voted on.
    named = {UUID(one["id"]) for one in it.row.document.get("suspensions", [])}
    outcome = await recalls.lift(it.connection, kind, subject, named, review_id=it.row.id, now=it.now)
    return {"resumed": not outcome.suspended, **outcome.told()}


async def _finding(it: Decided) -> Mapping[str, Any]:
    return await findings.conclude(it.connection, it.row, it.state, it.now)


async def _glass(it: Decided) -> Mapping[str, Any]:
    return await waivers.conclude_glass(it.connection, it.row, it.state, it.now)


async def _noted(it: Decided) -> Mapping[str, Any]:
    """The verdict itself is the outcome."""
    return {"verdict": it.state}


OUTCOMES: Mapping[str, Conclude] = {
    "charter": _charter,
    "plan": _plan,
    "configuration": _configuration,
    "grant": _grant,
    "release": _release,
    "blended-release": _release,
    "retirement": _retirement,
    "exception": _exception,
    "budget": _budget,
    "transfer": _budget,
    "resumption": _resumption,
    "break-glass": _glass,
    "model": _noted,
    "finding": _finding,
    "withdrawal": _withdrawal,
}
