"""Whom the house calls, and what each is still to be told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_lineage.store import PAGE
from mintmark_lineage.tables import deliveries, webhooks
from mintmark_shared.errors import NotFound

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

    async def claim(self, now: datetime, again_at: datetime, limit: int) -> Sequence[Row[Any]]:
        """Deliveries that are due, each counted as tried; if this process dies they are due again at ``again_at``."""
        due = select(deliveries.c.id).where(*OPEN, deliveries.c.due_at <= now).order_by(deliveries.c.due_at)
        taken = due.limit(limit).with_for_update(skip_locked=True).cte("taken")
        tried = (
            update(deliveries)
            .where(deliveries.c.id == taken.c.id, deliveries.c.webhook_id == webhooks.c.id)
            .values(attempts=deliveries.c.attempts + 1, due_at=again_at)
            .returning(deliveries, webhooks.c.url, webhooks.c.generation, webhooks.c.rotated_at)
        )
        found: Sequence[Row[Any]] = (await self._connection.execute(tried)).all()
        return found

    async def settle(self, delivery_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(deliveries).where(deliveries.c.id == delivery_id, *OPEN).values(**values))

    async def deliveries(self, webhook_id: UUID, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of what a webhook was told and is to be told, the latest first."""
        query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        if after is not None:
            query = query.where(deliveries.c.id < after)
        return (await self._connection.execute(query.order_by(deliveries.c.id.desc()).limit(PAGE))).all()

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
