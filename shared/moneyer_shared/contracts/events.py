"""What the services tell of what they do: leaves of the audit log, and the facets and jobs of OpenLineage events.

Whoever tells builds these, lineage and the verifier of evidence read them, and outsiders have them as JSON Schema
(``openapi/events.json``; each facet at the address its ``_schemaURL`` names).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import AmountText
from moneyer_shared.contracts.evaluation import CriterionResult, GuaranteeAudit, NotEstimable, PowerNote
from moneyer_shared.contracts.generation import Delivered
from moneyer_shared.contracts.policy import Finding, Guarantee, Plan, Release
from moneyer_shared.figures import Precision

PRODUCER = "https://moneyer.dev/producer/1"
FACET_BASE = "https://moneyer.dev/facets/1-0-0"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


# --- facets ---------------------------------------------------------------------------------------


class Facet(BaseModel):
    """What every facet carries: who made it, and where its schema is (OpenLineage 2-0-2, BaseFacet)."""

    model_config = ConfigDict(extra="allow")


class PlanFacet(Plan):
    """What was asked for, and the guarantee that was offered for it."""

    model_config = ConfigDict(extra="allow")
    guarantee: Guarantee


class DecisionFacet(Facet):
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


class ChargeFacet(Facet):
    """What a run was charged: the permit, ε at the budget's δ, and releases counted."""

    permit: str
    epsilon: AmountText | str
    delta: AmountText
    releases: int


class GenerationFacet(Facet):
    """How a table was made: engine, noise, guarantee, transformations, environment, and the sealed table's digest.

    ``digest_of`` says what the digest is of where the table's digests as it is handed out are told at its release.
    """

    generator: str
    engine_version: str
    parameters: Json
    seed: int | None
    noise: str
    guarantee: Guarantee
    transformations: list[str]
    rows: int
    digest: str
    digest_of: Literal["sealed"] | None = None
    environment: Json | None
    reproducible: str


class DeliveredFacet(Delivered):
    """A released table as it is handed out: in each form, the SHA-256 and the number of its bytes (ADR 48)."""

    model_config = ConfigDict(extra="allow")


class MeasurementFacet(Facet):
    """How a domain was measured: engine, noise, guarantee, and the digest of what was found, which is not told here."""

    generator: str
    engine_version: str
    parameters: Json
    noise: str
    guarantee: Guarantee
    columns: int
    digest: str
    environment: Json | None


class FigureShown(Facet):
    """A figure of an assay; what lies behind it stays with evaluation."""

    metric: str
    value: str
    lower: str
    upper: str
    n: int
    method: str
    confidence: str
    seed: int


class AssayFacet(Facet):
    """An assay's figures, rounded to what their intervals support or withheld, and what policy made of them."""

    id: str
    asset_id: str
    purpose: str
    suite: str | None
    state: str
    figures: Precision
    estimates: list[FigureShown]
    not_estimable: list[NotEstimable]
    power_notes: list[PowerNote]
    verdict: str | None
    failure: str | None


class FailureFacet(Facet):
    because: str


class DriftFacet(Facet):
    """What a monitor saw of one new thing."""

    id: str
    monitor_id: str
    kind: str
    number: int
    seen: str
    figures: Precision
    estimates: list[Json]
    breaches: list[CriterionResult]
    at: str


class AssetChangeFacet(Facet):
    """What became of an asset after its release; ``substitute`` is the one to use instead."""

    change: Literal["suspended", "resumed", "withdrawn", "substituted", "retired"]
    because: str | None
    substitute: str | None


class SearchFacet(Facet):
    """Where a search stands, trial by trial, as generation's API tells it."""

    id: str
    state: str


class DestructionFacet(Facet):
    """A table's key that was destroyed: what was sealed with it is never read again."""

    key: str
    destroyed_at: str
    method: str


class PullFacet(Facet):
    """A version of a source that was pulled: through which connection, when, about how many rows.

    What was asked, and the bytes that came, stand in it as digests under a salt that generation keeps: a query may
    name people, and a digest tells whoever guesses a table that the guess is right.
    """

    id: str
    connection_id: str
    kind: str
    version_id: str
    asked: str
    digest: str
    rows: int
    pulled_at: str


class DeliveryFacet(Facet):
    """A released table that was to go out through a connection, and how that ended.

    ``form`` and ``digest`` are of the bytes that came to lie there; of a table of a database, of what it gives back.
    ``place`` is a digest of the address under a salt that generation keeps; ``because`` is a code.
    """

    id: str
    connection_id: str
    kind: str
    state: Literal["done", "failed", "refused", "cancelled"]
    because: str | None
    form: Literal["parquet", "arrow", "csv"]
    digest: str
    rows: int
    place: str
    at: str


