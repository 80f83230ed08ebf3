"""Cards as they are published, and what may be counted in public."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.tables import asset_changes, cards, charter_cards, outcomes
from moneyer_shared.paging import page

UNDISCLOSED = "none"


class CardStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def waiting(self, limit: int) -> Sequence[Row[Any]]:
        """(asset_id, up_to): assets whose card does not tell their last change, the longest waiting first."""
        latest = func.max(asset_changes.c.at).label("up_to")
        query = select(asset_changes.c.asset_id, latest).where(asset_changes.c.carded_at.is_(None))
        waiting = query.group_by(asset_changes.c.asset_id).order_by(func.min(asset_changes.c.at)).limit(limit)
        return list((await self._connection.execute(waiting)).all())  # type: ignore[arg-type]

    async def told(self, asset_id: str, up_to: datetime, at: datetime) -> None:
        """Count changes as told by the asset's card."""
        which = (asset_changes.c.asset_id == asset_id, asset_changes.c.at <= up_to, asset_changes.c.carded_at.is_(None))
        await self._connection.execute(update(asset_changes).where(*which).values(carded_at=at))

    async def put(self, values: Mapping[str, Any]) -> None:
        """Keep an asset's card; when the first of it was published stands."""
        added = upsert(cards).values(published_at=values["composed_at"], **values)
        changed = {name: added.excluded[name] for name in values if name != "asset_id"}
        await self._connection.execute(added.on_conflict_do_update(index_elements=["asset_id"], set_=changed))

    async def put_charter(self, values: Mapping[str, Any]) -> None:
        """Keep a charter's card, unless that of a later version is there."""
        added = upsert(charter_cards).values(**values)
        changed = {name: added.excluded[name] for name in values if name != "charter_id"}
        later = added.excluded.version >= charter_cards.c.version
        kept = added.on_conflict_do_update(index_elements=["charter_id"], set_=changed, where=later)
        await self._connection.execute(kept)

    # --- in public: what a charter does not disclose is not there ----------------------------------

    async def one(self, asset_id: str) -> Row[Any] | None:
        query = select(cards).where(cards.c.asset_id == asset_id, cards.c.level != UNDISCLOSED)
        return (await self._connection.execute(query)).one_or_none()

    async def page(self, charter_id: str | None, after: UUID | None) -> Sequence[Row[Any]]:
        query = select(cards).where(cards.c.level != UNDISCLOSED)
        if charter_id is not None:
            query = query.where(cards.c.charter_id == charter_id)
        order, last = (cards.c.published_at, cards.c.asset_id), str(after) if after else None
        return await page(self._connection, query, *order, after=last, newest_first=True)

    async def charters(self, after: UUID | None) -> Sequence[Row[Any]]:
        query, last = select(charter_cards).where(charter_cards.c.level != UNDISCLOSED), str(after) if after else None
        return await page(self._connection, query, charter_cards.c.charter_id, after=last)

    async def charter(self, charter_id: str) -> Row[Any] | None:
        query = select(charter_cards).where(
            charter_cards.c.charter_id == charter_id, charter_cards.c.level != UNDISCLOSED
        )
        return (await self._connection.execute(query)).one_or_none()

    async def counts(self) -> Mapping[str, int]:
        """How many plans under charters that disclose anything were asked for, and what became of them."""
        open_charters = select(charter_cards.c.charter_id).where(charter_cards.c.level != UNDISCLOSED)

        def count(condition: Any) -> Any:
            return func.count().filter(condition)

        query = select(
            func.count().label("planned"),
            count(outcomes.c.decision == "deny").label("denied"),
            count(outcomes.c.verdict == "released").label("released"),
            count(outcomes.c.verdict == "rejected").label("rejected"),
            count(outcomes.c.failure.is_not(None)).label("failed"),
            count((outcomes.c.verdict == "released") & (outcomes.c.guarantee == "proven")).label("released_proven"),
        ).where(outcomes.c.charter_id.in_(open_charters))
        return dict((await self._connection.execute(query)).mappings().one())

    async def states(self) -> Mapping[str, int]:
        """Published assets by what they are."""
        state = cards.c.card["state"].astext
        query = select(state, func.count()).where(cards.c.level != UNDISCLOSED).group_by(state)
        return {row[0]: row[1] for row in (await self._connection.execute(query)).all()}
