"""Cards as they are published, and what may be counted in public."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.public.documents import ASSET_CARD, CHARTER_CARD, AnyAssetCard, AnyCharterCard
from moneyer_lineage.public.rules import Disclosure
from moneyer_lineage.public.tables import cards, charter_cards
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.tables.assets import asset_changes, outcomes
from moneyer_shared.paging import page

UNDISCLOSED = "none"


class Waiting(NamedTuple):
    """An asset whose card does not tell its last change, which was at ``up_to``."""

    asset_id: str
    up_to: datetime


class CardStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def waiting(self, limit: int) -> list[Waiting]:
        """Assets whose card is not up to date, the longest waiting first."""
        latest = func.max(asset_changes.c.at).label("up_to")
        query = select(asset_changes.c.asset_id, latest).where(asset_changes.c.carded_at.is_(None))
        waiting = query.group_by(asset_changes.c.asset_id).order_by(func.min(asset_changes.c.at)).limit(limit)
        return [Waiting(*row) for row in await self._connection.execute(waiting)]

    async def mark_composed(self, asset_id: str, up_to: datetime, at: datetime) -> None:
        """Count changes as told by the asset's card."""
        which = (asset_changes.c.asset_id == asset_id, asset_changes.c.at <= up_to, asset_changes.c.carded_at.is_(None))
        await self._connection.execute(update(asset_changes).where(*which).values(carded_at=at))

    async def put(self, asset_id: str, charter_id: str, level: Disclosure, card: Json, at: datetime) -> None:
        """Keep an asset's card; when the first of it was published stands."""
        values = {"charter_id": charter_id, "level": level, "card": card, "composed_at": at}
        added = upsert(cards).values(asset_id=asset_id, published_at=at, **values)
        changed = {name: added.excluded[name] for name in values}
        await self._connection.execute(added.on_conflict_do_update(index_elements=["asset_id"], set_=changed))

    async def put_charter(self, charter_id: str, version: int, level: Disclosure, card: Json, at: datetime) -> None:
        """Keep a charter's card, unless that of a later version is there."""
        values = {"version": version, "level": level, "card": card, "composed_at": at}
        added = upsert(charter_cards).values(charter_id=charter_id, **values)
        changed = {name: added.excluded[name] for name in values}
        later = added.excluded.version >= charter_cards.c.version
        kept = added.on_conflict_do_update(index_elements=["charter_id"], set_=changed, where=later)
        await self._connection.execute(kept)

    # --- in public: what a charter does not disclose is not there ----------------------------------

    async def one(self, asset_id: str) -> AnyAssetCard | None:
        query = select(cards).where(cards.c.asset_id == asset_id, cards.c.level != UNDISCLOSED)
        row = (await self._connection.execute(query)).one_or_none()
        return ASSET_CARD.validate_python(row.card) if row is not None else None

    async def page(self, charter_id: str | None, after: UUID | None) -> list[AnyAssetCard]:
        """A page of cards, the latest first."""
        query = select(cards).where(cards.c.level != UNDISCLOSED)
        if charter_id is not None:
            query = query.where(cards.c.charter_id == charter_id)
        order, last = (cards.c.published_at, cards.c.asset_id), str(after) if after else None
        rows = await page(self._connection, query, *order, after=last, newest_first=True)
        return [ASSET_CARD.validate_python(row.card) for row in rows]

    async def charters(self, after: UUID | None) -> list[AnyCharterCard]:
        query, last = select(charter_cards).where(charter_cards.c.level != UNDISCLOSED), str(after) if after else None
        rows = await page(self._connection, query, charter_cards.c.charter_id, after=last)
        return [CHARTER_CARD.validate_python(row.card) for row in rows]

    async def charter(self, charter_id: str) -> AnyCharterCard | None:
        query = select(charter_cards).where(
            charter_cards.c.charter_id == charter_id, charter_cards.c.level != UNDISCLOSED
        )
        row = (await self._connection.execute(query)).one_or_none()
        return CHARTER_CARD.validate_python(row.card) if row is not None else None

    async def counts(self) -> Mapping[str, int]:
        """How many plans under charters that disclose anything were asked for, and what became of them."""
        open_charters = select(charter_cards.c.charter_id).where(charter_cards.c.level != UNDISCLOSED)

        def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
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
