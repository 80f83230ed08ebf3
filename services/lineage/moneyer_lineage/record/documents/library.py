"""The library of past configurations: what was asked, and what became of it."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field

from moneyer_lineage.record.rules.changes import AssetState
from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.numbers import read_decimal


def _as_written(said: object) -> object:
    return read_decimal(said) if isinstance(said, str) else said


Bound = Annotated[Annotated[Decimal, Field(ge=-(10**9), le=10**9)] | None, BeforeValidator(_as_written)]


class OutcomeFilter(Document):
    """Which outcomes: of a source, charter, generator, use case, decision or verdict."""

    source: UUID | None = None
    charter: UUID | None = None
    generator: Name | None = None
    use_case: Name | None = None
    guarantee: Name | None = None
    decision: Name | None = None
    verdict: Name | None = None

    def columns(self) -> dict[str, str]:
        """The same by the columns of the library."""
        renamed = {"source": "source_id", "charter": "charter_id"}
        given = {renamed.get(name, name): getattr(self, name) for name in OutcomeFilter.model_fields}
        return {name: str(value) for name, value in given.items() if value is not None}


class OutcomeSearch(OutcomeFilter):
    """``at_most`` and ``at_least`` are held against the bound of the metric's interval, as a charter would."""

    metric: Name | None = None
    at_most: Bound = None
    at_least: Bound = None
    after: UUID | None = Field(default=None, description="The asset that the page before ended with.")


class OutcomeSummary(OutcomeFilter):
    metric: Name = "utility-gap"


class Outcome(Document):
    """One asset that was planned: what was asked and why, what it cost, how it was judged, what became of it.

    ``verdict`` is what was decided on it once, ``state`` what it is now; neither for one that was never decided on.
    """

    asset_id: UUID
    source_id: str | None
    charter_id: str | None
    use_case: str | None
    generator: str | None
    parameters: Json | None
    guarantee: str | None
    rows: int | None
    rationale: str | None
    decision: str | None
    failed: list[str] | None
    epsilon: str | None
    verdict: str | None
    state: AssetState | None = None
    failure: str | None
    figures: dict[str, dict[str, str]] | None
    created_at: Moment
    updated_at: Moment


class Group(Document):
    """What became of a generator's plans; the median and the correlation with ε are of the metric asked for."""

    generator: str | None
    guarantee: str | None
    planned: int
    denied: int
    released: int
    rejected: int
    failed: int
    measured: int
    median: float | None
    correlation_with_epsilon: float | None


class Judged(Document):
    verdict: str
    n: int
    median: float
