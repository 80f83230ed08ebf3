"""The library of past configurations and what became of them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import ColumnElement, Numeric, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.documents.library import Group, Judged, Outcome
from moneyer_lineage.record.tables.assets import outcomes
from moneyer_shared.paging import page


def figure(metric: str, end: str) -> ColumnElement[Decimal]:
    """An end of a figure's interval, or its value, as a number."""
    return cast(outcomes.c.figures[metric][end].astext, Numeric)


class OutcomeStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def search(
        self,
        wanted: Mapping[str, str],
        bounds: Sequence[tuple[str, Decimal | None, Decimal | None]],
        after: str | None,
    ) -> list[Outcome]:
        """Those of this source, charter, generator and so on whose figures keep these limits; latest first."""
        query = select(outcomes).where(*(outcomes.c[name] == value for name, value in wanted.items()))
        for metric, at_most, at_least in bounds:
            if at_most is not None:
                query = query.where(figure(metric, "upper") <= at_most)
            if at_least is not None:
                query = query.where(figure(metric, "lower") >= at_least)
        order = (outcomes.c.created_at, outcomes.c.asset_id)
        rows = await page(self._connection, query, *order, after=after, newest_first=True)
        return [Outcome.model_validate(row) for row in rows]

    async def summary(self, wanted: Mapping[str, str], metric: str) -> list[Group]:
        """By generator and guarantee: what became of the plans, and a figure of those that were measured."""
        value, spent = figure(metric, "value"), cast(outcomes.c.epsilon, Numeric)

        def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
            return func.count().filter(condition)

        query = (
            select(
                outcomes.c.generator,
                outcomes.c.guarantee,
                func.count().label("planned"),
                count(outcomes.c.decision == "deny").label("denied"),
                count(outcomes.c.verdict == "released").label("released"),
                count(outcomes.c.verdict == "rejected").label("rejected"),
                count(outcomes.c.failure.is_not(None)).label("failed"),
                func.count(value).label("measured"),
                func.percentile_cont(0.5).within_group(value).label("median"),
                func.corr(spent, value).label("correlation_with_epsilon"),
            )
            .where(*(outcomes.c[name] == value for name, value in wanted.items()))
            .group_by(outcomes.c.generator, outcomes.c.guarantee)
            .order_by(outcomes.c.generator, outcomes.c.guarantee)
        )
        return [Group.model_validate(row) for row in await self._connection.execute(query)]

    async def by_verdict(self, wanted: Mapping[str, str], metric: str) -> list[Judged]:
        """A figure of the assays of released and of rejected assets."""
        value = figure(metric, "value")
        middle = func.percentile_cont(0.5).within_group(value).label("median")
        query = (
            select(outcomes.c.verdict, func.count(value).label("n"), middle)
            .where(*(outcomes.c[name] == value for name, value in wanted.items()))
            .where(outcomes.c.verdict.in_(["released", "rejected"]), value.is_not(None))
            .group_by(outcomes.c.verdict)
            .order_by(outcomes.c.verdict)
        )
        return [Judged.model_validate(row) for row in await self._connection.execute(query)]
