"""What governance decided, beside how the models do that came of it."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from moneyer_lineage.models.documents.models import MetricName, Subgroup
from moneyer_lineage.record.documents.library import Judged, OutcomeFilter
from moneyer_shared.contracts.documents import Document, Moment, Name


class PerformanceQuery(OutcomeFilter):
    metric: MetricName
    subgroup: Subgroup = ""
    until: Moment | None = None
    figure: Annotated[Name, Field(description="The assays' figure that released and rejected assets are held to.")] = (
        "utility-gap"
    )


class Point(Document):
    model: str
    version: str
    asset_id: UUID
    generator: str | None
    guarantee: str | None
    epsilon: float | None
    value: float


class Association(Document):
    n: int
    value: float | None
    lower: float | None
    upper: float | None


class Side(Document):
    generator: str | None
    guarantee: str | None
    n: int
    median: float


class Performance(Document):
    """How models do beside what was decided of their assets: a version trained on several stands beside each.

    ``with_epsilon`` is Spearman's ρ of figure and ε with a 95 % interval; it is no proof of a cause. ``truncated``:
    there are more points than these, of which alone all this is told; ask for one charter or generator.
    """

    points: list[Point]
    truncated: bool
    with_epsilon: Association
    sides: list[Side]
    judged: list[Judged]
