"""Events counted once as they come, so that what a dashboard asks costs the same however many there are."""

from moneyer_lineage.dashboards.rules import counted, total
from moneyer_lineage.dashboards.store import CountStore
from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.record.rules.changes import AssetState, standing
from moneyer_lineage.record.store.changes import ChangeStore

TOGETHER = 2000


async def count_events(dependencies: Dependencies) -> int:
    """Count what is new; how many events that were.

    Counts and cursor commit together, so each event counts once, however often this dies.
    """
    async with dependencies.begin(Work, ITSELF) as work:
        store = CountStore(work.connection)
        found = await store.next_events(TOGETHER)
        if found:
            kinds = [counted(one.kind, one.event_time, one.facets, vouched=one.vouched) for one in found]
            await store.add(total(kinds))
            told = {one.run_id for one in found if one.vouched and one.run_id is not None}
            await store.set_states(await _states(ChangeStore(work.connection), told))
            await store.reach(found[-1].cursor, work.now)
    return len(found)


async def _states(store: ChangeStore, runs: set[str]) -> dict[str, AssetState]:
    """What the assets among these runs are by all that is known of them now."""
    changes = await store.changes(runs, None)
    return {asset: standing(its).state for asset, its in sorted(changes.items())}
