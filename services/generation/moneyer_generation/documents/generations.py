"""Runs, as callers see them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.rules.run import RunState
from moneyer_shared.contracts.documents import Document, Name
from moneyer_shared.contracts.people import Whose
from moneyer_shared.contracts.policy import AssetStateName, DecisionWithoutPermit, Offer, Plan


def _three_digits(share: float) -> float:
    return round(share, 3)


OUT = frozenset({"released", "suspended", "withdrawn", "retired"})


def _disclosed(asset: AssetFile | None, info: ValidationInfo) -> AssetFile | None:
    return asset.disclosed_when(released=info.data.get("state") in OUT) if asset is not None else None


ShownState = Literal[RunState, AssetStateName]
"""A run's own state, or what its asset is once it was decided on."""
ShareDone = Annotated[float, AfterValidator(_three_digits)]


class Generation(Document):
    """A run and where it stands; once its asset was decided on, what that is now by policy's word.

    ``charged`` says whether its budget was spent.
    """

    id: UUID
    state: ShownState
    progress: ShareDone
    requester: str
    plan: Plan
    offer: Offer
    decision: DecisionWithoutPermit
    asset: Annotated[AssetFile | None, AfterValidator(_disclosed)]
    assay_id: UUID | None
    failure: str | None
    charged: bool
    requested_at: datetime
    changed_at: datetime


def _flag(told: object) -> object:
    """A query is text, and documents take truths as JSON writes them."""
    return {"true": True, "false": False}.get(told, told) if isinstance(told, str) else told


Flag = Annotated[bool, BeforeValidator(_flag)]


class GenerationSearch(Document, extra="ignore"):
    """Which runs are asked for: those that meet everything that is stated here."""

    requested_by: Whose | None = None
    state: Annotated[ShownState | None, Field(description="In this state now; an asset's are policy's word")] = None
    charter: UUID | None = None
    source: UUID | None = None
    generator: Name | None = None
    with_asset: Annotated[Flag, Field(description="Only those that made a table")] = False
    after: UUID | None = None


class PlanOffer(Document):
    """A plan with its defaults filled in, and what generation can do for it: before the gate is asked."""

    plan: Plan
    offer: Offer


class GenerationProgress(Document):
    """What a server-sent event says of a run."""

    state: ShownState
    progress: ShareDone
    failure: str | None
