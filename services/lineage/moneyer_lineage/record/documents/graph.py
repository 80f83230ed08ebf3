"""The graph, and records of assets."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from moneyer_lineage.record.rules.changes import AssetState
from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.documents import Document

NodeId = Annotated[str, Field(min_length=1, max_length=9000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Depth = Annotated[int, Field(ge=1, le=50)]


class DatasetNode(Document):
    """``state`` and ``substitute`` are an asset's, as of the time asked for."""

    namespace: str
    name: str
    state: AssetState | None = None
    substitute: str | None = None


class RunNode(Document):
    """A run and its job; ``told_by`` are those who tell of it, ``vouched`` whether a service of the house is one."""

    id: str
    job: str
    vouched: bool
    told_by: list[str]


class Link(Document):
    """The way the data went, who says so, and whether the house vouches for it."""

    model_config = ConfigDict(populate_by_name=True)

    start: Annotated[str, Field(alias="from")]
    to: str
    vouched: bool
    told_by: list[str]


class Graph(Document):
    """``truncated``: there is more than a walk shows at once; begin nearer, or go less deep."""

    datasets: list[DatasetNode]
    runs: list[RunNode]
    links: list[Link]
    truncated: bool


class HistoryEntry(Document):
    at: str
    type: str | None
    run: str
    job: str


class Record(Document):
    """How an asset came about: each part as the service that did it told it.

    ``deliveries`` are its copies outside custody, the oldest first.
    """

    asset: UUID
    sources: list[str]
    plan: Json | None = None
    decision: Json | None = None
    charge: Json | None = None
    generation: Json | None = None
    delivered: Json | None = None
    measurement: Json | None = None
    assay: Json | None = None
    release: Json | None = None
    failure: Json | None = None
    finding: Json | None = None
    change: Json | None = None
    destruction: Json | None = None
    deliveries: list[Json] = Field(default_factory=list[Json])
    history: list[HistoryEntry]
    log_entries: list[int]
