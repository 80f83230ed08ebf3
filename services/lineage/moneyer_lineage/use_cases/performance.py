"""What governance decided, beside how the models do that came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moneyer_lineage.domain.performance import Association, Point, Side, sides, with_epsilon
from moneyer_lineage.store.models import ModelStore
from moneyer_lineage.store.outcomes import OutcomeStore
from moneyer_lineage.use_cases.archive import Archive

MOST_POINTS = 5000


@dataclass(frozen=True)
class Performance:
    """``judged`` is a figure of the assays of released and of rejected assets: whether the rejected were the worse."""

    points: Sequence[Point]
    truncated: bool
    with_epsilon: Association
    sides: Sequence[Side]
    judged: Sequence[Any]


async def performance(
    archive: Archive, *, metric: str, subgroup: str, figure: str, wanted: Mapping[str, str], until: datetime | None
) -> Performance:
    """The last figure of each model version by a time, beside each asset it was trained on."""
    async with archive.database.transaction() as connection:
        rows = await ModelStore(connection).performance(metric, subgroup, wanted, until, MOST_POINTS + 1)
        judged = await OutcomeStore(connection).by_verdict(wanted, figure)
    points = [
        Point(
            row.model, row.version, row.asset_id, row.generator, row.guarantee,
            float(row.epsilon) if row.epsilon else None, row.value,
        )
        for row in rows[:MOST_POINTS]
    ]  # fmt: skip
    return Performance(points, len(rows) > MOST_POINTS, with_epsilon(points), sides(points), judged)
