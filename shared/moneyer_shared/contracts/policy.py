"""What generation and evaluation say to policy, and what it answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt, model_validator

from moneyer_shared.contracts.documents import AmountText, Document, Name, ParameterText, Text
from moneyer_shared.contracts.evaluation import CriterionResult, Estimate
from moneyer_shared.contracts.shape import Blend, ColumnName, Shape, Suppression
from moneyer_shared.figures import Precision

GuaranteeLevel = Literal["none", "claimed", "proven"]
Priority = Literal["low", "normal", "high"]
ParameterInteger = Annotated[StrictInt, Field(ge=-(2**53) + 1, le=2**53 - 1)]
"""As far as the canonical form of a plan carries whole numbers (RFC 8785)."""
Parameter = StrictBool | ParameterInteger | ParameterText


class Plan(Document):
    """What a caller asks to generate.

    ``model`` names an earlier run whose fitted model is sampled again instead of fitting anew: post-processing,
    which is not charged again where the model is private. ``priority`` orders runs that wait; how high it may be is the
    charter's to say.
    """

    charter_id: UUID
    use_case: Name
    audience: Name
    source_id: UUID
    generator: Name
    configuration: Name | None = None
    parameters: dict[Name, Parameter] = Field(default_factory=dict, max_length=50)
    rows: Annotated[int, Field(ge=1, le=10_000_000)]
    requested_guarantee: GuaranteeLevel = "proven"
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    shape: Shape | None = None
    suppression: Suppression | None = None
    blend: Blend | None = None
    priority: Priority = "normal"
    model: UUID | None = None
    rationale: Text


class PopulationUnit(Document):
    """What neighbouring tables of a population differ in: one row, or all rows of one person.

    Persons are told apart by what ``identified_by`` names, which is what a source's privacy unit must identify too.
    """

    kind: Literal["row", "person"]
    identified_by: ColumnName | None = None

    @model_validator(mode="after")
    def _persons_are_told_apart(self) -> "PopulationUnit":
        if (self.kind == "person") != (self.identified_by is not None):
            message = "a person needs identified_by, a row has none"
            raise ValueError(message)
        return self


class SourceUnit(Document):
    """A source's privacy unit: what its column identifies, and the most rows one owns; one row if it has no column."""

    identified_by: ColumnName | None = None
    maximum_rows: Annotated[int, Field(ge=1, le=10_000)] = 1


AssetStateName = Literal["quarantined", "released", "rejected", "suspended", "withdrawn", "retired"]


class AssetState(Document):
    """What an asset is, by the one word that counts: policy's."""

    asset_id: UUID
    state: AssetStateName


class Guarantee(Document):
    """What an engine's run earns, with the gaps known in it; ``epsilon`` and ``delta`` are those of one privacy unit.

    It is of what the mechanism makes. Whoever decides on release looks at real rows, and is outside it.
    """

    level: GuaranteeLevel
    unit: Text
    neighbouring: Literal["add-or-remove one unit"] = "add-or-remove one unit"
    epsilon: AmountText | None = None
    delta: AmountText | None = None
    statement: Text
    gaps: list[Text] = Field(default_factory=list[str])


class Mechanism(Document):
    """One execution's cost, in the terms of a dp-accounting event; amounts are exact decimals.

    ``zcdp`` states rho; ``approximate-zcdp`` also the delta it fails with, of one privacy unit with all its rows;
    ``pure`` and ``claimed`` state epsilon, ``claimed`` also the delta of one row; ``gaussian`` a noise multiplier;
    ``subsampled-gaussian`` also q and steps; ``post-processing`` of a model that was paid for costs nothing; ``none``
    cannot be expressed and counts as one release.
    ``group_size`` is the most rows one privacy unit owns.
    """

    kind: Literal[
        "zcdp", "approximate-zcdp", "pure", "claimed", "gaussian", "subsampled-gaussian", "post-processing", "none"
    ]
    rho: AmountText | None = None
    epsilon: AmountText | None = None
    delta: AmountText | None = None
    noise_multiplier: AmountText | None = None
    sampling_probability: AmountText | None = None
    steps: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    group_size: Annotated[int, Field(ge=1, le=10_000)] = 1


class Offer(Document):
    """What generation can do for a plan: which engine, earning what, at which cost.

    ``cautions`` say what the table will not keep, told before anything is paid; they refuse nothing.
    ``data_domains`` are the columns whose bounds or categories were read from the rows: over them nothing is proven.
    """

    engine_version: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    guarantee: Guarantee
    mechanism: Mechanism
    source_key_id: UUID
    population_id: UUID
    privacy_unit: SourceUnit | None = None
    cautions: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=20)] = Field(
        default_factory=list[str]
    )
    data_domains: Annotated[list[ColumnName], Field(max_length=500)] = Field(default_factory=list[str])


class DecisionRequest(Document):
    run_id: UUID
    requester: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    plan: Plan
    offer: Offer


