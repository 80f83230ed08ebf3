"""Our facets of OpenLineage events, and their JSON Schemas."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.documents import AmountText
from moneyer_shared.contracts.evaluation import CriterionResult, GuaranteeAudit, NotEstimable, PowerNote
from moneyer_shared.contracts.policy import Finding, Guarantee, Plan, Release
from moneyer_shared.figures import Telling

BASE = "https://moneyer.dev/facets/1-0-0"


class Facet(BaseModel):
    """What every facet carries: who made it, and where its schema is (OpenLineage 2-0-2, BaseFacet)."""

    model_config = ConfigDict(extra="allow")


class PlanFacet(Plan):
    model_config = ConfigDict(extra="allow")
    guarantee: Guarantee


class PolicyDecision(Facet):
    """The gate's answer to a plan: its verdict, and the codes of the clauses that failed."""

    id: str
    run_id: str
    round: int
    verdict: str
    failed: list[str]
    waived: list[Json]
    review_id: str | None
    plan_digest: str
    charter_digest: str | None
    decided_at: str


class Charge(Facet):
    """What a run was charged: the permit, ε at the budget's δ, and releases counted."""

    permit: str
    epsilon: AmountText | str
    delta: AmountText
    releases: int


class Generation(Facet):
    """How a table was made: engine, noise, guarantee, transformations, environment, and the sealed table's digest."""

    generator: str
    engine_version: str
    parameters: Json
    seed: int | None
    noise: str
    guarantee: Guarantee
    transformations: list[str]
    rows: int
    digest: str
    environment: Json | None
    reproducible: str


class AssayFigure(Facet):
    """A figure of an assay; what lies behind it stays with evaluation."""

    metric: str
    value: str
    lower: str
    upper: str
    n: int
    method: str
    confidence: str
    seed: int


class Evaluation(Facet):
    """An assay's figures, rounded to what their intervals support or withheld, and what policy made of them."""

    id: str
    asset_id: str
    purpose: str
    suite: str | None
    state: str
    figures: Telling
    estimates: list[AssayFigure]
    not_estimable: list[NotEstimable]
    power_notes: list[PowerNote]
    verdict: str | None
    failure: str | None


class Failure(Facet):
    because: str


class Drift(Facet):
    """What a monitor saw of one new thing."""

    id: str
    monitor_id: str
    kind: str
    number: int
    seen: str
    figures: Telling
    estimates: list[Json]
    breaches: list[CriterionResult]
    at: str


class AssetChange(Facet):
    """What became of an asset after its release; ``substitute`` is the one to use instead."""

    change: Literal["suspended", "resumed", "withdrawn", "substituted", "retired"]
    because: str | None
    substitute: str | None


class Destruction(Facet):
    """A table's key that was destroyed: what was sealed with it is never read again."""

    key: str
    destroyed_at: str
    method: str


FACETS: Mapping[str, type[BaseModel]] = {
    "moneyer_plan": PlanFacet,
    "moneyer_policyDecision": PolicyDecision,
    "moneyer_charge": Charge,
    "moneyer_generation": Generation,
    "moneyer_evaluation": Evaluation,
    "moneyer_release": Release,
    "moneyer_finding": Finding,
    "moneyer_drift": Drift,
    "moneyer_guarantee_audit": GuaranteeAudit,
    "moneyer_failure": Failure,
    "moneyer_assetChange": AssetChange,
    "moneyer_destruction": Destruction,
    "moneyer_search": Facet,
}


def schema_of(name: str, model: type[BaseModel]) -> Json:
    """A facet's schema: ours, and OpenLineage's two members that every facet has."""
    made = model.model_json_schema(mode="serialization")
    made["properties"] = made.get("properties", {}) | {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {"type": "string", "format": "uri"},
    }
    made["required"] = sorted({*made.get("required", []), "_producer", "_schemaURL"})
    # A reader of this version meets facets of later ones.
    made["additionalProperties"] = True
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{BASE}/{name}.json", **made}
