"""What is counted of events, each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Table, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.dashboards.documents import Middle
from moneyer_lineage.dashboards.rules import STEPS, Counted, Measure, Step, Stretch, begin_of
from moneyer_lineage.dashboards.tables import asset_states, counted, counts
from moneyer_lineage.log.tables import checkpoints, leaves
from moneyer_lineage.models.tables import model_versions, models
from moneyer_lineage.record.rules.changes import AssetState
from moneyer_lineage.record.store import cursor
from moneyer_lineage.record.store.cursor import Cursor
from moneyer_lineage.record.store.forwards import ForwardStore
from moneyer_lineage.record.store.library import figure
from moneyer_lineage.record.tables.assets import outcomes
from moneyer_lineage.record.tables.events import events
from moneyer_lineage.webhooks.store import OPEN
from moneyer_lineage.webhooks.tables import deliveries, webhooks


class UncountedEvent(NamedTuple):
    """What an event is counted by; ``facets`` are its run's, as they were told."""

    cursor: Cursor
    event_time: datetime
    run_id: str | None
    vouched: bool
    kind: str | None
    facets: Any


class Held(NamedTuple):
    """How much there is, and how much of it waits."""

    models: int
    model_versions: int
    log_leaves: int
    checkpoint_leaves: int
    checkpoint_at: datetime | None
    webhooks: int
    deliveries_waiting: int
    deliveries_given_up: int
    events_uncounted: int
    forwards_waiting: int


@dataclass(frozen=True)
class Growth:
    """How many there were by the end of a step."""

    begun: datetime
    ended: datetime
    count: int


class CountStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # --- counting ----------------------------------------------------------------------------

    async def next_events(self, limit: int) -> list[UncountedEvent]:
        """The next events to count; until the transaction ends nobody else counts any."""
        query = select(counted.c.written_in, counted.c.event_id).with_for_update()
        row = (await self._connection.execute(query)).one()
        told = events.c.event
        kind, facets = told["eventType"].astext.label("kind"), told[("run", "facets")].label("facets")
        wanted = (events.c.event_time, events.c.run_id, events.c.vouched, kind, facets)
        found = await cursor.after(self._connection, Cursor(row.written_in, row.event_id), limit, *wanted)
        return [
            UncountedEvent(
                Cursor(one.written_in, one.id), one.event_time, one.run_id, one.vouched, one.kind, one.facets
            )
            for one in found
        ]

    async def add(self, found: Mapping[Counted, int]) -> None:
        rows = [dict(zip(("measure", "hour", "label"), key, strict=True)) | {"count": n} for key, n in found.items()]
        added = upsert(counts)
        more = {"count": counts.c.count + added.excluded.count}
        await self._connection.execute(added.on_conflict_do_update(constraint=counts.primary_key, set_=more), rows)

    async def set_states(self, states: Mapping[str, AssetState]) -> None:
        if states:
            rows = [{"asset_id": asset, "state": state} for asset, state in states.items()]
            added = upsert(asset_states)
            put = added.on_conflict_do_update(index_elements=["asset_id"], set_={"state": added.excluded.state})
            await self._connection.execute(put, rows)

    async def reach(self, reached: Cursor, at: datetime) -> None:
        await self._connection.execute(update(counted).values(**reached._asdict(), at=at))

    # --- reading -----------------------------------------------------------------------------

    async def series(
        self, measure: Measure, since: datetime, until: datetime, step: Step
    ) -> Mapping[tuple[datetime, str], int]:
        """By the beginning of a step and label, for what falls into whole hours of a stretch of time."""
        begin = func.date_trunc(step, counts.c.hour, "UTC")
        query = (
            select(begin, counts.c.label, func.sum(counts.c.count))
            .where(counts.c.measure == measure, counts.c.hour >= since, counts.c.hour < until)
            .group_by(begin, counts.c.label)
        )
        return {(row[0], row[1]): int(row[2]) for row in await self._connection.execute(query)}

    async def figures(self, metric: str, since: datetime, until: datetime, step: Step) -> list[Middle]:
        """The median of a figure of assays, by when their assets were planned."""
        value, begin = figure(metric, "value"), func.date_trunc(step, outcomes.c.created_at, "UTC").label("begin")
        middle = func.percentile_cont(0.5).within_group(value).label("median")
        query = (
            select(begin, outcomes.c.generator, middle, func.count().label("n"))
            .where(outcomes.c.created_at >= since, outcomes.c.created_at < until, value.is_not(None))
            .group_by(begin, outcomes.c.generator)
            .order_by(begin, outcomes.c.generator)
        )
        return [
            Middle(time=row.begin, label=row.generator or "", value=row.median, n=row.n)
            for row in await self._connection.execute(query)
        ]

    async def totals(self) -> dict[Measure, dict[str, int]]:
        """Of all time, by measure and label."""
        query = select(counts.c.measure, counts.c.label, func.sum(counts.c.count))
        found: dict[Measure, dict[str, int]] = {}
        for measure, label, n in await self._connection.execute(query.group_by(counts.c.measure, counts.c.label)):
            found.setdefault(measure, {})[label] = int(n)
        return found

    async def states(self) -> Mapping[str, int]:
        """How many assets are what."""
        query = select(asset_states.c.state, func.count()).group_by(asset_states.c.state)
        return {row[0]: row[1] for row in await self._connection.execute(query)}

    async def held(self) -> Held:
        """How much there is of everything else, and how much of it waits; what waits is counted up to a point."""
        newest = select(checkpoints.c.signed_at).order_by(checkpoints.c.size.desc()).limit(1).scalar_subquery()
        held = (
            _number_of(models).label("models"),
            _number_of(model_versions).label("model_versions"),
            select(func.coalesce(func.max(leaves.c.position) + 1, 0)).scalar_subquery().label("log_leaves"),
            select(func.coalesce(func.max(checkpoints.c.size), 0)).scalar_subquery().label("checkpoint_leaves"),
            newest.label("checkpoint_at"),
            _number_of(webhooks, webhooks.c.ended_at.is_(None)).label("webhooks"),
            _number_of(deliveries, *OPEN).label("deliveries_waiting"),
            _number_of(deliveries, deliveries.c.given_up_at.is_not(None)).label("deliveries_given_up"),
            cursor.waiting(_COUNTED).label("events_uncounted"),
        )
        found = (await self._connection.execute(select(*held))).mappings().one()
        behind = [one.waiting for one in await ForwardStore(self._connection).sinks()]
        return Held(**found, forwards_waiting=max(behind, default=0))

    async def events_between(self, since: datetime, until: datetime) -> int:
        """How many events a stretch of time has, exactly: whole hours as they were counted, the rest one by one."""
        first, last = begin_of("hour", since), begin_of("hour", until)
        if first == last:
            return await self._connection.scalar(select(_number_of(events, *_between(since, until)))) or 0
        whole = first if first == since else first + timedelta(hours=1)
        hours = (counts.c.measure == "events", counts.c.hour >= whole, counts.c.hour < last)
        known = select(func.coalesce(func.sum(counts.c.count), 0)).where(*hours).scalar_subquery()
        # What is known and how far that goes are of one moment; whatever is counted after it is beyond that place.
        query = select(known.label("known"), counted.c.written_in, counted.c.event_id)
        row = (await self._connection.execute(query)).one()
        fresh = (*_between(whole, last), cursor.beyond((row.written_in, row.event_id)))
        parts = (_between(since, whole), fresh, _between(last, until))
        found = (await self._connection.execute(select(*(_number_of(events, *part) for part in parts)))).one()
        return int(row.known) + sum(found)

    async def growth(self, kind: str, stretch: Stretch) -> list[Growth]:
        """How many jobs, datasets or sources there were by the end of each step."""
        given = {"since": stretch.since, "until": stretch.end, "step": STEPS[stretch.step]}
        return [Growth(*row) for row in await self._connection.execute(_GROWTH_OF[kind], given)]


_COUNTED = select(counted.c.written_in, counted.c.event_id).scalar_subquery()
"""How far all events are counted."""


def _number_of(table: Table, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


def _between(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return events.c.event_time >= since, events.c.event_time < until


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
