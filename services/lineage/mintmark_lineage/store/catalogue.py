"""Runs, jobs, datasets and their versions as events left them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, case, func, literal, select, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_lineage.domain.projection import Projection
from mintmark_lineage.domain.series import STEPS, Stretch
from mintmark_lineage.tables import dataset_versions, datasets, events, jobs, outcomes, runs, tags

JOINED = frozenset({"facets", "job_facets"})
UNITED = frozenset({"inputs", "outputs"})
OWN = frozenset({"tags"})
"""What no event tells: people put it there."""


def _merge_into(table: Table) -> Insert:
    """Insert a row, or merge it into the one of its key."""
    added = upsert(table)
    new, old = added.excluded, table.c
    later = new.updated_at >= old.updated_at
    changed: dict[str, Any] = {
        "created_at": func.least(old.created_at, new.created_at),
        "updated_at": func.greatest(old.updated_at, new.updated_at),
    }
    keys = [column.name for column in table.primary_key]
    for name in (column.name for column in table.columns if column.name not in {*keys, *changed, *OWN}):
        if name in JOINED:
            changed[name] = case((later, old[name].op("||")(new[name])), else_=new[name].op("||")(old[name]))
        elif name in UNITED:
            changed[name] = _united(old[name], new[name])
        elif name in {"state", "state_at"}:
            newer = func.coalesce(new.state_at >= old.state_at, old.state_at.is_(None))
            changed[name] = case((newer, new[name]), else_=old[name])
        else:
            first, second = func.coalesce(new[name], old[name]), func.coalesce(old[name], new[name])
            changed[name] = case((later, first), else_=second)
    return added.on_conflict_do_update(index_elements=keys, set_=changed)


def _united(one: Any, other: Any) -> Any:
    """Both lists' members, each once."""
    member = func.jsonb_array_elements(one.op("||")(other)).table_valued("value", name="member").render_derived()
    both = select(func.jsonb_agg(member.c.value.distinct())).select_from(member).scalar_subquery()
    return func.coalesce(both, other)


