"""What became of assets, and what was built on them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, column, func, select, text, true, tuple_, update, values
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.domain.changes import ANNOUNCED, AssetChange
from moneyer_lineage.domain.graph import Direction
from moneyer_lineage.store.edges import Dataset
from moneyer_lineage.tables import asset_changes, model_versions, models, webhooks

TRAININGS = 0x6D6D_7472
"""The advisory lock between trainings and announcements."""


class ImpactStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # --- what became of assets ---------------------------------------------------------------

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

    async def wait_for_trainings(self) -> None:
        """From here on every training is either seen, or will see what is announced."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(TRAININGS)))

    async def begin_training(self) -> None:
        """Trainings go beside each other, and none beside an announcement: it would miss them, and they it."""
        await self._connection.execute(select(func.pg_advisory_xact_lock_shared(TRAININGS)))

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

    # --- what was built on them --------------------------------------------------------------

    async def reach(self, start: Iterable[Dataset], direction: Direction, as_of: datetime | None) -> set[Dataset]:
        """Every dataset on one side of others, however far, and these themselves.

        That something of the house's was made of something else, the house alone says: no stranger's run makes an asset
        or a model. That a stranger's run read one, and what that made elsewhere, is the stranger's to say.
        """
        near, far = ("output", "input") if direction == "upstream" else ("input", "output")
        spaces, names = zip(*start, strict=True)
        given = {"spaces": list(spaces), "names": list(names), "near": near, "far": far, "as_of": as_of}
        return {(row.namespace, row.name) for row in await self._connection.execute(text(_REACH), given)}

    async def versions(self, names: Iterable[str]) -> Sequence[Row[Any]]:
        """Model versions by the names of their datasets, with their models' owners."""
        asked = values(column("dataset", Text), name="asked").data([(name,) for name in names] or [("",)])
        query = (
            select(model_versions, models.c.owner, _dataset_name().label("dataset"))
            .join(models, models.c.name == model_versions.c.model)
            .join(asked, asked.c.dataset == _dataset_name())
            .order_by(model_versions.c.model, model_versions.c.version)
        )
        return (await self._connection.execute(query)).all()

    async def listeners(self, owners: Iterable[str]) -> Sequence[Row[Any]]:
        """The webhooks of these owners that are in use."""
        query = select(webhooks).where(webhooks.c.owner.in_(list(owners)), webhooks.c.ended_at.is_(None))
        return (await self._connection.execute(query.order_by(webhooks.c.id))).all()


def _dataset_name() -> Any:
    return model_versions.c.model + "@" + model_versions.c.version


def _change(row: Row[Any]) -> AssetChange:
    return AssetChange(row.asset_id, row.at, row.change, row.because, row.substitute)


_REACH = """
WITH RECURSIVE reached (namespace, name) AS (
    SELECT namespace, name FROM unnest(CAST(:spaces AS text[]), CAST(:names AS text[])) AS started (namespace, name)
    UNION
    SELECT there.namespace, there.name
    FROM reached
    JOIN edges here ON here.namespace = reached.namespace AND here.name = reached.name AND here.direction = :near
    JOIN edges there ON there.run_id = here.run_id AND there.party = here.party AND there.direction = :far
    WHERE (CAST(:as_of AS timestamptz) IS NULL
           OR (here.first_seen <= CAST(:as_of AS timestamptz) AND there.first_seen <= CAST(:as_of AS timestamptz)))
      AND (here.vouched OR here.direction = 'input'
           OR NOT (here.namespace = 'moneyer' OR starts_with(here.namespace, 'moneyer.')))
      AND (there.vouched OR there.direction = 'input'
           OR NOT (there.namespace = 'moneyer' OR starts_with(there.namespace, 'moneyer.')))
)
SELECT namespace, name FROM reached
"""
