"""Time: what is due fires once, in the transaction that marks it done, whatever restarts or clocks do.

A deadline is a row written with its cause. It is due when the clock has passed it, so a clock that
jumps ahead fires late ones at once, and one that jumps back fires nothing twice: done stays done.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases import destruction
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.effects.use_cases import outcomes
from moneyer_policy.effects.use_cases.office import Office
from moneyer_policy.gate.store.rulebook import RulebookStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_shared.journal import AuditEvent

MESSAGES: Mapping[str, str] = {
    "charter.revalidation-reminder": "The charter must be revalidated by {on}.",
    "charter.revalidation": "The charter's revalidation date has passed; no plan is permitted until a new version.",
    "charter.expiry-reminder": "The charter expires on {on}.",
    "charter.expiry": "The charter has expired.",
    "assessment.expiry": "The assessment of charter {charter} has expired.",
    "training.expiry": "The attestation of your training in {topic} has expired.",
    "exception.expiry": "The exception has ended.",
    "glass.end": "The broken glass is closed again.",
    "duty.warning": "{recipient} must be notified within a day.",
    "duty.overdue": "{recipient} has not been notified in time.",
    "action.overdue": "A corrective action is overdue.",
    "review.escalate": "A review has waited too long.",
}


async def fire_due(office: Office) -> int:
    """Do everything that is due, each in a transaction of its own; returns how much that was."""
    fired = 0
    while await _fire_one(office):
        fired += 1
    return fired


async def _fire_one(office: Office) -> bool:
    now = office.clock()
    async with office.database.transaction() as connection:
        store = RulebookStore(connection)
        if not await CalendarStore(connection).is_due(now):
            return False
        # What is fired may change what the gate reads; the epoch comes first, as everywhere.
        await store.begin_epoch()
        due = await CalendarStore(connection).take_due(now)
        if due is None:
            return False
        await ACTIONS.get(due.kind, _notify)(office, connection, due, now)
        event = AuditEvent("policy", f"deadline.{due.kind}", due.subject, details={"due_at": due.due_at.isoformat()})
        await journal.record(connection, now, event)
        return True


async def _notify(office: Office, connection: AsyncConnection, due: Any, now: datetime) -> None:
    del office
    message = MESSAGES[due.kind].format_map(due.payload)
    await CalendarStore(connection).notify(due.payload["to"], due.kind, due.subject, message, now)


async def _escalate(office: Office, connection: AsyncConnection, due: Any, now: datetime) -> None:
    row = await ReviewStore(connection).row(UUID(due.subject.split(":")[1]))
    if row.state == "open":
        await _notify(office, connection, due, now)


async def _lapse(office: Office, connection: AsyncConnection, due: Any, now: datetime) -> None:
    await outcomes.lapse(office, connection, UUID(due.subject.split(":")[1]), now)


ACTIONS: Mapping[str, Callable[[Office, AsyncConnection, Any, datetime], Awaitable[None]]] = {
    "review.escalate": _escalate,
    "review.lapse": _lapse,
    destruction.FINAL: destruction.make_final,
}


def show(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "kind": row.kind,
        "subject": row.subject,
        "due_at": row.due_at.isoformat(),
        "done_at": row.done_at.isoformat() if row.done_at else None,
        "payload": row.payload,
    }