def _whole(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with every column that events tell of, so that many go in one statement."""
    empty: dict[str, Any] = {"facets": {}, "job_facets": {}, "inputs": [], "outputs": []}
    told = (column.name for column in table.columns if column.name not in OWN)
    return {name: row.get(name, empty.get(name)) for name in told}


MERGES = {table.name: _merge_into(table) for table in (runs, jobs, datasets, dataset_versions, outcomes)}


class CatalogueStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # --- taking in ------------------------------------------------------------------------

    async def merge(self, made: Projection) -> None:
        """Merge rows into what is known; whoever was updated later has the last word, whenever it comes."""
        await self._merge(runs, made.runs)
        await self._merge(jobs, made.jobs)
        await self._merge(datasets, made.datasets)
        await self._merge(dataset_versions, made.versions)
        await self._merge(outcomes, made.outcomes)

    async def _merge(self, table: Table, rows: Mapping[Any, dict[str, Any]]) -> None:
        # In one order, two batches that tell of the same things never wait for each other in a ring.
        if rows:
            await self._connection.execute(MERGES[table.name], [_whole(table, rows[key]) for key in sorted(rows)])

    # --- reading ---------------------------------------------------------------------------

    async def namespaces(self, name: str | None = None) -> Sequence[Any]:
        """(name, created_at, updated_at) of every namespace that jobs or datasets are in, or of the one of a name."""
        sides = [
            select(table.c.namespace, table.c.created_at, table.c.updated_at).where(
                table.c.namespace == name if name is not None else true()
            )
            for table in (jobs, datasets)
        ]
        either = sides[0].union_all(sides[1]).subquery()
        query = select(
            either.c.namespace.label("name"), func.min(either.c.created_at).label("created_at"),
            func.max(either.c.updated_at).label("updated_at"),
        ).group_by(either.c.namespace)  # fmt: skip
        return (await self._connection.execute(query.order_by("name"))).all()

    async def page(self, kind: str, namespace: str | None, limit: int, offset: int) -> tuple[Sequence[Row[Any]], int]:
        """A page of jobs or datasets, the latest first, and how many there are."""
        table = jobs if kind == "jobs" else datasets
        within = [table.c.namespace == namespace] if namespace is not None else []
        total = await self._connection.scalar(select(func.count()).select_from(table).where(*within)) or 0
        query = select(table).where(*within).order_by(table.c.updated_at.desc(), table.c.name)
        return (await self._connection.execute(query.limit(limit).offset(offset))).all(), total

    async def find(self, kind: str, namespace: str, name: str) -> Row[Any] | None:
        table = jobs if kind == "jobs" else datasets
        query = select(table).where(table.c.namespace == namespace, table.c.name == name)
        return (await self._connection.execute(query)).one_or_none()

    async def some(self, kind: str, keys: Sequence[tuple[str, str]]) -> Sequence[Row[Any]]:
        """The jobs or datasets of those names."""
        table = jobs if kind == "jobs" else datasets
        if not keys:
            return []
        return (
            await self._connection.execute(select(table).where(tuple_(table.c.namespace, table.c.name).in_(keys)))
        ).all()

    async def runs(self, namespace: str, name: str, limit: int, offset: int) -> tuple[Sequence[Row[Any]], int]:
        """A page of a job's runs, the latest first, and how many there are."""
        of_job = (runs.c.job_namespace == namespace, runs.c.job_name == name)
        total = await self._connection.scalar(select(func.count()).select_from(runs).where(*of_job)) or 0
        query = select(runs).where(*of_job).order_by(runs.c.created_at.desc(), runs.c.run_id)
        return (await self._connection.execute(query.limit(limit).offset(offset))).all(), total

    async def some_runs(self, run_ids: Sequence[str]) -> dict[str, Row[Any]]:
        found = (await self._connection.execute(select(runs).where(runs.c.run_id.in_(list(run_ids))))).all()
        return {row.run_id: row for row in found}

    async def versions(self, namespace: str, name: str, limit: int, offset: int) -> tuple[Sequence[Row[Any]], int]:
        """A page of a dataset's versions, the latest first, and how many there are."""
        of_dataset = (dataset_versions.c.namespace == namespace, dataset_versions.c.name == name)
        total = (
            await self._connection.scalar(select(func.count()).select_from(dataset_versions).where(*of_dataset)) or 0
        )
        query = select(dataset_versions).where(*of_dataset).order_by(dataset_versions.c.created_at.desc())
        return (await self._connection.execute(query.limit(limit).offset(offset))).all(), total

    async def version(self, namespace: str, name: str, version: str) -> Row[Any] | None:
        of_dataset = (dataset_versions.c.namespace == namespace, dataset_versions.c.name == name)
        query = select(dataset_versions).where(dataset_versions.c.version == version, *of_dataset)
        return (await self._connection.execute(query)).one_or_none()

    async def search(self, pattern: str, kind: str | None, by: str, limit: int) -> tuple[Sequence[Row[Any]], int]:
        """(type, namespace, name, updated_at) of jobs and datasets whose name is like a pattern."""
        sides = [
            select(literal(label).label("type"), table.c.namespace, table.c.name, table.c.updated_at).where(
                table.c.name.ilike(pattern)
            )
            for label, table in (("JOB", jobs), ("DATASET", datasets))
            if kind in {None, label}
        ]
        found = (sides[0].union_all(*sides[1:]) if len(sides) > 1 else sides[0]).subquery()
        total = await self._connection.scalar(select(func.count()).select_from(found)) or 0
        order = found.c.name if by == "name" else found.c.updated_at.desc()
        return (await self._connection.execute(select(found).order_by(order).limit(limit))).all(), total

    async def events(
        self, after: datetime, before: datetime, limit: int, offset: int, *, descending: bool
    ) -> Sequence[Any]:
        """A page of the events of a stretch of time as they came."""
        order = (events.c.event_time.desc(), events.c.id.desc()) if descending else (events.c.event_time, events.c.id)
        query = select(events.c.event).where(events.c.event_time >= after, events.c.event_time < before)
        return (await self._connection.scalars(query.order_by(*order).limit(limit).offset(offset))).all()

    async def growth(self, kind: str, stretch: Stretch) -> Sequence[Row[Any]]:
        """(begin, end, count) of how many jobs, datasets or sources there were by the end of each step."""
        given = {"since": stretch.since, "until": stretch.end, "step": STEPS[stretch.step]}
        return (await self._connection.execute(_GROWTH_OF[kind], given)).all()

    # --- tags -------------------------------------------------------------------------------

    async def tags(self) -> Sequence[Row[Any]]:
        return (await self._connection.execute(select(tags).order_by(tags.c.name))).all()

    async def put_tag(self, name: str, description: str | None, at: datetime) -> Row[Any]:
        added = upsert(tags).values(name=name, description=description, made_at=at)
        put = added.on_conflict_do_update(
            index_elements=["name"], set_={"description": func.coalesce(added.excluded.description, tags.c.description)}
        )
        row: Row[Any] = (await self._connection.execute(put.returning(tags))).one()
        return row

    async def set_tags(self, namespace: str, name: str, all_tags: Mapping[str, Sequence[str]]) -> None:
        which = (datasets.c.namespace == namespace, datasets.c.name == name)
        await self._connection.execute(update(datasets).where(*which).values(tags=dict(all_tags)))


# What there was before counts once, and each new one from its step on.
_GROWTH = """
SELECT s.begun, s.ended, coalesce(sum(c.made) OVER (ORDER BY s.begun), 0) AS count
FROM (
    SELECT begun, begun + CAST(:step AS interval) AS ended
    FROM generate_series(CAST(:since AS timestamptz), CAST(:until AS timestamptz) - interval '1 microsecond',
                         CAST(:step AS interval)) AS begun
) s
LEFT JOIN (
    SELECT date_bin(CAST(:step AS interval), greatest(created_at, :since), :since) AS begun,
           count(*) AS made
    FROM {source} all_of_them WHERE created_at < :until GROUP BY 1
) c USING (begun)
ORDER BY s.begun
"""
_GROWTH_OF = {
    "jobs": text(_GROWTH.format(source="jobs")),
    "datasets": text(_GROWTH.format(source="datasets")),
    "sources": text(_GROWTH.format(source="(SELECT min(created_at) AS created_at FROM datasets GROUP BY namespace)")),
}
