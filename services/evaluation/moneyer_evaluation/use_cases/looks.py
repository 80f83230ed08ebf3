"""Looks: on a schedule, whether what an asset was made from, is held against, or feeds is still what it was.

A monitor looks only at what is new. However often it looks, the chance that it ever raises a false alarm stays below
what its terms allow.
"""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.disclosure import look_for
from moneyer_evaluation.documents import KeptMonitor, estimate_of
from moneyer_evaluation.events import look_event
from moneyer_evaluation.observations import OBSERVE
from moneyer_evaluation.rules import Estimate, Measured, level_of_look
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import CriterionResult
from moneyer_shared.contracts.generation import MissedPull
from moneyer_shared.contracts.policy import SUSPENDED, FindingRequest
from moneyer_shared.errors import MoneyerError, Unavailable
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.work import Workflow


async def queue_due_looks(work: Work) -> int:
    """Queue a look of every monitor whose time has come; how many there were."""
    due = await work.monitors.due(work.now)
    for monitor_id in due:
        await work.schedule("look", monitor_id)
    return len(due)


async def take_look(flow: Workflow[Dependencies], monitor_id: UUID) -> None:
    """Look at what is new, if anything is, and report a breach to policy; asked again, it does neither twice.

    Raises:
        Unavailable: policy or generation does not answer; look again.
    """
    async with flow.begin(Work, read_only=True) as work:
        monitor = await work.monitors.monitor(monitor_id)
    if monitor.state == "active":
        await _look(flow, monitor)
    await _report_breaches(flow, monitor)


async def _look(flow: Workflow[Dependencies], monitor: KeptMonitor) -> None:
    number = monitor.looks + 1
    try:
        level = level_of_look(number, float(monitor.terms.false_alarms))
        seen = await OBSERVE[monitor.terms.kind](flow, monitor)
    except Unavailable:
        raise
    except MoneyerError as error:
        if error.problem_code == SUSPENDED:
            # Nothing is looked at while it lasts; the next look that falls due asks again.
            return
        # A withdrawn asset or a key that is gone ends the watch: there is nothing left to look at.
        await _pause(flow, monitor, error)
        return
    if seen.missed != monitor.missed:
        await _note_missed(flow, monitor, seen.missed)
    new = seen.new
    if new is None or new.name == monitor.seen:
        return
    if new.measure is None:
        async with flow.begin(Work) as work:
            await work.monitors.set(monitor.id, seen=new.name)
        return
    found = await asyncio.to_thread(new.measure, 1 - level)
    await _keep(flow, monitor, number, new.name, found)


async def _note_missed(flow: Workflow[Dependencies], monitor: KeptMonitor, missed: MissedPull | None) -> None:
    """Have the monitor's owner see that nothing came when something should have, or that it comes again."""
    async with flow.begin(Work) as work:
        await work.monitors.set(monitor.id, missed=missed and missed.model_dump(mode="json"))
        if missed is not None:
            details = {"monitor": str(monitor.id), "pull": str(missed.pull_id), "because": Word(missed.because)}
            await work.tell(
                AuditEvent(work.by, Action.MONITOR_LOOK, f"asset:{monitor.asset_id}", "nothing-came", details)
            )


async def _pause(flow: Workflow[Dependencies], monitor: KeptMonitor, error: MoneyerError) -> None:
    async with flow.begin(Work) as work:
        await work.monitors.set(monitor.id, state="paused")
        details = {"because": Word(error.problem_code)}
        await work.tell(AuditEvent(work.by, Action.MONITOR_SWITCH, f"monitor:{monitor.id}", "paused", details))


async def _keep(
    flow: Workflow[Dependencies], monitor: KeptMonitor, number: int, seen: str, found: Sequence[Measured]
) -> None:
    computed = [one for one in found if isinstance(one, Estimate)]
    estimates, breaches = [estimate_of(one) for one in computed], breached(computed, monitor.limits)
    async with flow.begin(Work) as work:
        if (await work.monitors.monitor(monitor.id, lock=True)).looks >= number:
            return
        made = await work.monitors.add_look(monitor.id, number, seen, estimates, breaches, work.now)
        await work.monitors.set(monitor.id, looks=number, seen=seen)
        # More may have come meanwhile: the next look finds it, or nothing.
        await work.schedule("look", monitor.id)
        details = {
            "monitor": str(monitor.id),
            "number": number,
            "breached": [Word(one.metric) for one in breaches],
        }
        outcome = "breached" if breaches else "kept"
        event = AuditEvent(work.by, Action.MONITOR_LOOK, f"asset:{monitor.asset_id}", outcome, details)
        judged = await work.assays.release_assay(monitor.asset_id)
        await work.tell(event, lineage=[look_event(monitor, look_for(made, raw=False), judged.request.job)])


def breached(estimates: Sequence[Estimate], limits: Mapping[str, str]) -> list[CriterionResult]:
    """The figures whose lower bound lies above its limit: drift that chance does not explain and that matters."""
    return [
        CriterionResult(
            metric=one.metric,
            expected=f"lower bound at most {limits[one.metric]}",
            actual=f"{one.value:.6f} in [{one.lower:.6f}, {one.upper:.6f}]",
            met=False,
            shortfall=f"{one.lower - float(limits[one.metric]):.6f}",
            value=Decimal(f"{one.value:.6f}"),
            lower=Decimal(f"{one.lower:.6f}"),
            upper=Decimal(f"{one.upper:.6f}"),
            n=one.n,
        )
        for one in estimates
        if one.metric in limits and one.lower > float(limits[one.metric])
    ]


async def _report_breaches(flow: Workflow[Dependencies], monitor: KeptMonitor) -> None:
    """Report to policy each breach it has not heard of, and keep what it made of them."""
    async with flow.begin(Work, read_only=True) as work:
        waiting = await work.monitors.unreported(monitor.id)
    for found in waiting:
        finding = await flow.dependencies.policy.report(
            FindingRequest(asset_id=monitor.asset_id, cause="drift", evidence=found.id, breaches=found.breaches)
        )
        async with flow.begin(Work) as work:
            await work.monitors.mark_reported(found.id, finding)
