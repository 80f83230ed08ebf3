"""Whom the house calls, and what each is still to be told."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CTE, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.webhooks.documents import Webhook, WebhookDelivery
from moneyer_lineage.webhooks.tables import deliveries, webhooks
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page

ADDING = 7
"""The advisory lock of an owner's webhooks."""
OPEN = (deliveries.c.delivered_at.is_(None), deliveries.c.given_up_at.is_(None))


class DueDelivery(NamedTuple):
    """A delivery that is on its way, and the webhook it goes to."""

    id: UUID
    webhook_id: UUID
    event: Json
    attempts: int
    url: str
    owner: str
    generation: int
    rotated_at: datetime | None


class WebhookStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, owner: str, url: str, at: datetime) -> Webhook:
        made = insert(webhooks).values(owner=owner, url=url, made_at=at).returning(webhooks)
        return Webhook.model_validate((await self._connection.execute(made)).one())

    async def of(self, owner: str) -> list[Webhook]:
        query = select(webhooks).where(webhooks.c.owner == owner).order_by(webhooks.c.id)
        return [Webhook.model_validate(row) for row in await self._connection.execute(query)]

    async def listeners(self, owners: Iterable[str]) -> list[Webhook]:
        """The webhooks of these owners that are in use."""
        query = select(webhooks).where(webhooks.c.owner.in_(list(owners)), webhooks.c.ended_at.is_(None))
        return [Webhook.model_validate(row) for row in await self._connection.execute(query.order_by(webhooks.c.id))]

    async def in_use(self, owner: str) -> int:
        """How many webhooks somebody has; nobody adds one at the same time."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(owner, ADDING))))
        query = select(func.count()).where(webhooks.c.owner == owner, webhooks.c.ended_at.is_(None))
        return int(await self._connection.scalar(query) or 0)

    async def one(self, webhook_id: UUID, owner: str, *, lock: bool = True) -> Webhook:
        """A webhook of one's own, locked unless it is only read.

        Raises:
            NotFound: there is none; another's is none.
        """
        query = select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.owner == owner)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"You have no webhook {webhook_id}.")
        return Webhook.model_validate(found)

    async def rotate(self, webhook_id: UUID, at: datetime) -> Webhook:
        turned = update(webhooks).where(webhooks.c.id == webhook_id)
        changed = turned.values(generation=webhooks.c.generation + 1, rotated_at=at).returning(webhooks)
        return Webhook.model_validate((await self._connection.execute(changed)).one())

    async def end(self, webhook_id: UUID, because: str, at: datetime) -> None:
        """Call it no more; what was still to be told to it is given up."""
        stopped = update(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.ended_at.is_(None))
        await self._connection.execute(stopped.values(ended_at=at, ended_because=because))
        dropped = update(deliveries).where(deliveries.c.webhook_id == webhook_id, *OPEN)
        await self._connection.execute(dropped.values(given_up_at=at))

    # --- deliveries ----------------------------------------------------------------------------

    async def put(self, rows: Sequence[Json]) -> None:
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
    ) -> list[DueDelivery]:
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

    async def _try(self, taken: CTE, again_at: datetime) -> list[DueDelivery]:
        of = deliveries.c
        tried = (
            update(deliveries)
            .where(of.id == taken.c.id, of.webhook_id == webhooks.c.id)
            .values(attempts=deliveries.c.attempts + 1, due_at=again_at)
            .returning(
                of.id, of.webhook_id, of.event, of.attempts,
                webhooks.c.url, webhooks.c.owner, webhooks.c.generation, webhooks.c.rotated_at,
            )
        )  # fmt: skip
        return [DueDelivery(*row) for row in await self._connection.execute(tried)]

    async def put_off(self, delivery_id: UUID, until: datetime, answer: str) -> None:
        """It was not taken, and is tried again."""
        await self._update(delivery_id, due_at=until, answer=answer)

    async def mark_delivered(self, delivery_id: UUID, at: datetime, answer: str) -> None:
        await self._update(delivery_id, delivered_at=at, answer=answer)

    async def give_up(self, delivery_id: UUID, at: datetime, answer: str) -> None:
        await self._update(delivery_id, given_up_at=at, answer=answer)

    async def _update(self, delivery_id: UUID, **values: object) -> None:
        await self._connection.execute(update(deliveries).where(deliveries.c.id == delivery_id, *OPEN).values(**values))

    async def deliveries(self, webhook_id: UUID, after: UUID | None) -> list[WebhookDelivery]:
        """A page of what a webhook was told and is to be told, the latest first."""
        query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        rows = await page(self._connection, query, deliveries.c.id, after=after, newest_first=True)
        return [WebhookDelivery.model_validate(row) for row in rows]

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
