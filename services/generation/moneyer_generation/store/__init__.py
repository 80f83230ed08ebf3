"""Generation's only SQL: rows in, rows and domain values out; nothing here commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.rules.run import Progress, may_move
from moneyer_generation.rules.sharing import turn
from moneyer_generation.tables import runs, source_versions, sources
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page
from moneyer_shared.queue import Superseded

ENDED_WITHOUT = ("failed", "cancelled")


class Store:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_source(self, name: str, declaration: Mapping[str, Any], by: str, at: datetime) -> UUID:
        """A new source.

        Raises:
            Conflict: the name is taken.
        """
        if await self._connection.scalar(select(sources.c.id).where(sources.c.name == name)):
            raise Conflict(f"There is a source named {name}.", code="name-taken")
        made = insert(sources).values(name=name, declaration=declaration, registered_by=by, registered_at=at)
        made_id: UUID = (await self._connection.execute(made.returning(sources.c.id))).scalar_one()
        return made_id

    async def source(self, source_id: UUID) -> Row[Any]:
        return await self._one(select(sources).where(sources.c.id == source_id), f"There is no source {source_id}.")

    async def sources(self, after: UUID | None) -> Sequence[Row[Any]]:
        return await page(self._connection, select(sources), sources.c.id, after=after)

    async def add_version(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(source_versions).values(**values))

    async def versions(self, source_id: UUID) -> Sequence[Row[Any]]:
        return (
            await self._connection.execute(
                select(source_versions)
                .where(source_versions.c.source_id == source_id)
                .order_by(source_versions.c.uploaded_at, source_versions.c.id)
            )
        ).all()

    async def version(self, version_id: UUID) -> Row[Any]:
        return await self._one(
            select(source_versions).where(source_versions.c.id == version_id),
            f"There is no source version {version_id}.",
        )

    async def latest_version(self, source_id: UUID) -> Row[Any]:
        query = (
            select(source_versions)
            .where(source_versions.c.source_id == source_id)
            .order_by(source_versions.c.uploaded_at.desc(), source_versions.c.id.desc())
            .limit(1)
        )
        return await self._one(query, f"Source {source_id} has no data yet; upload a table first.")

    async def add_run(self, values: Mapping[str, Any]) -> bool:
        """Whether the run is new; the same run asked for at the same moment is added once."""
        added = upsert(runs).values(**values).on_conflict_do_nothing(index_elements=["id"])
        return (await self._connection.execute(added.returning(runs.c.id))).first() is not None

    async def next_turn(self, charter_id: UUID, rank: int) -> int:
        """The turn of a new run of that charter and rank, as things stand in this transaction."""
        served = await self._connection.scalar(select(func.max(runs.c.turn)).where(runs.c.redeemed))
        own = await self._connection.scalar(
            select(func.max(runs.c.turn)).where(runs.c.charter_id == charter_id, runs.c.rank >= rank)
        )
        return turn(served or 0, own)

    async def find_run(self, run_id: UUID) -> Row[Any] | None:
        return (await self._connection.execute(select(runs).where(runs.c.id == run_id))).one_or_none()

    async def run(self, run_id: UUID) -> Row[Any]:
        return await self._one(select(runs).where(runs.c.id == run_id), f"There is no generation {run_id}.")

    async def runs(self, after: UUID | None) -> Sequence[Row[Any]]:
        order = (runs.c.requested_at, runs.c.id)
        return await page(self._connection, select(runs), *order, after=after, newest_first=True)

    async def models(self, after: UUID | None) -> Sequence[Row[Any]]:
        """Runs that kept a model of their own, the oldest first, and how many runs sampled each again."""
        again = runs.alias("again")
        sampled = select(func.count()).where(again.c.plan["model"].astext == runs.c.id.cast(Text)).scalar_subquery()
        kept = runs.c.model_sealed & runs.c.plan["model"].astext.is_(None) & runs.c.state.not_in(ENDED_WITHOUT)
        query = select(runs, sampled.label("sampled")).where(kept)
        return await page(self._connection, query, runs.c.requested_at, runs.c.id, after=after)

    async def take_up(self, run_id: UUID, at: datetime) -> Row[Any]:
        """Make this worker the run's only one: whoever held it before can save no more.

        Who holds it is a random name, for a count comes again in a database that went back in time.
        """
        held = {"attempt": runs.c.attempt + 1, "holder": func.gen_random_uuid(), "changed_at": at}
        taken = update(runs).where(runs.c.id == run_id).values(held).returning(runs)
        return await self._one(taken, f"There is no generation {run_id}.")

    async def save(self, run: Row[Any], at: datetime, **values: Any) -> Row[Any]:
        """Save what this worker made of the run.

        Raises:
            Superseded: another worker took it up meanwhile.
            Conflict: the state machine has no such move.
        """
        after = values.get("state", run.state)
        if after != run.state and not may_move(run.state, after):
            raise Conflict(f"A run that is {run.state} cannot become {after}.", code="no-such-move")
        saved = (
            update(runs)
            .where(runs.c.id == run.id, runs.c.holder == run.holder, runs.c.state == run.state)
            .values(changed_at=at, **values)
            .returning(runs)
        )
        found: Row[Any] | None = (await self._connection.execute(saved)).one_or_none()
        if found is None:
            raise Superseded(str(run.id))
        return found

    async def ask_to_cancel(self, run_id: UUID, at: datetime) -> None:
        await self._connection.execute(
            update(runs).where(runs.c.id == run_id).values(cancel_requested=True, changed_at=at)
        )

    async def _one(self, query: Any, missing: str) -> Row[Any]:
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return found


def progress_of(run: Row[Any]) -> Progress:
    return Progress(
        state=run.state,
        guarantee=run.guarantee,
        redeemed=run.redeemed,
        settled=run.settled,
        model_sealed=run.model_sealed,
        cancel_requested=run.cancel_requested,
    )
