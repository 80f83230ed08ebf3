"""Delivery of the outbox to lineage: at least once, in order, past any outage."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from mintmark_shared.database import Database
from mintmark_shared.errors import MintmarkError, Unavailable
from mintmark_shared.http import Peer
from mintmark_shared.journal import Journal

logger = logging.getLogger("mintmark.outbox")
BATCH = 100
IDLE_SECONDS = 0.3
PAUSE_SECONDS = 2.0
PATHS = {"audit": "/v1/audit-events", "openlineage": "/api/v1/lineage"}


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
                await asyncio.sleep(0 if sent else IDLE_SECONDS)
            except MintmarkError as error:
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
                    select(self._outbox)
                    .where(self._outbox.c.delivered_at.is_(None))
                    .order_by(self._outbox.c.id)
                    .limit(BATCH)
                )
            ).all()
        delivered: list[UUID] = []
        try:
            for row in rows:
                refusal = await self._send(row)
                if refusal is None:
                    delivered.append(row.id)
                else:
                    await self._mark([row.id], refusal)
        finally:
            # Marked together: a crash before this sends some again, and lineage takes each once.
            if delivered:
                await self._mark(delivered, None)
        return len(rows)

    async def _mark(self, ids: Sequence[UUID], refusal: dict[str, Any] | None) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                update(self._outbox)
                .where(self._outbox.c.id.in_(ids))
                .values(delivered_at=func.clock_timestamp(), refusal=refusal)
            )

    async def _send(self, row: Any) -> dict[str, Any] | None:
        """Deliver one row; a refusal is kept beside it, so that one bad event never blocks the rest."""
        try:
            await self._lineage.post(PATHS[row.kind], row.payload, idempotency_key=str(row.id))
        except Unavailable:
            raise
        except MintmarkError as error:
            if error.status in (401, 403) or error.status >= 500:  # noqa: PLR2004 - a fault, not a verdict
                raise
            logger.exception("lineage refused an event", extra={"fields": {"code": error.problem_code}})
            return error.problem()
        return None
