"""The graph that runs and datasets make: what each run read and wrote, by who says so."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, Text, and_, bindparam, func, literal, select, text, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.rules.graph import Direction, Edge
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.tables.events import edges

Dataset = tuple[str, str]
_SHOWN = (
    edges.c.run_id, edges.c.direction, edges.c.namespace, edges.c.name, edges.c.job_namespace, edges.c.job_name,
    edges.c.told_by, edges.c.vouched,
)  # fmt: skip


class EdgeStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, rows: Sequence[Json]) -> None:
        """Keep edges; one that was told of before is as old as its first event, whenever that came."""
        known = {row["digest"]: row for row in sorted(rows, key=lambda row: row["first_seen"], reverse=True)}
        if not known:
            return
        added = upsert(edges)
        earlier = {"first_seen": func.least(edges.c.first_seen, added.excluded.first_seen)}
        put = added.on_conflict_do_update(
            index_elements=["digest"], set_=earlier, where=added.excluded.first_seen < edges.c.first_seen
        )
        await self._connection.execute(put, [known[digest] for digest in sorted(known)])

    async def runs_of(self, job: Dataset, as_of: datetime | None, limit: int) -> Sequence[str]:
        """The latest runs of a job that have datasets."""
        query = select(edges.c.run_id).where(edges.c.job_namespace == job[0], edges.c.job_name == job[1], _by(as_of))
        latest = query.group_by(edges.c.run_id).order_by(func.max(edges.c.first_seen).desc(), edges.c.run_id)
        found: Sequence[str] = (await self._connection.scalars(latest.limit(limit))).all()
        return found

    async def of_runs(
        self, runs: Iterable[str], direction: str | None, as_of: datetime | None, *, job: Dataset | None = None
    ) -> list[Edge]:
        """What runs read, upstream, or wrote, downstream, or both; of one job alone where it is given."""
        query = select(*_SHOWN).where(edges.c.run_id.in_(list(runs)), _by(as_of))
        if direction is not None:
            query = query.where(edges.c.direction == ("input" if direction == "upstream" else "output"))
        if job is not None:
            query = query.where(edges.c.job_namespace == job[0], edges.c.job_name == job[1])
        return [Edge(*row) for row in await self._connection.execute(query)]

    async def beside(self, frontier: Iterable[Dataset], direction: str, as_of: datetime | None) -> list[Edge]:
        """What runs beside these datasets read and wrote, of either side: each as one party tells of it.

        Upstream they are runs that wrote the datasets, downstream runs that read them.
        """
        near, far = ("output", "input") if direction == "upstream" else ("input", "output")
        spaces, names = zip(*frontier, strict=True)
        asked = (
            func.unnest(bindparam("spaces", list(spaces), ARRAY(Text)), bindparam("names", list(names), ARRAY(Text)))
            .table_valued("namespace", "name", name="asked")
            .render_derived()
        )
        here = edges.alias("here")
        touched = (
            select(here.c.run_id, here.c.party)
            .select_from(asked.join(here, and_(here.c.namespace == asked.c.namespace, here.c.name == asked.c.name)))
            .where(here.c.direction == near, _by(as_of, here))
            .distinct()
            .subquery("touched")
        )
        same = and_(edges.c.run_id == touched.c.run_id, edges.c.party == touched.c.party)
        # On the near side only what was asked after; on the far side all that the run has there.
        wanted = (edges.c.direction == literal(far)) | tuple_(edges.c.namespace, edges.c.name).in_(
            select(asked.c.namespace, asked.c.name)
        )
        query = select(*_SHOWN).select_from(touched.join(edges, same)).where(wanted, _by(as_of))
        return [Edge(*row) for row in await self._connection.execute(query)]

    async def knows(self, datasets: Sequence[Dataset], as_of: datetime | None) -> Dataset | None:
        """The first of these names that a dataset has which a run read or wrote by then."""
        which = tuple_(edges.c.namespace, edges.c.name).in_(list(datasets))
        query = select(edges.c.namespace, edges.c.name).where(which, _by(as_of)).distinct()
        there = {(row[0], row[1]) for row in (await self._connection.execute(query)).all()}
        return next((one for one in datasets if one in there), None)

    async def knows_job(self, jobs: Sequence[Dataset], as_of: datetime | None) -> Dataset | None:
        """The first of these names that a job has whose runs read or wrote anything by then."""
        which = tuple_(edges.c.job_namespace, edges.c.job_name).in_(list(jobs))
        query = select(edges.c.job_namespace, edges.c.job_name).where(which, _by(as_of)).distinct()
        there = {(row[0], row[1]) for row in (await self._connection.execute(query)).all()}
        return next((one for one in jobs if one in there), None)

    async def reach(self, start: Iterable[Dataset], direction: Direction, as_of: datetime | None) -> set[Dataset]:
        """Every dataset on one side of others, however far, and these themselves.

        That something of the house's was made of something else, the house alone says: no stranger's run makes an asset
        or a model. That a stranger's run read one, and what that made elsewhere, is the stranger's to say.
        """
        near, far = ("output", "input") if direction == "upstream" else ("input", "output")
        spaces, names = zip(*start, strict=True)
        given = {"spaces": list(spaces), "names": list(names), "near": near, "far": far, "as_of": as_of}
        return {(row.namespace, row.name) for row in await self._connection.execute(text(_REACH), given)}


def _by(as_of: datetime | None, table: FromClause = edges) -> ColumnElement[bool]:
    return table.c.first_seen <= as_of if as_of is not None else true()


_REACH = """
WITH RECURSIVE reached (namespace, name) AS (
    SELECT namespace, name FROM unnest(CAST(:spaces AS text[]), CAST(:names AS text[])) AS started (namespace, name)
    UNION
    SELECT there.namespace, there.name
    FROM reached
    JOIN edges here ON here.namespace = reached.namespace AND here.name = reached.name AND here.direction = :near
    JOIN edges there ON there.run_id = here.run_id AND there.party = here.party AND there.direction = :far
    WHERE (CAST(:as_of AS timestamptz) IS NULL
           OR (here.first_seen <= CAST(:as_of AS timestamptz) AND there.first_seen <= CAST(:as_of AS timestamptz)))
      AND (here.vouched OR here.direction = 'input'
           OR NOT (here.namespace = 'moneyer' OR starts_with(here.namespace, 'moneyer.')))
      AND (there.vouched OR there.direction = 'input'
           OR NOT (there.namespace = 'moneyer' OR starts_with(there.namespace, 'moneyer.')))
)
SELECT namespace, name FROM reached
"""
