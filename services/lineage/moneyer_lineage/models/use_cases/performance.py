"""What governance decided, beside how the models do that came of it."""

from moneyer_lineage.dependencies import Work
from moneyer_lineage.models.documents import performance as documents
from moneyer_lineage.models.documents.performance import Performance, PerformanceQuery
from moneyer_lineage.models.rules.performance import Point, chart, sides, with_epsilon
from moneyer_lineage.models.store.models import ModelStore
from moneyer_lineage.record.store.library import OutcomeStore

MOST_POINTS = 5000


async def get_performance(work: Work, sought: PerformanceQuery) -> Performance:
    """The last figure of each model version by a time, beside each asset it was trained on.

    ``judged`` is a figure of the assays of released and of rejected assets: whether the rejected were the worse.
    """
    points, truncated = await _points(work, sought)
    return Performance(
        points=[documents.Point.model_validate(one) for one in points],
        truncated=truncated,
        with_epsilon=documents.Association.model_validate(with_epsilon(points)),
        sides=[documents.Side.model_validate(one) for one in sides(points)],
        judged=await OutcomeStore(work.connection).by_verdict(sought.columns(), sought.figure),
    )


async def get_performance_chart(work: Work, sought: PerformanceQuery) -> str:
    """The same as an SVG: ε across, the figure upwards."""
    points, _ = await _points(work, sought)
    return chart(points, metric=sought.metric)


async def _points(work: Work, sought: PerformanceQuery) -> tuple[list[Point], bool]:
    """As many as are shown, and whether there are more."""
    found = await ModelStore(work.connection).performance(
        sought.metric, sought.subgroup, sought.columns(), sought.until, MOST_POINTS + 1
    )
    return found[:MOST_POINTS], len(found) > MOST_POINTS
