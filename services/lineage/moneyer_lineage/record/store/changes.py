"""What became of assets."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Row, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.rules.changes import ANNOUNCED, AssetChange
from moneyer_lineage.record.tables.assets import asset_changes


class ChangeStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_changes(self, changes: Sequence[AssetChange]) -> None:
        """Keep changes; those nobody is told of count as announced."""
        rows = [asdict(one) | {"announced_at": None if one.change in ANNOUNCED else one.at} for one in changes]
        if rows:
            await self._connection.execute(upsert(asset_changes).on_conflict_do_nothing(), rows)

    async def unannounced(self) -> AssetChange | None:
        """The oldest change still to be announced, locked; one that another process has is passed over."""
        query = select(asset_changes).where(asset_changes.c.announced_at.is_(None)).order_by(asset_changes.c.at)
        row = (await self._connection.execute(query.limit(1).with_for_update(skip_locked=True))).one_or_none()
        return _change(row) if row is not None else None

    async def mark_announced(self, change: AssetChange, at: datetime) -> None:
        which = tuple_(asset_changes.c.asset_id, asset_changes.c.at, asset_changes.c.change)
        key = (change.asset_id, change.at, change.change)
        await self._connection.execute(update(asset_changes).where(which == key).values(announced_at=at))

    async def changes(self, assets: Iterable[str], as_of: datetime | None) -> dict[str, list[AssetChange]]:
        """All that became of each asset by a time, oldest first; those nothing was decided on are left out."""
        query = (
            select(asset_changes)
            .where(asset_changes.c.asset_id.in_(list(assets)))
            .where(asset_changes.c.at <= as_of if as_of is not None else true())
            .order_by(asset_changes.c.asset_id, asset_changes.c.at, asset_changes.c.change)
        )
        found: dict[str, list[AssetChange]] = {}
        for row in await self._connection.execute(query):
            found.setdefault(row.asset_id, []).append(_change(row))
        return found


def _change(row: Row[tuple[object, ...]]) -> AssetChange:
    return AssetChange(row.asset_id, row.at, row.change, row.because, row.substitute)
