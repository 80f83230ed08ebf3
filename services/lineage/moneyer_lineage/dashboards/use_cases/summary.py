"""What there is now, in a handful of figures: for a page, and for Prometheus."""

from moneyer_lineage.dashboards.documents import Summary
from moneyer_lineage.dashboards.store import CountStore
from moneyer_lineage.dependencies import Dependencies, Work
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


async def get_summary(work: Work) -> Summary:
    """Counts of events and decisions are of all time; a kind nobody was told of is not there."""
    store = CountStore(work.connection)
    totals, held = await store.totals(), await store.held()
    return Summary(
        at=work.now,
        assets=dict(await store.states()),
        decisions=totals.get("decisions", {}),
        releases=totals.get("releases", {}),
        runs=totals.get("runs", {}),
        events=sum(totals.get("events", {}).values()),
        **held._asdict(),
    )


async def set_gauges(dependencies: Dependencies, metrics: Metrics) -> int:
    """Put the summary where Prometheus reads it."""
    found = await dependencies.run(get_summary)
    for name, label, meaning in GAUGES:
        metrics.show(f"moneyer_lineage_{name}", meaning, getattr(found, name), label)
    return 0
