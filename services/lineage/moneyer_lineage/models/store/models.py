"""Models that were trained on assets, and how they do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Numeric, cast, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.models.documents.models import Figure, Measurement, Model, ModelVersion
from moneyer_lineage.models.rules.performance import Point
from moneyer_lineage.models.tables import model_metrics, model_versions, models, trainings
from moneyer_lineage.record.tables.assets import outcomes
from moneyer_shared.paging import page

OF = ("metric", "subgroup", "measured_at")


class ModelStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def find(self, name: str, *, lock: bool = False) -> Model | None:
        query = select(models).where(models.c.name == name)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        return Model.model_validate(found) if found is not None else None

    async def add(self, made: Model) -> bool:
        """Register a model, unless there is one of that name; whether it is new."""
        added = upsert(models).values(**dict(made)).on_conflict_do_nothing().returning(models.c.name)
        return await self._connection.scalar(added) is not None

    async def change(self, name: str, **values: object) -> None:
        await self._connection.execute(update(models).where(models.c.name == name).values(**values))

    async def page(self, owner: str | None, after: str | None) -> list[Model]:
        query = select(models)
        if owner is not None:
            query = query.where(models.c.owner == owner)
        rows = await page(self._connection, query, models.c.name, after=after)
        return [Model.model_validate(row) for row in rows]

    async def trained_at(self, model: str, version: str) -> datetime | None:
        """When a version was trained, as it was told first; None where there is no such version."""
        of_version = (model_versions.c.model == model, model_versions.c.version == version)
        found: datetime | None = await self._connection.scalar(select(model_versions.c.trained_at).where(*of_version))
        return found

    async def versions(self, model: str) -> list[ModelVersion]:
        """A model's versions with the assets each was trained on, the latest first."""
        query = (
            select(model_versions, func.array_agg(trainings.c.asset_id.distinct()).label("assets"))
            .join(trainings, tuple_(trainings.c.model, trainings.c.version)
                  == tuple_(model_versions.c.model, model_versions.c.version))
            .where(model_versions.c.model == model)
            .group_by(model_versions.c.model, model_versions.c.version)
            .order_by(model_versions.c.trained_at.desc(), model_versions.c.version)
        )  # fmt: skip
        return [ModelVersion.model_validate(row) for row in await self._connection.execute(query)]

    async def add_version(
        self, model: str, version: str, uri: str | None, trained_at: datetime, registered_at: datetime
    ) -> None:
        added = upsert(model_versions).values(
            model=model, version=version, uri=uri, trained_at=trained_at, registered_at=registered_at
        )
        await self._connection.execute(added.on_conflict_do_nothing())

    async def add_trainings(self, model: str, version: str, assets: Sequence[str]) -> Sequence[str]:
        """The assets that are new to the version."""
        rows = [{"model": model, "version": version, "asset_id": asset} for asset in assets]
        added = upsert(trainings).values(rows).on_conflict_do_nothing().returning(trainings.c.asset_id)
        return (await self._connection.scalars(added)).all()

    async def add_metrics(self, model: str, version: str, told: Sequence[Measurement]) -> list[Figure]:
        """Keep figures that are new; what is kept now of all of them."""
        rows = [{"model": model, "version": version, **dict(one)} for one in told]
        await self._connection.execute(upsert(model_metrics).values(rows).on_conflict_do_nothing())
        query = select(model_metrics).where(
            model_metrics.c.model == model, model_metrics.c.version == version,
            tuple_(*(model_metrics.c[name] for name in OF)).in_([one.of for one in told]),
        )  # fmt: skip
        return [Figure.model_validate(row) for row in await self._connection.execute(query)]

    async def metrics(
        self, model: str, version: str, *, metric: str | None, subgroup: str | None, after: UUID | None
    ) -> list[Figure]:
        """A page of a version's figures as they came, of one metric or subgroup or of all."""
        query = select(model_metrics).where(model_metrics.c.model == model, model_metrics.c.version == version)
        for name, value in (("metric", metric), ("subgroup", subgroup)):
            if value is not None:
                query = query.where(model_metrics.c[name] == value)
        rows = await page(self._connection, query, model_metrics.c.id, after=after)
        return [Figure.model_validate(row) for row in rows]

    async def performance(
        self, metric: str, subgroup: str, wanted: Mapping[str, str], until: datetime | None, limit: int
    ) -> list[Point]:
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
                figure.c.model, figure.c.version, outcomes.c.asset_id, outcomes.c.generator, outcomes.c.guarantee,
                cast(outcomes.c.epsilon, Numeric).label("epsilon"), figure.c.value,
            )
            .join(trainings, tuple_(trainings.c.model, trainings.c.version)
                  == tuple_(figure.c.model, figure.c.version))
            .join(outcomes, outcomes.c.asset_id == trainings.c.asset_id)
            .where(*(outcomes.c[name] == value for name, value in wanted.items()))
            .order_by(figure.c.model, figure.c.version, outcomes.c.asset_id)
            .limit(limit)
        )  # fmt: skip
        return [
            Point(
                row.model, row.version, row.asset_id, row.generator, row.guarantee,
                float(row.epsilon) if row.epsilon else None, row.value,
            )
            for row in await self._connection.execute(query)
        ]  # fmt: skip