FACETS: Mapping[str, type[BaseModel]] = {
    "moneyer_plan": PlanFacet,
    "moneyer_policyDecision": DecisionFacet,
    "moneyer_charge": ChargeFacet,
    "moneyer_generation": GenerationFacet,
    "moneyer_delivered": DeliveredFacet,
    "moneyer_measurement": MeasurementFacet,
    "moneyer_evaluation": AssayFacet,
    "moneyer_release": Release,
    "moneyer_finding": Finding,
    "moneyer_drift": DriftFacet,
    "moneyer_guarantee_audit": GuaranteeAudit,
    "moneyer_failure": FailureFacet,
    "moneyer_assetChange": AssetChangeFacet,
    "moneyer_destruction": DestructionFacet,
    "moneyer_search": SearchFacet,
    "moneyer_pull": PullFacet,
    "moneyer_delivery": DeliveryFacet,
}
"""Every facet of ours, by its name in an event."""
NAMES: Mapping[type[BaseModel], str] = {model: name for name, model in FACETS.items()}


def facet(body: BaseModel) -> dict[str, Any]:
    """A facet as an event carries it: with who made it, and where its schema is."""
    name = NAMES[type(body)]
    return {
        "_producer": PRODUCER,
        "_schemaURL": f"{FACET_BASE}/{name}.json",
        **body.model_dump(mode="json", exclude_unset=True),
    }


def schema_of(name: str) -> Json:
    """The JSON Schema of a facet: ours, and OpenLineage's two members that every facet has."""
    made = FACETS[name].model_json_schema(mode="serialization")
    made["properties"] = made.get("properties", {}) | {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {"type": "string", "format": "uri"},
    }
    made["required"] = sorted({*made.get("required", []), "_producer", "_schemaURL"})
    # A reader of this version meets facets of later ones.
    made["additionalProperties"] = True
    return {"$schema": DIALECT, "$id": f"{FACET_BASE}/{name}.json", **made}


class Leaf(BaseModel):
    """An entry of the audit log; whom and what it speaks of beside ids stands in it as salted digests."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    at: AwareDatetime
    service: Literal["policy", "generation", "evaluation", "lineage"]
    actor: str
    action: Action
    subject: str
    outcome: str
    details: Json


def published() -> Json:
    """The contract for readers of other languages: a leaf of the audit log with every action, and every facet."""
    leaf = Leaf.model_json_schema()
    return {"$schema": DIALECT, "$id": f"{FACET_BASE}/events.json", **leaf, "facets": {n: schema_of(n) for n in FACETS}}


# --- jobs, data sets and events -------------------------------------------------------------------


def job_of_runs(plan: Mapping[str, Any]) -> str:
    """The job that a plan's run is one of: what repeats is learning from a source with an engine, under a charter."""
    return f"generation.run/{plan['charter_id']}/{plan['source_id']}/{plan['generator']}"


def job_of_searches(charter_id: object, source_id: object) -> str:
    return f"generation.search/{charter_id}/{source_id}"


def job_of_pulls(source_id: object) -> str:
    return f"generation.pull/{source_id}"


def job_of_deliveries(asset_id: object) -> str:
    return f"generation.delivery/{asset_id}"


def job_of_assays(asset_id: object) -> str:
    return f"evaluation.assay/{asset_id}"


def job_of_monitors(monitor_id: object) -> str:
    return f"evaluation.monitor/{monitor_id}"


def job_of_audits(generator: str) -> str:
    return f"evaluation.guarantee-audit/{generator}"


def job_of_trainings(model: str) -> str:
    return f"model.train/{model}"


def dataset(
    kind: Literal["source", "asset", "model", "delivery"], name: str, facets: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An OpenLineage data set, in the namespace ``moneyer.source``, ``moneyer.asset``, ``moneyer.model`` or, of what
    lies outside, ``moneyer.delivery``.
    """
    return {"namespace": f"moneyer.{kind}", "name": name, "facets": dict(facets or {})}


def run_event(
    *,
    at: datetime,
    event_type: str,
    run_id: str,
    job: str,
    inputs: Sequence[Mapping[str, Any]] = (),
    outputs: Sequence[Mapping[str, Any]] = (),
    facets: Sequence[BaseModel] = (),
    parent: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """An OpenLineage 2-0-2 run event; ``parent`` is the (run id, job) that this run is a part of."""
    run_facets = {NAMES[type(body)]: facet(body) for body in facets}
    if parent is not None:
        run_facets["parent"] = {
            "_producer": PRODUCER,
            "_schemaURL": "https://openlineage.io/spec/facets/1-1-0/ParentRunFacet.json",
            "run": {"runId": parent[0]},
            "job": {"namespace": "moneyer", "name": parent[1]},
        }
    return {
        "eventTime": at.isoformat(),
        "eventType": event_type,
        "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run_id, "facets": run_facets},
        "job": {"namespace": "moneyer", "name": job, "facets": {}},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }
