"""OpenLineage events, and the graph their runs and datasets make."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, bindparam, func, literal, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_lineage.store import PAGE
from mintmark_lineage.tables import edges, events, runs

Dataset = tuple[str, str]


class EventStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_events(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """The digests of those that are new."""
        added = upsert(events).values(list(rows)).on_conflict_do_nothing(index_elements=["digest", "event_time"])
        return (await self._connection.scalars(added.returning(events.c.digest))).all()

    async def open_month(self, begins: datetime) -> bool:
        """Give events of a month a table of their own, unless there is one or some lie with the others already."""
        return bool(await self._connection.scalar(select(func.open_month(begins))))

    async def add_edges(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            await self._connection.execute(upsert(edges).on_conflict_do_nothing(), list(rows))

    async def events_of_run(self, run_id: str) -> Sequence[Any]:
        """The run's events and those of runs under it that the house vouches for, by their time."""
        found = await self._connection.scalars(
            select(events.c.event)
            .where(or_(events.c.run_id == run_id, events.c.parent_run_id == run_id), events.c.vouched)
            .order_by(events.c.event_time, events.c.id)
        )
        return found.all()

    async def place(self, event_id: UUID) -> tuple[datetime, UUID] | None:
        """Where an event stands by time."""
        query = select(events.c.event_time, events.c.id).where(events.c.id == event_id)
        row = (await self._connection.execute(query)).one_or_none()
        return (row.event_time, row.id) if row is not None else None

    async def page(
        self, since: datetime | None, until: datetime | None, after: tuple[datetime, UUID] | None
    ) -> Sequence[Any]:
        """A page of the events of a stretch of time, the latest first."""
        query = select(events).order_by(events.c.event_time.desc(), events.c.id.desc()).limit(PAGE)
        if since is not None:
            query = query.where(events.c.event_time >= since)
        if until is not None:
            query = query.where(events.c.event_time < until)
        if after is not None:
            # The first bound tells which months need not be looked at.
            query = query.where(events.c.event_time <= after[0], tuple_(events.c.event_time, events.c.id) < after)
        return (await self._connection.execute(query)).all()

    async def last_told(self, run_id: str) -> datetime | None:
        """When the run was last told of."""
        found: datetime | None = await self._connection.scalar(
            select(func.max(events.c.event_time)).where(events.c.run_id == run_id)
        )
        return found

    async def runs_of(self, job: str, as_of: datetime | None, limit: int) -> Sequence[str]:
        """The latest runs of a job, named ``namespace/name``, that have datasets."""
        query = select(edges.c.run_id, func.max(edges.c.first_seen).label("seen")).where(edges.c.job == job)
        latest = query.where(_by(as_of)).group_by(edges.c.run_id).order_by(func.max(edges.c.first_seen).desc())
        found: Sequence[str] = (await self._connection.scalars(latest.limit(limit))).all()
        return found

    async def of_runs(self, runs: Iterable[str], direction: str, as_of: datetime | None) -> Sequence[Any]:
        """The datasets on the far side of runs: their inputs upstream, their outputs downstream."""
        far = "input" if direction == "upstream" else "output"
        query = select(edges.c.run_id, edges.c.job, edges.c.namespace, edges.c.name)
        chosen = query.where(edges.c.run_id.in_(list(runs)), edges.c.direction == far, _by(as_of))
        return (await self._connection.execute(chosen)).all()

    async def neighbours(self, frontier: Iterable[Dataset], direction: str, as_of: datetime | None) -> Sequence[Any]:
        """Runs beside these datasets and the datasets on their other side, as far as was known by then.

        Upstream walks from outputs to inputs, downstream the other way.
        """
        near, far = ("output", "input") if direction == "upstream" else ("input", "output")
        spaces, names = zip(*frontier, strict=True)
        asked = (
            func.unnest(bindparam("spaces", list(spaces), ARRAY(Text)), bindparam("names", list(names), ARRAY(Text)))
            .table_valued("namespace", "name", name="asked")
            .render_derived()
        )
        here, there = edges.alias("here"), edges.alias("there")
        beside = and_(there.c.run_id == here.c.run_id, there.c.direction == literal(far), _by(as_of, there))
        query = (
            select(
                here.c.namespace, here.c.name, here.c.run_id, here.c.job,
                there.c.namespace.label("far_namespace"), there.c.name.label("far_name"),
            )
            .select_from(
                asked.join(here, and_(here.c.namespace == asked.c.namespace, here.c.name == asked.c.name))
                .outerjoin(there, beside)
            )
            .where(here.c.direction == near, _by(as_of, here))
        )  # fmt: skip
        return (await self._connection.execute(query)).all()

    async def beside(self, side: str, frontier: Iterable[Dataset]) -> Sequence[Dataset]:
        """The datasets that jobs read and write, or the jobs that read and write datasets."""
        datasets, jobs = (edges.c.namespace, edges.c.name), (runs.c.job_namespace, runs.c.job_name)
        near, far = (datasets, jobs) if side == "datasets" else (jobs, datasets)
        query = select(*far).select_from(edges.join(runs, runs.c.run_id == edges.c.run_id))
        found = await self._connection.execute(query.where(tuple_(*near).in_(list(frontier))).distinct())
        return [(row[0], row[1]) for row in found.all()]

    async def knows_dataset(self, namespace: str, name: str, as_of: datetime | None) -> bool:
        query = select(edges.c.run_id).where(edges.c.namespace == namespace, edges.c.name == name, _by(as_of))
        return (await self._connection.execute(query.limit(1))).first() is not None


def _by(as_of: datetime | None, table: Any = edges) -> ColumnElement[bool]:
    return table.c.first_seen <= as_of if as_of is not None else true()
