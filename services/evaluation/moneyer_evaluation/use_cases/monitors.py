"""Monitors: standing watches over released assets, and the scores posted to them."""

from typing import Literal
from uuid import UUID

from moneyer_evaluation.disclosure import look_for
from moneyer_evaluation.documents import MonitorRequest, ScoreBatch, Scorers, ScoresRequest
from moneyer_evaluation.rules import counts_of
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import Look, Monitor, ScoresTerms
from moneyer_shared.errors import Conflict, Invalid
from moneyer_shared.journal import AuditEvent

CELLS = 100
"""Scores are kept as counts in so many equal cells of their range: no single score is kept."""


async def make_monitor(work: Work, asked: MonitorRequest) -> Monitor:
    """Begin to watch over an asset; the first look is due at once.

    Raises:
        NotFound: the asset was never assayed.
        Invalid: its assay names no source, which is to be watched.
    """
    assay = await work.assays.release_assay(asked.asset_id)
    if asked.terms.kind == "source" and assay.request.source_id is None:
        raise Invalid("The asset's assay names no source to watch.", code="no-source")
    made = await work.monitors.add(asked, by=work.by, at=work.now)
    details = {"asset": str(asked.asset_id)}
    await work.tell(AuditEvent(work.by, Action.MONITOR_MAKE, f"monitor:{made.id}", details=details))
    return made


async def list_monitors(work: Work, asset: UUID | None = None, after: UUID | None = None) -> list[Monitor]:
    """A page of all monitors, or of one asset's."""
    return [*await work.monitors.monitors(asset, after)]


async def get_monitor(work: Work, monitor_id: UUID) -> Monitor:
    """A monitor.

    Raises:
        NotFound: there is none of that id.
    """
    return await work.monitors.monitor(monitor_id)


async def list_looks(work: Work, monitor_id: UUID, after: UUID | None = None) -> list[Look]:
    """A page of what a monitor saw, the latest first.

    Raises:
        NotFound: there is no such monitor.
    """
    await work.monitors.monitor(monitor_id)
    return [look_for(one, raw=work.reads_raw) for one in await work.monitors.looks(monitor_id, after)]


async def pause_monitor(work: Work, monitor_id: UUID) -> Monitor:
    """Look no more for now.

    Raises:
        Forbidden: it is somebody else's.
    """
    return await _switch(work, monitor_id, "paused")


async def resume_monitor(work: Work, monitor_id: UUID) -> Monitor:
    """Look again, from now on; the count of looks goes on.

    Raises:
        Forbidden: it is somebody else's.
    """
    return await _switch(work, monitor_id, "active", next_at=work.now)


async def _switch(work: Work, monitor_id: UUID, state: Literal["active", "paused"], **values: object) -> Monitor:
    await work.monitors.monitor(monitor_id, lock=True)
    await work.check_owner("monitor", monitor_id)
    changed = await work.monitors.set(monitor_id, state=state, **values)
    await work.tell(AuditEvent(work.by, Action.MONITOR_SWITCH, f"monitor:{monitor_id}", state))
    return changed


async def name_scorers(work: Work, monitor_id: UUID, asked: Scorers) -> Monitor:
    """Say who besides the owner may post scores; those who were named before may no more.

    Raises:
        Forbidden: it is somebody else's monitor.
    """
    await work.monitors.monitor(monitor_id, lock=True)
    await work.check_owner("monitor", monitor_id)
    changed = await work.monitors.set(monitor_id, scorers=sorted(set(asked.scorers)))
    details = {"scorers": len(changed.scorers)}
    await work.tell(AuditEvent(work.by, Action.MONITOR_NAME_SCORERS, f"monitor:{monitor_id}", details=details))
    return changed


async def post_scores(work: Work, monitor_id: UUID, asked: ScoresRequest) -> ScoreBatch:
    """Keep a batch of a model's scores, as counts; the first batch is what later ones are held against.

    Raises:
        Forbidden: neither the monitor's owner nor a scorer the owner named.
        Conflict: the monitor watches something else.
        Invalid: a score lies outside the declared range.
    """
    monitor = await work.monitors.monitor(monitor_id, lock=True)
    await work.check_owner("monitor", monitor_id, *monitor.scorers)
    terms = monitor.terms
    if not isinstance(terms, ScoresTerms):
        raise Conflict(f"This monitor watches {terms.kind}, not scores.", code="not-a-score-monitor")
    low, high = terms.minimum, terms.maximum
    if not all(low <= score <= high for score in asked.scores):
        raise Invalid(f"Scores lie from {low:g} to {high:g}.", code="score-out-of-range")
    counts = counts_of(asked.scores, low, high, CELLS)
    batch_id = await work.monitors.add_scores(monitor_id, counts, by=work.by, at=work.now)
    if monitor.state == "active":
        await work.schedule("look", monitor_id)
    await work.tell(AuditEvent(work.by, Action.MONITOR_SCORES, f"monitor:{monitor_id}"))
    return ScoreBatch(id=batch_id, scores=len(asked.scores))
