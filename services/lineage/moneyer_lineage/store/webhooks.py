"""Whom the house calls, and what each is still to be told."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.tables import deliveries, webhooks
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page

ADDING = 7
"""The advisory lock of an owner's webhooks."""
OPEN = (deliveries.c.delivered_at.is_(None), deliveries.c.given_up_at.is_(None))


class WebhookStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, owner: str, url: str, at: datetime) -> Row[Any]:
        made = insert(webhooks).values(owner=owner, url=url, made_at=at).returning(webhooks)
        row: Row[Any] = (await self._connection.execute(made)).one()
        return row

    async def of(self, owner: str) -> Sequence[Row[Any]]:
        query = select(webhooks).where(webhooks.c.owner == owner).order_by(webhooks.c.id)
        return (await self._connection.execute(query)).all()

    async def in_use(self, owner: str) -> int:
        """How many webhooks somebody has; nobody adds one at the same time."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(owner, ADDING))))
        query = select(func.count()).where(webhooks.c.owner == owner, webhooks.c.ended_at.is_(None))
        return int(await self._connection.scalar(query) or 0)

    async def one(self, webhook_id: UUID, owner: str) -> Row[Any]:
        """A webhook of one's own, locked.

        Raises:
            NotFound: there is none; another's is none.
        """
        query = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.owner == owner)
        row: Row[Any] | None = (await self._connection.execute(query.with_for_update())).one_or_none()
        if row is None:
            raise NotFound(f"You have no webhook {webhook_id}.")
        return row

    async def rotate(self, webhook_id: UUID, at: datetime) -> Row[Any]:
        turned = update(webhooks).where(webhooks.c.id == webhook_id)
        changed = turned.values(generation=webhooks.c.generation + 1, rotated_at=at).returning(webhooks)
        row: Row[Any] = (await self._connection.execute(changed)).one()
        return row

    async def end(self, webhook_id: UUID, because: str, at: datetime) -> None:
        """Call it no more; what was still to be told to it is given up."""
        stopped = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.ended_at.is_(None))
        await self._connection.execute(stopped.values(ended_at=at, ended_because=because))
        dropped = update(deliveries).where(deliveries.c.webhook_id == webhook_id, *OPEN)
        await self._connection.execute(dropped.values(given_up_at=at))

    # --- deliveries ----------------------------------------------------------------------------

    async def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Have events delivered; one that a webhook is told already changes nothing."""
        if rows:
            await self._connection.execute(upsert(deliveries).on_conflict_do_nothing(), list(rows))

    async def claim(
        self,
        now: datetime,
        again_at: datetime,
        limit: int,
        *,
        per_owner: int,
        busy: Collection[UUID],
        full: Collection[str],
    ) -> Sequence[Row[Any]]:
        """Deliveries that are due, each counted as tried; if this process dies they are due again at ``again_at``.

        The oldest of each webhook that is not ``busy``, owners in turn and so many of each, none of those that are
        ``full``: nobody's webhooks, however slow, use up what there is for others.
        """
        due = (*OPEN, deliveries.c.due_at <= now)
        heads = (
            select(
                deliveries.c.id,
                deliveries.c.due_at,
                webhooks.c.owner,
                func.row_number()
                .over(partition_by=deliveries.c.webhook_id, order_by=(deliveries.c.due_at, deliveries.c.id))
                .label("place"),
            )
            .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
            .where(*due, deliveries.c.webhook_id.not_in(busy), webhooks.c.owner.not_in(full))
            .subquery()
        )
        turns = (
            select(
                heads.c.id,
                heads.c.due_at,
                func.row_number().over(partition_by=heads.c.owner, order_by=(heads.c.due_at, heads.c.id)).label("turn"),
            )
            .where(heads.c.place == 1)
            .subquery()
        )
        chosen = select(turns.c.id).where(turns.c.turn <= per_owner).order_by(turns.c.turn, turns.c.due_at).limit(limit)
        # Asked again under the lock: another process may have taken it since.
        taken = select(deliveries.c.id).where(deliveries.c.id.in_(chosen), *due).with_for_update(skip_locked=True)
        return await self._try(taken.cte("taken"), again_at)

    async def _try(self, taken: CTE, again_at: datetime) -> Sequence[Row[Any]]:
        tried = (
            update(deliveries)
            .where(deliveries.c.id == taken.c.id, deliveries.c.webhook_id == webhooks.c.id)
            .values(attempts=deliveries.c.attempts + 1, due_at=again_at)
            .returning(deliveries, webhooks.c.url, webhooks.c.owner, webhooks.c.generation, webhooks.c.rotated_at)
        )
        found: Sequence[Row[Any]] = (await self._connection.execute(tried)).all()
        return found

    async def settle(self, delivery_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(deliveries).where(deliveries.c.id == delivery_id, *OPEN).values(**values))

    async def deliveries(self, webhook_id: UUID, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of what a webhook was told and is to be told, the latest first."""
        query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        return await page(self._connection, query, deliveries.c.id, after=after, newest_first=True)

    async def again(self, webhook_id: UUID, delivery_id: UUID, now: datetime) -> None:
        """Try a delivery once more, from the first attempt on.

        Raises:
            NotFound: the webhook has no such delivery.
        """
        which = (deliveries.c.id == delivery_id, deliveries.c.webhook_id == webhook_id)
        fresh = {"attempts": 0, "due_at": now, "delivered_at": None, "given_up_at": None}
        changed = await self._connection.execute(update(deliveries).where(*which).values(**fresh))
        if changed.rowcount == 0:
            raise NotFound(f"This webhook has no delivery {delivery_id}.")
