"""What evaluation is asked and answers over the wire, and what it reads back of what it keeps.

Documents that another service reads too are in ``moneyer_shared.contracts.evaluation``.
"""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field

from moneyer_evaluation import rules
from moneyer_shared.contracts.documents import Document, Name, Text
from moneyer_shared.contracts.evaluation import (
    Assay,
    CriterionResult,
    Estimate,
    Monitor,
    MonitorTerms,
    NotEstimable,
    Score,
)
from moneyer_shared.contracts.owners import Owner
from moneyer_shared.contracts.shape import Category, ColumnName
from moneyer_shared.figures import Precision

DIGITS = 6
"""Decimals of a figure as it is kept."""
Owned = Literal["monitor", "shares"]
"""Kinds of things that have an owner."""
Share = Annotated[str, Field(pattern=r"^(0|1|0\.[0-9]{1,12}|1\.0{1,12})$")]
People = Annotated[list[Owner], Field(max_length=50)]


# --- asked ------------------------------------------------------------------------------------------


class ReassayRequest(Document):
    """Which suite or measure, and which assets: those named, or a page of all released ones.

    ``register_id`` is a source declared ``for_linkage`` that an attacker is taken to hold.
    """

    suite: Name
    assets: Annotated[list[UUID], Field(max_length=100)] = Field(default_factory=list[UUID])
    register_id: UUID | None = None
    after: UUID | None = None


class MonitorRequest(Document):
    """What to watch of an asset, how often to see whether anything is new, and who besides you posts scores to it."""

    name: Name
    asset_id: UUID
    terms: MonitorTerms
    every_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    scorers: People = Field(default_factory=list[Owner])


class Scorers(Document):
    """Who besides a monitor's owner posts scores: subjects of their tokens."""

    scorers: People


class ScoresRequest(Document):
    """A batch of a model's scores; the first is what later ones are held against."""

    scores: Annotated[list[Score], Field(min_length=1, max_length=100_000)]


class SharesRequest(Document):
    """Public figures: where they are published, of which day, and shares by column and category as decimal text."""

    source: Text
    as_of: date
    shares: Annotated[
        dict[ColumnName, Annotated[dict[Category, Share], Field(min_length=1, max_length=1000)]],
        Field(min_length=1, max_length=100),
    ]


# --- answered ---------------------------------------------------------------------------------------


class ScoreBatch(Document):
    """A batch that was kept, and of how many scores it is."""

    id: UUID
    scores: int


class Measure(Document):
    """A measure of the catalogue; ``knows`` is what the attacker it stands for holds."""

    id: str
    name: str
    version: int
    family: rules.Family
    does: str
    knows: str | None


class Suite(Document):
    """A named set of measures, as charters name it."""

    name: str
    measures: list[str]


class AssayReport(Document):
    """An assay and what policy held it against: what the page for a committee is made of."""

    assay: Assay
    criteria: list[CriterionResult]


# --- kept -------------------------------------------------------------------------------------------


class Judgement(Document):
    """What is read again of policy's answer, which is kept whole: a release, or a finding about a released asset."""

    model_config = ConfigDict(extra="ignore")

    verdict: Literal["released", "rejected", "review", "stands", "suspended"]
    criteria: list[CriterionResult]
    review_id: UUID | None = None


def _empty_if_null(kept: object) -> object:
    return [] if kept is None else kept


class KeptAssay(Document):
    """An assay with every figure to the last digit kept; ``disclosure`` makes of it what a caller may read.

    ``figures`` is how policy wants them told to those without the right to raw ones; None while it is not known.
    """

    id: UUID
    asset_id: UUID
    purpose: Literal["release", "re-assay"]
    suite: str | None
    state: rules.State
    requested_at: datetime
    finished_at: datetime | None
    figures: Precision | None
    estimates: Annotated[list[Estimate], BeforeValidator(_empty_if_null)]
    not_estimable: Annotated[list[NotEstimable], BeforeValidator(_empty_if_null)]
    release: Judgement | None
    failure: str | None


class KeptMonitor(Monitor):
    """A monitor, and the name of the last new thing it saw."""

    seen: str | None

    @property
    def limits(self) -> dict[str, str]:
        """The limit of each metric it watches, as decimal text."""
        return dict(self.terms.limits.items())


class KeptLook(Document):
    """What a monitor saw, every figure to the last digit kept, and what policy made of a breach."""

    id: UUID
    monitor_id: UUID
    number: int
    seen: str
    estimates: list[Estimate]
    breaches: list[CriterionResult]
    finding: Judgement | None
    at: datetime


def estimate_of(computed: rules.Estimate) -> Estimate:
    """A computed figure as decimal text; its bounds are rounded so that they never look tighter than they are."""
    step = 10**-DIGITS
    return Estimate.model_validate(
        {
            "metric": computed.metric,
            "value": _text(computed.value),
            "lower": _text(computed.lower - step / 2),
            "upper": _text(computed.upper + step / 2),
            "n": computed.n,
            "method": computed.method,
            "confidence": _text(computed.confidence),
            "seed": computed.seed,
            "details": computed.details,
            "measure": computed.measure,
        }
    )


def _text(number: float) -> str:
    return f"{number:.{DIGITS}f}"