class Clause(Document):
    """One failed rule of the gate."""

    code: str
    expected: str
    actual: str
    remedy: str


class Permit(Document):
    id: UUID
    token: str
    expires_at: datetime


class Waived(Document):
    """A failed rule that an exception or broken glass set aside."""

    code: str
    waiver_id: UUID
    kind: Literal["exception", "break-glass"]


class DecisionWithoutPermit(Document):
    """The gate's answer as everybody may read it; the permit is for the run's worker alone."""

    id: UUID
    run_id: UUID
    round: int = 0
    verdict: Literal["permit", "deny", "review"]
    clauses: list[Clause]
    waived: list[Waived] = Field(default_factory=list[Waived])
    review_id: UUID | None = None
    plan_digest: str
    charter_digest: str | None
    decided_at: datetime


class Decision(DecisionWithoutPermit):
    """The gate's answer, stored as it stands; ``review`` waits for votes and is decided again in round 1."""

    permit: Permit | None = None


class RedeemRequest(Document):
    token: str
    plan_digest: str


class Redemption(Document):
    """The data keys a paid permit opens, base64; they live in memory only.

    A run that samples an earlier model gets that model's key and no source's.
    """

    permit_id: UUID
    source_key: str | None
    asset_key_id: UUID
    asset_key: str
    model_key: str | None = None


class SettleRequest(Document):
    """How a redeemed permit's run ended; a run that ``measured`` a domain made no asset."""

    outcome: Literal["quarantined", "failed", "cancelled", "measured"]


class AssayKeysRequest(Document):
    """Open an asset and what it was made from: to decide on it, or to look at it again once it is out.

    ``others`` are keys of a later version of the same source, or of tables registered for linkage.
    """

    asset_id: UUID
    purpose: Literal["release", "re-assay"] = "release"
    others: Annotated[list[UUID], Field(max_length=10)] = Field(default_factory=list[UUID])


class AssayKeys(Document):
    """Data keys, base64, the suite of measures the charter names, and how figures are told to those without the right
    to read them raw.
    """

    source_key: str
    asset_key: str
    others: dict[str, str] = Field(default_factory=dict)
    suite: str | None = None
    figures: Precision = "withheld"


SUSPENDED = "suspended"
"""The code of a refusal that a vote may lift: whoever was paid for waits. What is stopped for good says ``stopped``."""


UUID_TEXT = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


Sealable = Annotated[str, Field(max_length=200, pattern=rf"^(source|register):{UUID_TEXT}:{UUID_TEXT}$")]
"""A version of a source or of a register, which a key is of."""


class KeyReturn(Document):
    """A source version that never came to be, whose key is given back."""

    resource: Sealable


class KeyRequest(Document):
    """A new data key for one version of a source of one population, or of a register that is only linked with."""

    resource: Sealable
    population_id: UUID
    partitions: Annotated[list[Name], Field(max_length=500)] = Field(default_factory=list)
    owner: Annotated[str, Field(max_length=200)] | None = None


class DataKey(Document):
    id: UUID
    key: str


class ReleaseRequest(Document):
    asset_id: UUID
    assay_id: UUID
    estimates: list[Estimate]


class Criterion(Document):
    """A charter's demand on an assay; it is held against the confidence bound, not the estimate."""

    metric: Name
    at_most: AmountText | None = None
    at_least: AmountText | None = None


class Release(Document):
    """The decision that lets an asset out, or keeps it in; ``figures`` says how the criteria's are told here."""

    id: UUID
    asset_id: UUID
    assay_id: UUID
    round: int = 0
    verdict: Literal["released", "rejected", "review"]
    review_id: UUID | None = None
    triggered: list[str] = Field(default_factory=list[str])
    criteria: list[CriterionResult]
    figures: Precision = "withheld"
    charter_digest: str
    decided_at: datetime


class FindingRequest(Document):
    """What was found about a released asset: figures to hold against its charter, and bounds found breached already.

    ``evidence`` is the assay or the look of a monitor that found it.
    """

    asset_id: UUID
    cause: Literal["re-assay", "drift"]
    evidence: UUID
    estimates: list[Estimate] = Field(default_factory=list[Estimate])
    breaches: list[CriterionResult] = Field(default_factory=list[CriterionResult])


class Finding(Document):
    """Whether the asset stands, stopped at once, or waits for the committee's word while it stays as it is."""

    asset_id: UUID
    cause: Literal["re-assay", "drift"]
    evidence: UUID
    verdict: Literal["stands", "review", "suspended"]
    criteria: list[CriterionResult]
    figures: Precision = "withheld"
    triggered: list[str]
    review_id: UUID | None = None


class Condemnation(Document):
    """An audit measured more ε than a generator claims: plans that rest on its claim are refused from now on."""

    generator: Name
    audit_id: UUID
    claimed: AmountText
    measured: AmountText


class UnlockRequest(Document):
    """For whom a released table is opened; ``delivery`` is what then puts a copy of it outside custody."""

    subject: str
    delivery: UUID | None = None
