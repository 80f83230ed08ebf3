"""What generation says on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Clause, Guarantee, Offer, Plan, Waived
from moneyer_shared.contracts.search import SearchRequest

RunState = Literal[
    "denied", "in_review", "queued", "redeemed", "fitting", "fitted", "quarantined", "assaying",
    "released", "rejected", "suspended", "withdrawn", "retired", "failed", "cancelled",
]  # fmt: skip


class GeneratorShown(Document):
    """An engine, its parameters as JSON Schema, and what its runs earn in general: for the default parameters.

    ``cost`` says in words how long a run on a few thousand rows takes, ``needs`` what a source must declare for it,
    ``conditional`` whether its tables can be shaped.
    """

    name: str
    version: str
    description: str
    guarantee: Literal["none", "claimed", "proven"]
    statement: str
    unit: str
    neighbouring: str
    gaps: list[str]
    cost: str
    needs: Literal["rows", "survival", "sequence"]
    conditional: bool
    parameters: dict[str, Any]


class WithdrawnShown(Document):
    """An engine that was offered once."""

    name: str
    reason: str


class SourceShown(Document):
    id: UUID
    declaration: SourceDeclaration
    registered_by: str
    registered_at: datetime


class SourceVersionShown(Document):
    """An upload; its counts are exact for who uploaded it, and to two figures for others."""

    id: UUID
    source_id: UUID
    train_rows: int
    holdout_rows: int
    sealed_bytes: int
    uploaded_by: str
    uploaded_at: datetime


class StratumMade(Document):
    """What was asked of a stratum and what was made; ``share_of_model`` is its share in the model's own rows."""

    name: str
    asked: int
    made: int
    share_of_model: float


class RuleKept(Document):
    """A rule of suppression and the worst group of the rows kept."""

    columns: list[str]
    least_rows: int
    least_values: int | None
    smallest_group: int
    fewest_values: int | None


class LeftOut(Document):
    """Rows left out because too few were like them: of the source before learning, or of what the model made.

    Counts of real rows are told to two figures, and of their worst group what the rule demands.
    """

    of: Literal["output", "input"]
    rows_seen: int
    rows_left_out: int
    rules: list[RuleKept]


class Blended(Document):
    """The real rows in a table; their strata's shares are told in steps of a twentieth."""

    real_rows: int
    strata: list[StratumMade]
    suppression: list[LeftOut]


class MadeWith(Document):
    """Python, machine and libraries; ``digest`` covers every installed distribution."""

    python: str
    machine: str
    libraries: dict[str, str]
    digest: str


class AssetFile(Document):
    """The sealed table: its size, the digest of its sealed bytes, how it came out, and what it was made with."""

    rows: int
    bytes: int
    digest: str
    object: str
    strata: list[StratumMade] = Field(default_factory=list[StratumMade])
    suppression: list[LeftOut] = Field(default_factory=list[LeftOut])
    blend: Blended | None = None
    environment: MadeWith | None = None


class DecisionShown(Document):
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


class Generation(Document):
    """A run and where it stands; once its asset was decided on, what that is now by policy's word.

    ``charged`` says whether its budget was spent.
    """

    id: UUID
    state: RunState
    progress: float
    requester: str
    plan: Plan
    offer: Offer
    decision: DecisionShown
    asset: AssetFile | None
    assay_id: UUID | None
    failure: str | None
    charged: bool
    requested_at: datetime
    changed_at: datetime


class TrialShown(Document):
    """One fit of a search; its run tells the rest. ``shortfall`` is how far its bounds lay beyond the criteria."""

    number: int
    run_id: UUID
    state: Literal["running", "released", "rejected", "failed", "denied"]
    generator: str
    parameters: dict[str, Any]
    epsilon: str
    charged: bool
    shortfall: str | None


class Search(Document):
    """A search and where it stands; ``epsilon_spent`` is Σε of the trials charged or under way."""

    id: UUID
    state: Literal["searching", "found", "spent", "exhausted", "denied", "failed", "cancelled"]
    requester: str
    request: SearchRequest
    epsilon_spent: str
    asset_id: UUID | None
    because: str | None
    trials: list[TrialShown]
    requested_at: datetime
    changed_at: datetime


class Model(Document):
    """A model that a run fitted and kept, sealed under that run's key; a plan samples it again by the run's id.

    What it is a version of: this engine's version, with these parameters, on this version of the source.
    """

    id: UUID
    charter_id: UUID
    source_id: UUID
    source_version_id: UUID
    generator: str
    engine_version: str
    parameters: dict[str, Any]
    guarantee: Guarantee
    fitted_by: str
    requested_at: datetime
    sampled_again: int
