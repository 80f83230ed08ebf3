"""What generation asks of evaluation, and the estimates policy judges."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from mintmark_shared.contracts.generation import SourceDeclaration
from mintmark_shared.contracts.words import Document, Figure


class AssayRequest(Document):
    """Judge one asset against the train and holdout parts of its source."""

    asset_id: UUID
    permit_id: UUID
    declaration: SourceDeclaration
    train_object: Annotated[str, Field(max_length=500)]
    holdout_object: Annotated[str, Field(max_length=500)]
    asset_object: Annotated[str, Field(max_length=500)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Estimate(Document):
    """A figure with its uncertainty."""

    metric: Annotated[str, Field(max_length=100)]
    value: Figure
    lower: Figure
    upper: Figure
    n: Annotated[int, Field(ge=0)]
    method: Annotated[str, Field(max_length=500)]
    confidence: Figure
    seed: int
    details: dict[str, Any] = Field(default_factory=dict)


class NotEstimable(Document):
    metric: str
    because: str


class PowerNote(Document):
    """A criterion that no table of this size could meet: its interval is wider than the charter leaves room for."""

    metric: str
    note: str


class Assay(Document):
    id: UUID
    asset_id: UUID
    state: Literal["queued", "measuring", "measured", "done", "failed"]
    requested_at: datetime
    finished_at: datetime | None = None
    estimates: list[Estimate] = Field(default_factory=list)
    not_estimable: list[NotEstimable] = Field(default_factory=list)
    power_notes: list[PowerNote] = Field(default_factory=list)
    verdict: Literal["released", "rejected", "review"] | None = None
    failure: str | None = None
