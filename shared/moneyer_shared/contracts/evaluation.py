"""What generation asks of evaluation, and the estimates policy judges."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from moneyer_shared.contracts.documents import AmountText, Document, Figure, Name
from moneyer_shared.contracts.generation import MissedPull, SourceDeclaration
from moneyer_shared.figures import Precision


class Register(Document):
    """A table an attacker is taken to hold: where its parts lie, and the key that opens them."""

    declaration: SourceDeclaration
    key_id: UUID
    objects: Annotated[list[Annotated[str, Field(max_length=500)]], Field(min_length=1, max_length=2)]


class AssayRequest(Document):
    """Judge one asset against the train and holdout parts of its source.

    For a ``release`` policy decides on what is found. A ``re-assay`` looks at a released asset again, with the suite
    or the single measure asked for, and policy holds what is found against the asset's charter. Without ``suite`` it
    is the charter's, or the standard one. ``linkage`` is what an attacker links the asset with. ``job`` is the
    OpenLineage job that the asset's run is one of.
    """

    asset_id: UUID
    permit_id: UUID
    purpose: Literal["release", "re-assay"] = "release"
    suite: Name | None = None
    linkage: Register | None = None
    source_id: UUID | None = None
    declaration: SourceDeclaration
    train_object: Annotated[str, Field(max_length=500)]
    holdout_object: Annotated[str, Field(max_length=500)]
    asset_object: Annotated[str, Field(max_length=500)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    job: Annotated[str, Field(max_length=500)] = "generation.run"


class CriterionResult(Document):
    """One criterion held against an interval; ``shortfall`` is how far its bound lies beyond the limit.

    Without the right to raw figures the interval is rounded to what it supports, or withheld (null), and the shortfall
    is that of the rounded bound.
    """

    metric: str
    expected: str
    actual: str
    met: bool
    shortfall: AmountText | None = None
    at_most: AmountText | None = None
    at_least: AmountText | None = None
    value: Figure | None = None
    lower: Figure | None = None
    upper: Figure | None = None
    n: int | None = None


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
    measure: str = ""


class NotEstimable(Document):
    metric: str
    because: str


class PowerNote(Document):
    """A criterion that no table of this size could meet: its interval is wider than the charter leaves room for."""

    metric: str
    note: str


class Assay(Document):
    """A release is ``released``, ``rejected`` or in ``review``; assayed again, it ``stands`` or is ``suspended``.

    ``figures`` says how figures computed from real rows are told here: ``raw`` to holders of ``evaluation:raw:read``,
    ``rounded`` to what their intervals support to everybody else, and ``withheld`` from them where the table is too
    small, or its requester chose what it holds.
    """

    id: UUID
    asset_id: UUID
    purpose: Literal["release", "re-assay"] = "release"
    suite: str | None = None
    state: Literal["queued", "measuring", "measured", "done", "failed"]
    requested_at: datetime
    finished_at: datetime | None = None
    figures: Precision = "withheld"
    estimates: list[Estimate] = Field(default_factory=list)
    not_estimable: list[NotEstimable] = Field(default_factory=list)
    power_notes: list[PowerNote] = Field(default_factory=list)
    verdict: Literal["released", "rejected", "review", "stands", "suspended"] | None = None
    failure: str | None = None


Score = Annotated[float, Field(allow_inf_nan=False)]
"""A number: neither text that reads like one, nor true or false."""
Scores = Annotated[list[Score], Field(min_length=8, max_length=100_000)]


class GuaranteeAuditRequest(Document):
    """Scores of runs of one configuration on a public table with a worst-case record (inside) and without it (outside).

    A higher score says more surely that the record was there. ``epsilon`` and ``delta`` are what the configuration
    claims.
    """

    id: UUID
    generator: Name
    engine_version: Annotated[str, Field(max_length=100)]
    parameters: dict[str, Any]
    guarantee: Literal["claimed", "proven"]
    epsilon: AmountText
    delta: AmountText
    inside: Scores
    outside: Scores


class GuaranteeAudit(Document):
    """A lower bound on ε beside the claim; a bound above it condemns the configuration."""

    id: UUID
    generator: Name
    engine_version: str
    parameters: dict[str, Any]
    guarantee: Literal["claimed", "proven"]
    epsilon: AmountText
    delta: AmountText
    estimate: Estimate
    verdict: Literal["stands", "condemned"]
    at: datetime


def _above_nought(chance: str) -> str:
    if not chance.strip("0."):
        message = "false_alarms lies above 0: a monitor that may never be wrong can never say anything"
        raise ValueError(message)
    return chance


class _Terms(Document):
    """What a monitor allows: a breach is a lower bound above its limit, and false alarms are the chance of ever
    raising one where nothing drifts past it.
    """

    false_alarms: Annotated[str, Field(pattern=r"^0\.[0-9]{1,6}$"), AfterValidator(_above_nought)] = "0.05"


class SourceTerms(_Terms):
    """Newer uploads of the source against the one the asset was made from: the newest when the watch begins, and each
    that comes after it, in the order in which they come.
    """

    kind: Literal["source"]
    limits: dict[Literal["psi-max", "tvd-max", "drift-auc"], AmountText] = Field(
        default={"psi-max": "0.2", "tvd-max": "0.1", "drift-auc": "0.6"}, min_length=1
    )


class SharesTerms(_Terms):
    """The asset against the newest published shares of its population."""

    kind: Literal["shares"]
    limits: dict[Literal["psi-max", "tvd-max"], AmountText] = Field(
        default={"psi-max": "0.2", "tvd-max": "0.1"}, min_length=1
    )


class ScoresTerms(_Terms):
    """Posted scores of a model against the first batch of them; all lie from ``minimum`` to ``maximum``."""

    kind: Literal["scores"]
    minimum: Score = 0.0
    maximum: Score = 1.0
    limits: dict[Literal["psi-max", "tvd-max", "ks"], AmountText] = Field(
        default={"psi-max": "0.2", "tvd-max": "0.1", "ks": "0.1"}, min_length=1
    )

    @model_validator(mode="after")
    def _ordered(self) -> "ScoresTerms":
        # Halves, as scores are placed by: of the largest numbers the whole difference is infinite.
        if self.maximum / 2 <= self.minimum / 2:
            message = "maximum must be above minimum"
            raise ValueError(message)
        return self


MonitorTerms = Annotated[SourceTerms | SharesTerms | ScoresTerms, Field(discriminator="kind")]


class Monitor(Document):
    """A standing watch over an asset. ``looks`` counts those that saw something new; ``scorers`` post scores to it.

    ``missed`` is the last pull of its source's schedule, where that brought nothing to look at.
    """

    id: UUID
    name: str
    asset_id: UUID
    terms: MonitorTerms
    state: Literal["active", "paused"]
    every_hours: int
    looks: int
    scorers: list[str]
    made_by: str
    made_at: datetime
    next_at: datetime
    missed: MissedPull | None = None


class Look(Document):
    """What a monitor saw of one new thing, and the review a breach opened; ``figures`` as in an assay."""

    id: UUID
    monitor_id: UUID
    number: int
    seen: str
    figures: Literal["raw", "rounded"] = "rounded"
    estimates: list[Estimate]
    breaches: list[CriterionResult]
    review_id: UUID | None = None
    at: datetime


class ReferenceShares(Document):
    """Published shares of a population, by column and category, in the version they were declared."""

    id: UUID
    population_id: UUID
    version: int
    source: str
    as_of: date
    shares: dict[str, dict[str, AmountText]]
    made_by: str
    made_at: datetime


class Reassays(Document):
    """The re-assays queued, by asset; ``after`` is where the next page begins, if there is one."""

    suite: str
    assays: dict[UUID, UUID]
    after: UUID | None = None
