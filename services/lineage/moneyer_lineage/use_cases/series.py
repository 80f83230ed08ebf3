"""Events counted once as they come, so that what a dashboard asks costs the same however many there are."""

from moneyer_lineage.domain.changes import AssetState, standing
from moneyer_lineage.domain.series import counted, total
from moneyer_lineage.store.counts import CountStore
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.use_cases.archive import Archive

TOGETHER = 2000


async def count_events(archive: Archive) -> int:
    """Count what is new; how many events that were.

    Counts and place commit together, so each event counts once, however often this dies.
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = CountStore(connection)
        rows = await store.next_events(TOGETHER)
        if rows:
            kinds = [counted(row.kind, row.event_time, row.facets, vouched=row.vouched) for row in rows]
            await store.add(total(kinds))
            told = {row.run_id for row in rows if row.vouched and row.run_id is not None}
            await store.set_states(await _states(ImpactStore(connection), told))
            await store.reach((rows[-1].written_in, rows[-1].id), now)
    return len(rows)


async def _states(store: ImpactStore, runs: set[str]) -> dict[str, AssetState]:
    """What the assets among these runs are by all that is known of them now."""
    changes = await store.changes(runs, None)
    return {asset: standing(its).state for asset, its in sorted(changes.items())}
