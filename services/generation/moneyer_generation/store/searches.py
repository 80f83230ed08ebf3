"""Searches and their trials: rows in, rows and domain values out; nothing here commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.rules.search import Trial
from moneyer_generation.tables import runs, searches, trials
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page


class SearchStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, requester: str, request: Mapping[str, Any], at: datetime) -> Row[Any]:
        made = insert(searches).values(
            requester=requester, request=request, state="searching", requested_at=at, changed_at=at
        )
        row: Row[Any] = (await self._connection.execute(made.returning(searches))).one()
        return row

    async def search(self, search_id: UUID) -> Row[Any]:
        """One search.

        Raises:
            NotFound: there is none of that id.
        """
        query = select(searches).where(searches.c.id == search_id)
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no search {search_id}.")
        return found

    async def searches(self, after: UUID | None) -> Sequence[Row[Any]]:
        order = (searches.c.requested_at, searches.c.id)
        return await page(self._connection, select(searches), *order, after=after, newest_first=True)

    async def save(self, search_id: UUID, at: datetime, **values: Any) -> None:
        await self._connection.execute(
            update(searches).where(searches.c.id == search_id).values(changed_at=at, **values)
        )

    async def add_trial(self, values: Mapping[str, Any]) -> None:
        """A new trial; one of that number is left as it is."""
        added = upsert(trials).values(**values).on_conflict_do_nothing(index_elements=["search_id", "number"])
        await self._connection.execute(added)

    async def save_trial(self, search_id: UUID, number: int, **values: Any) -> None:
        which = (trials.c.search_id == search_id, trials.c.number == number)
        await self._connection.execute(update(trials).where(*which).values(**values))

    async def trials(self, search_id: UUID) -> Sequence[Row[Any]]:
        """A search's trials in order, each with its run's plan and state, and whether that was charged or is to end."""
        query = (
            select(trials, runs.c.plan, runs.c.state.label("run_state"), runs.c.redeemed, runs.c.cancel_requested)
            .join(runs, runs.c.id == trials.c.run_id)
            .where(trials.c.search_id == search_id)
            .order_by(trials.c.number)
        )
        return (await self._connection.execute(query)).all()


def as_trial(row: Row[Any]) -> Trial:
    return Trial(
        number=row.number,
        state=row.state,
        epsilon=Decimal(row.epsilon),
        charged=row.charged,
        shortfall=Decimal(row.shortfall) if row.shortfall is not None else None,
    )
