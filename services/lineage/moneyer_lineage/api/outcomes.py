"""The library of past configurations and outcomes: what worked on tables like this."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BeforeValidator, Field

from moneyer_lineage.api.words import READ, InArchive
from moneyer_lineage.domain.changes import AssetState, standing
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.store.outcomes import OutcomeStore
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.errors import Invalid
from moneyer_shared.numbers import read_decimal
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/outcomes", tags=["outcomes"])


def _as_written(said: object) -> object:
    return read_decimal(said) if isinstance(said, str) else said


Bound = Annotated[Annotated[Decimal, Field(ge=-(10**9), le=10**9)] | None, BeforeValidator(_as_written), Query()]


class Sought(Document):
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
        given = {renamed.get(name, name): getattr(self, name) for name in Sought.model_fields}
        return {name: str(value) for name, value in given.items() if value is not None}


class Found(Document):
    """One asset that was planned: what was asked and why, what it cost, how it was judged, what became of it.

    ``verdict`` is what was decided on it once, ``state`` what it is now; neither for one that was never decided on.
    """

    asset_id: UUID
    source_id: str | None
    charter_id: str | None
    use_case: str | None
    generator: str | None
    parameters: dict[str, Any] | None
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


class Sorting(Sought):
    metric: Name | None = None
    at_most: Bound = None
    at_least: Bound = None
    after: UUID | None = Field(default=None, description="The asset that the page before ended with.")


class Summing(Sought):
    metric: Name = "utility-gap"


@router.get("", operation_id="searchOutcomes", summary="Past configurations and what became of them, the latest first")
async def search(
    sought: Annotated[Sorting, Query()], archive: InArchive, pages: Pages, _: Caller = READ
) -> list[Found]:
    """``at_most`` and ``at_least`` are held against the bound of the metric's interval, as a charter would."""
    if sought.metric is None and (sought.at_most is not None or sought.at_least is not None):
        raise Invalid("Say which metric at_most or at_least is about.", code="bound-of-nothing")
    bounds = [(sought.metric, sought.at_most, sought.at_least)] if sought.metric is not None else []
    async with archive.database.transaction() as connection:
        store = OutcomeStore(connection)
        after = str(sought.after) if sought.after else None
        rows = await store.search(sought.columns(), bounds, after)
        changes = await ImpactStore(connection).changes([row.asset_id for row in rows], None)
    pages.follow(rows, "asset_id")
    states = {asset: standing(its).state for asset, its in changes.items()}
    found = [Found.model_validate(row, from_attributes=True) for row in rows]
    return [one.model_copy(update={"state": states.get(str(one.asset_id))}) for one in found]


@router.get("/summary", operation_id="summariseOutcomes", summary="By generator: how often it worked, and one figure")
async def summary(sought: Annotated[Summing, Query()], archive: InArchive, _: Caller = READ) -> list[Group]:
    async with archive.database.transaction() as connection:
        rows = await OutcomeStore(connection).summary(sought.columns(), sought.metric)
    return [Group.model_validate(row, from_attributes=True) for row in rows]
