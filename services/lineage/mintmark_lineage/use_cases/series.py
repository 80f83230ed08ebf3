"""Events counted once as they come, so that what a dashboard asks costs the same however many there are."""

from datetime import timedelta

from mintmark_lineage.domain.changes import AssetState, standing
from mintmark_lineage.domain.series import counted, total
from mintmark_lineage.store import places
from mintmark_lineage.store.counts import CountStore
from mintmark_lineage.store.events import EventStore
from mintmark_lineage.store.impact import ImpactStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_shared.errors import Unavailable

TOGETHER = 2000
MONTHS_AHEAD = 2


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


async def open_months(archive: Archive) -> int:
    """See that events of this month and the next have a table of their own; how many were made."""
    month = archive.clock().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    opened = 0
    for _ in range(1 + MONTHS_AHEAD):
        async with archive.database.transaction() as connection:
            opened += await EventStore(connection).open_month(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return opened


async def check_order(archive: Archive) -> None:
    """See that new events will be read: readers go by transaction numbers, which a logical restore begins anew.

    Raises:
        Unavailable: what is told now would count as read already.
    """
    async with archive.database.transaction() as connection:
        if not await places.are_in_order(connection):
            raise Unavailable("The database numbers transactions below its events: see docs/limits.md on restoring it.")
