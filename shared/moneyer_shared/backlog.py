"""How much of a service's work is in which state, shown to Prometheus."""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.database import Database
from moneyer_shared.journal import Journal
from moneyer_shared.telemetry import Metrics

SHOWN_EVERY_SECONDS = 15.0


class Backlog:
    """Rows by their ``state``, a gauge for each table, and what the outbox has not delivered."""

    def __init__(self, database: Database, metrics: Metrics, journal: Journal, tables: Sequence[Table]) -> None:
        self._database = database
        self._metrics = metrics
        self._journal = journal
        self._tables = tables

    async def run_forever(self) -> None:
        while True:
            await self.show()
            await asyncio.sleep(SHOWN_EVERY_SECONDS)

    async def show(self) -> None:
        """Count now.

        Raises:
            Unavailable: the database does not answer; what was shown last stays.
        """
        async with self._database.transaction() as connection:
            found = {table.name: await _by_state(connection, table) for table in self._tables}
            waiting, seconds = await self._undelivered(connection)
        for name, states in found.items():
            gauge = f"moneyer_{self._journal.service}_{name}"
            self._metrics.show(gauge, f"Rows of {name} by state.", states, "state")
        self._metrics.show("moneyer_outbox_waiting", "What lineage is still to be told.", waiting)
        self._metrics.show("moneyer_outbox_oldest_seconds", "How long the oldest of it has waited.", seconds)

    async def _undelivered(self, connection: AsyncConnection) -> tuple[int, float]:
        outbox = self._journal.outbox
        age = func.coalesce(func.extract("epoch", func.clock_timestamp() - func.min(outbox.c.at)), 0)
        row = (await connection.execute(select(func.count(), age).where(outbox.c.delivered_at.is_(None)))).one()
        return int(row[0]), max(0.0, float(row[1]))


async def _by_state(connection: AsyncConnection, table: Table) -> Mapping[str, int]:
    query = select(table.c.state, func.count()).group_by(table.c.state)
    return {row[0]: row[1] for row in await connection.execute(query)}
