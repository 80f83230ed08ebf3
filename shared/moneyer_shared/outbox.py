"""Delivery of the outbox to lineage: at least once, in order, past any outage."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select, update

from moneyer_shared.contracts.lineage import MOST_DELIVERED
from moneyer_shared.database import Database
from moneyer_shared.errors import MoneyerError, Unavailable
from moneyer_shared.http import Peer
from moneyer_shared.journal import Journal

logger = logging.getLogger("moneyer.outbox")
IDLE_SECONDS = 0.3
PAUSE_SECONDS = 2.0


class OutboxDelivery:
    """One loop per process. Two loops may send the same row; lineage takes each id once."""

    def __init__(self, database: Database, journal: Journal, lineage: Peer) -> None:
        self._database = database
        self._outbox = journal.outbox
        self._lineage = lineage

    async def run_forever(self) -> None:
        while True:
            try:
                sent = await self.deliver_batch()
                await asyncio.sleep(0 if sent == MOST_DELIVERED else IDLE_SECONDS)
            except MoneyerError as error:
                logger.warning("delivery waits", extra={"fields": {"reason": error.problem_code}})
                await asyncio.sleep(PAUSE_SECONDS)

    async def deliver_batch(self) -> int:
        """Deliver the oldest undelivered rows; returns how many were taken up.

        Raises:
            Unavailable: lineage or the database does not answer; the rows stay.
        """
        async with self._database.transaction() as connection:
            rows = (
                await connection.execute(
                    # The payload stays text: parsing it only to write it again would cost more than sending it.
                    select(self._outbox.c.id, self._outbox.c.kind, cast(self._outbox.c.payload, Text).label("payload"))
                    .where(self._outbox.c.delivered_at.is_(None))
                    .order_by(self._outbox.c.id)
                    .limit(MOST_DELIVERED)
                )
            ).all()
        if rows:
            await self._deliver(rows)
        return len(rows)

    async def _deliver(self, rows: Sequence[Any]) -> None:
        """Deliver rows together. A refusal is kept beside its row, so that one bad event never blocks the rest."""
        items = ",".join(f'{{"id":"{row.id}","kind":"{row.kind}","payload":{row.payload}}}' for row in rows)
        try:
            body = f'{{"items":[{items}]}}'.encode()
            receipt = await self._lineage.post("/v1/deliveries", body, idempotency_key=str(rows[0].id))
        except Unavailable:
            raise
        except MoneyerError as error:
            if error.status in (401, 403) or error.status >= 500:  # noqa: PLR2004 - a fault, not a verdict
                raise
            await self._deliver_less(rows, error)
            return
        refused = {UUID(entry["id"]): entry["problem"] for entry in receipt["refused"]}
        for key, problem in refused.items():
            logger.error("lineage refused an event", extra={"fields": {"code": problem["code"]}})
            await self._mark([key], problem)
        # A crash before this sends them again, and lineage takes each once.
        await self._mark([row.id for row in rows if row.id not in refused], None)

    async def _deliver_less(self, rows: Sequence[Any], error: MoneyerError) -> None:
        """A batch that is refused whole, say for its size, goes in halves."""
        if len(rows) == 1:
            logger.error("lineage refused an event", extra={"fields": {"code": error.problem_code}})
            await self._mark([rows[0].id], error.problem())
            return
        middle = len(rows) // 2
        await self._deliver(rows[:middle])
        await self._deliver(rows[middle:])

    async def _mark(self, ids: Sequence[UUID], refusal: dict[str, Any] | None) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                update(self._outbox)
                .where(self._outbox.c.id.in_(ids))
                .values(delivered_at=func.clock_timestamp(), refusal=refusal)
            )
