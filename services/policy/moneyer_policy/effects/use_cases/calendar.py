"""Time: what is due fires once, in the transaction that marks it done, whatever restarts or clocks do.

A deadline is a row written with its cause. It is due when the clock has passed it, so a clock that
jumps ahead fires late ones at once, and one that jumps back fires nothing twice: done stays done.
"""

from collections.abc import Awaitable, Callable, Mapping

from moneyer_policy.assets.use_cases import destruction
from moneyer_policy.deadlines import CalendarStore, Due
from moneyer_policy.effects.use_cases import votes
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.work import ITSELF, ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.journal import AuditEvent
from moneyer_shared.work import Dependencies

Effect = Callable[[ChangingRules, Due], Awaitable[None]]


def _say(message: str) -> Effect:
    """Tell whom the deadline names; its payload fills the message's gaps."""

    async def notify(work: ChangingRules, due: Due) -> None:
        text = message.format_map(due.payload)
        await CalendarStore(work.connection).notify(due.payload["to"], due.kind, due.subject, text, work.now)

    return notify


async def _escalate(work: ChangingRules, due: Due) -> None:
    row = await ReviewStore(work.connection).row(due.subject_id)
    if row.state == "open":
        await _say("A review has waited too long.")(work, due)


async def _lapse(work: ChangingRules, due: Due) -> None:
    await votes.lapse(work, due.subject_id)


async def _make_final(work: ChangingRules, due: Due) -> None:
    await destruction.make_final(work, due.subject_id)


KINDS: Mapping[str, Effect] = {
    "charter.revalidation-reminder": _say("The charter must be revalidated by {on}."),
    "charter.revalidation": _say(
        "The charter's revalidation date has passed; no plan is permitted until a new version."
    ),
    "charter.expiry-reminder": _say("The charter expires on {on}."),
    "charter.expiry": _say("The charter has expired."),
    "assessment.expiry": _say("The assessment of charter {charter} has expired."),
    "training.expiry": _say("The attestation of your training in {topic} has expired."),
    "exception.expiry": _say("The exception has ended."),
    "glass.end": _say("The broken glass is closed again."),
    "duty.warning": _say("{recipient} must be notified within a day."),
    "duty.overdue": _say("{recipient} has not been notified in time."),
    "action.overdue": _say("A corrective action is overdue."),
    "review.escalate": _escalate,
    "review.lapse": _lapse,
    destruction.FINAL: _make_final,
}
"""Kinds of deadline, each with what happens once it is due."""


async def fire_due(dependencies: Dependencies) -> int:
    """Do everything that is due, each in a transaction of its own; returns how much that was."""
    fired = 0
    while await _fire_one(dependencies):
        fired += 1
    return fired


async def _fire_one(dependencies: Dependencies) -> bool:
    async with dependencies.begin(Work, ITSELF, read_only=True) as work:
        if not await CalendarStore(work.connection).is_due(work.now):
            return False
    # What is fired may change what the gate reads.
    async with dependencies.begin(ChangingRules, ITSELF) as work:
        due = await CalendarStore(work.connection).take_due(work.now)
        if due is None:
            return False
        await KINDS[due.kind](work, due)
        details = {"due_at": due.due_at.isoformat()}
        await work.tell(AuditEvent(work.by, Action(f"deadline.{due.kind}"), due.subject, details=details))
        return True
