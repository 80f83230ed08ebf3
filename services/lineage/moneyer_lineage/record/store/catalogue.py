"""Runs, jobs, datasets and their versions as they are known, and what people put beside them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, Table, func, literal, or_, select, true, tuple_, update
from sqlalchemy import Text as TextType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.rules.pictures import (
    DatasetPicture,
    JobPicture,
    RunPicture,
    VersionPicture,
    dataset_picture,
    job_picture,
    run_picture,
    version_picture,
)
from moneyer_lineage.record.rules.statements import OURS, Event, layers_of
from moneyer_lineage.record.tables.events import dataset_versions, datasets, events, jobs, runs, tags

Key = tuple[str, str]
_TEXTS = ARRAY(TextType)
LATEST = 10
"""Of a job so many of its newest runs are looked at for the newest that finished."""


def _ours(namespace: ColumnElement[str]) -> ColumnElement[bool]:
    """``is_ours``, asked of a column."""
    return or_(namespace == OURS, namespace.startswith(f"{OURS}."))


def _run(row: Row[tuple[object, ...]]) -> RunPicture:
    return run_picture(row.run_id, layers_of(row.layers), row.owner)


def _job(row: Row[tuple[object, ...]]) -> JobPicture:
    return job_picture(row.namespace, row.name, layers_of(row.layers))


def _dataset(row: Row[tuple[object, ...]]) -> DatasetPicture:
    return dataset_picture(row.namespace, row.name, layers_of(row.layers), row.tags)


def _version(row: Row[tuple[object, ...]]) -> VersionPicture:
    return version_picture(row.version, row.namespace, row.name, row.run_id, layers_of(row.layers))


class Namespace(NamedTuple):
    """A namespace that jobs or datasets are in, since its first of them and as of its latest."""

    name: str
    created_at: datetime
    updated_at: datetime


class FoundByName(NamedTuple):
    """A ``JOB`` or ``DATASET``."""

    type: str
    namespace: str
    name: str
    updated_at: datetime


class Tag(NamedTuple):
    name: str
    description: str | None


class CatalogueStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def namespaces(self, name: str | None = None) -> list[Namespace]:
        """Every namespace that jobs or datasets are in, or of the one of a name."""
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
        return [Namespace(*row) for row in await self._connection.execute(query.order_by("name"))]

    # --- jobs and their runs ---------------------------------------------------------------------

    async def jobs(self, namespace: str | None, limit: int, offset: int) -> tuple[Sequence[JobPicture], int]:
        """A page of jobs, the latest first, and how many there are."""
        rows, total = await self._page(jobs, namespace, limit, offset)
        return [_job(row) for row in rows], total

    async def some_jobs(self, keys: Sequence[Key]) -> Sequence[JobPicture]:
        return [_job(row) for row in await self._some(jobs, keys)]

    async def runs(self, namespace: str, name: str, limit: int, offset: int) -> tuple[Sequence[RunPicture], int]:
        """A page of a job's runs, the latest first, and how many there are."""
        of_job = (runs.c.job_namespace == namespace, runs.c.job_name == name)
        total = await self._connection.scalar(select(func.count()).select_from(runs).where(*of_job)) or 0
        query = select(runs).where(*of_job).order_by(runs.c.created_at.desc(), runs.c.run_id)
        rows = (await self._connection.execute(query.limit(limit).offset(offset))).all()
        return [_run(row) for row in rows], total

    async def some_runs(self, run_ids: Sequence[str]) -> dict[str, RunPicture]:
        found = (await self._connection.execute(select(runs).where(runs.c.run_id.in_(list(run_ids))))).all()
        return {row.run_id: _run(row) for row in found}

    async def latest_runs(self, keys: Sequence[Key]) -> dict[Key, list[RunPicture]]:
        """The newest runs of each job, the newest first; of the house's jobs only those it vouches for."""
        if not keys:
            return {}
        spaces, names = zip(*keys, strict=True)
        asked = (
            func.unnest(literal(list(spaces), _TEXTS), literal(list(names), _TEXTS))
            .table_valued("namespace", "name", name="asked").render_derived()
        )  # fmt: skip
        newest = (
            select(runs)
            .where(runs.c.job_namespace == asked.c.namespace, runs.c.job_name == asked.c.name)
            .where(or_(runs.c.vouched, ~_ours(runs.c.job_namespace)))
            .order_by(runs.c.created_at.desc(), runs.c.run_id)
            .limit(LATEST)
            .correlate(asked)
            .lateral("newest")
        )
        query = select(asked.c.namespace, asked.c.name, newest).select_from(asked.join(newest, true()))
        found: dict[Key, list[RunPicture]] = {}
        for row in (await self._connection.execute(query)).all():
            found.setdefault((row.namespace, row.name), []).append(_run(row))
        return found

    # --- datasets and their versions -------------------------------------------------------------

    async def datasets(self, namespace: str | None, limit: int, offset: int) -> tuple[Sequence[DatasetPicture], int]:
        """A page of datasets, the latest first, and how many there are."""
        rows, total = await self._page(datasets, namespace, limit, offset)
        return [_dataset(row) for row in rows], total

    async def some_datasets(self, keys: Sequence[Key]) -> Sequence[DatasetPicture]:
        return [_dataset(row) for row in await self._some(datasets, keys)]

    async def versions(
        self, namespace: str, name: str, limit: int, offset: int
    ) -> tuple[Sequence[VersionPicture], int]:
        """A page of a dataset's versions, the latest first, and how many there are."""
        of_dataset = (dataset_versions.c.namespace == namespace, dataset_versions.c.name == name)
        total = (
            await self._connection.scalar(select(func.count()).select_from(dataset_versions).where(*of_dataset)) or 0
        )
        order = (dataset_versions.c.created_at.desc(), dataset_versions.c.version)
        query = select(dataset_versions).where(*of_dataset).order_by(*order)
        rows = (await self._connection.execute(query.limit(limit).offset(offset))).all()
        return [_version(row) for row in rows], total

    async def version(self, namespace: str, name: str, version: str) -> VersionPicture | None:
        of_dataset = (dataset_versions.c.namespace == namespace, dataset_versions.c.name == name)
        query = select(dataset_versions).where(dataset_versions.c.version == version, *of_dataset)
        row = (await self._connection.execute(query)).one_or_none()
        return _version(row) if row is not None else None

    # --- either ------------------------------------------------------------------------------------

    async def _page(
        self, table: Table, namespace: str | None, limit: int, offset: int
    ) -> tuple[Sequence[Row[tuple[object, ...]]], int]:
        within = [table.c.namespace == namespace] if namespace is not None else []
        total = await self._connection.scalar(select(func.count()).select_from(table).where(*within)) or 0
        query = select(table).where(*within).order_by(table.c.updated_at.desc(), table.c.namespace, table.c.name)
        return (await self._connection.execute(query.limit(limit).offset(offset))).all(), total

    async def _some(self, table: Table, keys: Sequence[Key]) -> Sequence[Row[tuple[object, ...]]]:
        if not keys:
            return []
        which = tuple_(table.c.namespace, table.c.name).in_(keys)
        return (await self._connection.execute(select(table).where(which))).all()

    async def known(self, kind: str, keys: Sequence[Key]) -> Key | None:
        """The first of these names that a job or dataset has."""
        table = jobs if kind == "job" else datasets
        which = tuple_(table.c.namespace, table.c.name).in_(keys)
        query = select(table.c.namespace, table.c.name).where(which)
        there = {(row[0], row[1]) for row in (await self._connection.execute(query)).all()}
        return next((key for key in keys if key in there), None)

    async def search(self, pattern: str, kind: str | None, by: str, limit: int) -> tuple[list[FoundByName], int]:
        """Jobs and datasets whose name is like a pattern."""
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
        rows = await self._connection.execute(select(found).order_by(order).limit(limit))
        return [FoundByName(*row) for row in rows], total

    async def events(
        self, after: datetime, before: datetime, limit: int, offset: int, *, descending: bool
    ) -> list[Event]:
        """A page of the events of a stretch of time as they came."""
        order = (events.c.event_time.desc(), events.c.id.desc()) if descending else (events.c.event_time, events.c.id)
        query = select(events.c.event).where(events.c.event_time >= after, events.c.event_time < before)
        return list((await self._connection.scalars(query.order_by(*order).limit(limit).offset(offset))).all())

    # --- tags -------------------------------------------------------------------------------

    async def tags(self) -> list[Tag]:
        query = select(tags.c.name, tags.c.description).order_by(tags.c.name)
        return [Tag(*row) for row in await self._connection.execute(query)]

    async def put_tag(self, name: str, description: str | None, at: datetime) -> Tag:
        added = upsert(tags).values(name=name, description=description, made_at=at)
        put = added.on_conflict_do_update(
            index_elements=["name"], set_={"description": func.coalesce(added.excluded.description, tags.c.description)}
        )
        return Tag(*(await self._connection.execute(put.returning(tags.c.name, tags.c.description))).one())

    async def set_tags(self, namespace: str, name: str, all_tags: Mapping[str, Sequence[str]]) -> None:
        which = (datasets.c.namespace == namespace, datasets.c.name == name)
        await self._connection.execute(update(datasets).where(*which).values(tags=dict(all_tags)))
