"""Models that were trained on assets, and how they do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Numeric, Row, cast, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.tables import model_metrics, model_versions, models, outcomes, trainings
from moneyer_shared.paging import page

SAID = ("model", "version", "metric", "subgroup", "measured_at")


class ModelStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, name: str, *, lock: bool = False) -> Row[Any] | None:
        query = select(models).where(models.c.name == name)
        return (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()

    async def add(self, values: Mapping[str, Any]) -> bool:
        """Register a model, unless there is one of that name; whether it is new."""
        added = upsert(models).values(**values).on_conflict_do_nothing().returning(models.c.name)
        return await self._connection.scalar(added) is not None

    async def change(self, name: str, **values: Any) -> None:
        await self._connection.execute(update(models).where(models.c.name == name).values(**values))

    async def page(self, owner: str | None, after: str | None) -> Sequence[Row[Any]]:
        query = select(models)
        if owner is not None:
            query = query.where(models.c.owner == owner)
        return await page(self._connection, query, models.c.name, after=after)

    async def version(self, model: str, version: str) -> Row[Any] | None:
        query = select(model_versions).where(model_versions.c.model == model, model_versions.c.version == version)
        return (await self._connection.execute(query)).one_or_none()

    async def versions(self, model: str) -> Sequence[Row[Any]]:
        """A model's versions with the assets each was trained on, the latest first."""
        query = (
            select(model_versions, func.array_agg(trainings.c.asset_id.distinct()).label("assets"))
            .join(trainings, tuple_(trainings.c.model, trainings.c.version)
                  == tuple_(model_versions.c.model, model_versions.c.version))
            .where(model_versions.c.model == model)
            .group_by(model_versions.c.model, model_versions.c.version)
            .order_by(model_versions.c.trained_at.desc(), model_versions.c.version)
        )  # fmt: skip
        return (await self._connection.execute(query)).all()

    async def add_version(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(upsert(model_versions).values(**values).on_conflict_do_nothing())

    async def add_trainings(self, model: str, version: str, assets: Sequence[str]) -> Sequence[str]:
        """The assets that are new to the version."""
        rows = [{"model": model, "version": version, "asset_id": asset} for asset in assets]
        added = upsert(trainings).values(rows).on_conflict_do_nothing().returning(trainings.c.asset_id)
        return (await self._connection.scalars(added)).all()

    async def add_metrics(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
        """Keep figures that are new; what is kept now of all of them."""
        await self._connection.execute(upsert(model_metrics).values(list(rows)).on_conflict_do_nothing())
        keys = [tuple(row[name] for name in SAID) for row in rows]
        query = select(model_metrics).where(tuple_(*(model_metrics.c[name] for name in SAID)).in_(keys))
        return (await self._connection.execute(query)).all()

    async def metrics(
        self, model: str, version: str, *, metric: str | None, subgroup: str | None, after: UUID | None
    ) -> Sequence[Row[Any]]:
        """A page of a version's figures as they came, of one metric or subgroup or of all."""
        query = select(model_metrics).where(model_metrics.c.model == model, model_metrics.c.version == version)
        for name, value in (("metric", metric), ("subgroup", subgroup)):
            if value is not None:
                query = query.where(model_metrics.c[name] == value)
        return await page(self._connection, query, model_metrics.c.id, after=after)

    async def performance(
        self, metric: str, subgroup: str, wanted: Mapping[str, str], until: datetime | None, limit: int
    ) -> Sequence[Row[Any]]:
        """The last figure of each version beside what was asked and decided of each asset it was trained on."""
        latest = (
            select(model_metrics)
            .ext(distinct_on(model_metrics.c.model, model_metrics.c.version))
            .where(model_metrics.c.metric == metric, model_metrics.c.subgroup == subgroup)
            .order_by(model_metrics.c.model, model_metrics.c.version, model_metrics.c.measured_at.desc())
        )
        if until is not None:
            latest = latest.where(model_metrics.c.measured_at <= until)
        figure = latest.subquery()
        query = (
            select(
                figure.c.model, figure.c.version, figure.c.value, figure.c.lower, figure.c.upper,
                figure.c.measured_at, outcomes.c.asset_id, outcomes.c.generator, outcomes.c.guarantee,
                outcomes.c.verdict, cast(outcomes.c.epsilon, Numeric).label("epsilon"),
            )
            .join(trainings, tuple_(trainings.c.model, trainings.c.version)
                  == tuple_(figure.c.model, figure.c.version))
            .join(outcomes, outcomes.c.asset_id == trainings.c.asset_id)
            .where(*(outcomes.c[name] == value for name, value in wanted.items()))
            .order_by(figure.c.model, figure.c.version, outcomes.c.asset_id)
            .limit(limit)
        )  # fmt: skip
        return list((await self._connection.execute(query)).all())  # type: ignore[arg-type]
