"""What people say to evaluation on the wire, and how a route finds the laboratory."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Request
from pydantic import Field

from moneyer_evaluation.use_cases.laboratory import Laboratory
from moneyer_shared.auth import requires
from moneyer_shared.contracts.documents import Document, Name, Text
from moneyer_shared.contracts.evaluation import MonitorTerms, Score
from moneyer_shared.contracts.owners import Owner
from moneyer_shared.contracts.shape import Category, ColumnName

READ = requires("evaluation:read")
RAW = "evaluation:raw:read"
"""The right to read figures computed from real rows to the last digit."""
Share = Annotated[str, Field(pattern=r"^(0|1|0\.[0-9]{1,12}|1\.0{1,12})$")]
People = Annotated[list[Owner], Field(max_length=50)]


async def _laboratory(request: Request) -> Laboratory:
    laboratory: Laboratory = request.app.state.laboratory
    return laboratory


InLaboratory = Annotated[Laboratory, Depends(_laboratory)]


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


class ScoresPosted(Document):
    """A batch of a model's scores; the first is what later ones are held against."""

    scores: Annotated[list[Score], Field(min_length=1, max_length=100_000)]


class ScoresKept(Document):
    id: UUID
    scores: int


class SharesDeclared(Document):
    """Public figures: where they are published, of which day, and shares by column and category as decimal text."""

    source: Text
    as_of: date
    shares: Annotated[
        dict[ColumnName, Annotated[dict[Category, Share], Field(min_length=1, max_length=1000)]],
        Field(min_length=1, max_length=100),
    ]


class MeasureShown(Document):
    """A measure of the catalogue; ``knows`` is what the attacker it stands for holds."""

    id: str
    name: str
    version: int
    family: Literal["fidelity", "utility", "privacy", "fairness"]
    does: str
    knows: str | None


class SuiteShown(Document):
    """A named set of measures, as charters name it."""

    name: str
    measures: list[str]
