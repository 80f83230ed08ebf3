"""What there is now, in a handful of figures: for a page, and for Prometheus."""

from typing import Any

from moneyer_lineage.store.counts import CountStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_shared.telemetry import Metrics

GAUGES = (
    ("assets", "state", "Assets by what they are."),
    ("decisions", "verdict", "Decisions of the gate so far."),
    ("releases", "verdict", "Release decisions so far."),
    ("runs", "end", "Ends of moneyer's own runs so far."),
    ("events", "", "OpenLineage events so far."),
    ("events_uncounted", "", "Events that series and summary do not know yet, 10,000 at the most."),
    ("models", "", "Registered models."),
    ("model_versions", "", "Versions of registered models."),
    ("log_leaves", "", "Leaves of the audit log."),
    ("checkpoint_leaves", "", "Leaves under the newest signed checkpoint."),
    ("webhooks", "", "Webhooks in use."),
    ("deliveries_waiting", "", "Webhook deliveries still to be made."),
    ("deliveries_given_up", "", "Webhook deliveries that were given up."),
    ("forwards_waiting", "", "Events that the sink furthest behind still waits for, 10,000 at the most."),
)
"""Which figures Prometheus is shown, as ``moneyer_lineage_*``, and what their label tells apart."""


async def summary(archive: Archive) -> dict[str, Any]:
    """Counts of events and decisions are of all time; a kind nobody was told of is not there."""
    async with archive.database.transaction() as connection:
        store = CountStore(connection)
        totals = await store.totals()
        return {
            "at": archive.clock(),
            "assets": await store.states(),
            **{measure: totals.get(measure, {}) for measure in ("decisions", "releases", "runs")},
            "events": sum(totals.get("events", {}).values()),
            **await store.standing(),
        }


async def show(archive: Archive, metrics: Metrics) -> int:
    """Put the summary where Prometheus reads it."""
    found = await summary(archive)
    for name, label, meaning in GAUGES:
        metrics.show(f"moneyer_lineage_{name}", meaning, found[name], label)
    return 0
