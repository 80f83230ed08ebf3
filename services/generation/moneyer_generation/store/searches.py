"""Searches and their trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.searches import Search, SearchTrial
from moneyer_generation.rules.run import RunState
from moneyer_generation.rules.search import SearchState, Trial, TrialState, spent
from moneyer_generation.tables import runs, searches, trials
from moneyer_shared.contracts.search import SearchRequest
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page


@dataclass(frozen=True)
class KeptTrial:
    """A trial, and what its run is by now."""

    shown: SearchTrial
    run_state: RunState
    redeemed: bool
    cancel_requested: bool

    @property
    def trial(self) -> Trial:
        """What the rules of a search ask of it."""
        shown = self.shown
        shortfall = Decimal(shown.shortfall) if shown.shortfall is not None else None
        return Trial(shown.number, shown.state, Decimal(shown.epsilon), shown.charged, shortfall)


@dataclass(frozen=True)
class KeptSearch:
    """A search as callers see it, its trials with their runs, and whether its requester wants it to end."""

    shown: Search
    trials: Sequence[KeptTrial]
    cancel_requested: bool


class SearchChanges(TypedDict, total=False):
    state: SearchState
    cancel_requested: bool
    asset_id: UUID | None
    because: str | None


class TrialChanges(TypedDict):
    state: TrialState
    charged: bool
    shortfall: str | None


class SearchStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, requester: str, request: SearchRequest, at: datetime) -> Search:
        values = {
            "requester": requester, "request": request.model_dump(mode="json"), "state": "searching",
            "requested_at": at, "changed_at": at,
        }  # fmt: skip
        row = (await self._connection.execute(insert(searches).values(values).returning(searches))).one()
        return _search(row, []).shown

    async def search(self, search_id: UUID) -> KeptSearch:
        """One search.

        Raises:
            NotFound: there is none of that id.
        """
        row = (await self._connection.execute(select(searches).where(searches.c.id == search_id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no search {search_id}.")
        return _search(row, (await self._trials([search_id])).get(search_id, []))

    async def page(
        self, after: UUID | None, *, requester: str | None = None, state: SearchState | None = None
    ) -> Sequence[Search]:
        query = select(searches).where(searches.c.requester == requester) if requester is not None else select(searches)
        query = query.where(searches.c.state == state) if state is not None else query
        order = (searches.c.requested_at, searches.c.id)
        rows = await page(self._connection, query, *order, after=after, newest_first=True)
        found = await self._trials([row.id for row in rows])
        return [_search(row, found.get(row.id, [])).shown for row in rows]

    async def save(self, search_id: UUID, at: datetime, **changes: Unpack[SearchChanges]) -> None:
        await self._connection.execute(
            update(searches).where(searches.c.id == search_id).values(changed_at=at, **changes)
        )

    async def add_trial(self, search_id: UUID, number: int, *, run_id: UUID, epsilon: Decimal, at: datetime) -> None:
        """A new trial, which runs; one of that number is left as it is."""
        values = {
            "search_id": search_id, "number": number, "run_id": run_id, "state": "running", "epsilon": f"{epsilon:f}",
            "begun_at": at,
        }  # fmt: skip
        added = upsert(trials).values(values).on_conflict_do_nothing(index_elements=["search_id", "number"])
        await self._connection.execute(added)

    async def save_trial(self, search_id: UUID, number: int, **changes: Unpack[TrialChanges]) -> None:
        which = (trials.c.search_id == search_id, trials.c.number == number)
        await self._connection.execute(update(trials).where(*which).values(**changes))

    async def _trials(self, search_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[KeptTrial]]:
        """The trials of each of these searches in order, each with its run's plan and state."""
        of_run = (runs.c.state.label("run_state"), runs.c.redeemed, runs.c.cancel_requested)
        plan = (runs.c.plan["generator"].astext.label("generator"), runs.c.plan["parameters"].label("parameters"))
        query = (
            select(trials, *plan, *of_run)
            .join(runs, runs.c.id == trials.c.run_id)
            .where(trials.c.search_id.in_(search_ids))
            .order_by(trials.c.number)
        )
        found: dict[UUID, list[KeptTrial]] = {}
        for row in await self._connection.execute(query):
            kept = KeptTrial(SearchTrial.model_validate(row), row.run_state, row.redeemed, row.cancel_requested)
            found.setdefault(row.search_id, []).append(kept)
        return found


def _search(row: Row[tuple[object, ...]], kept: Sequence[KeptTrial]) -> KeptSearch:
    epsilon_spent = f"{spent([one.trial for one in kept]).normalize():f}"
    shown = Search(
        id=row.id,
        state=row.state,
        requester=row.requester,
        request=SearchRequest.model_validate(row.request),
        epsilon_spent=epsilon_spent,
        asset_id=row.asset_id,
        because=row.because,
        trials=[one.shown for one in kept],
        requested_at=row.requested_at,
        changed_at=row.changed_at,
    )
    return KeptSearch(shown, kept, row.cancel_requested)
