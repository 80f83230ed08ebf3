"""What lineage says and hears on the wire, and how a route finds the archive."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import ConfigDict, Field

from moneyer_lineage.domain.changes import AssetState
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import LONGEST_LEAF, Leaf
from moneyer_shared.auth import requires
from moneyer_shared.canonical import canonical, check_storable
from moneyer_shared.contracts.documents import Document, Moment
from moneyer_shared.contracts.policy import Grounds
from moneyer_shared.errors import Invalid

READ = requires("lineage:read")
EVIDENCE = requires("lineage:evidence:read")
"""For whoever may ask policy and evaluation for the same: what lineage asks with its own rights it shows no other."""
WRITE = requires("lineage:events:write")
DELIVER = requires("lineage:deliveries:write")
"""For the services of the house alone: what they deliver is vouched for, and stands in the log."""
NodeId = Annotated[str, Field(min_length=1, max_length=9000, pattern=r"^[^\x00]*$")]
Name = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


async def _archive(request: Request) -> Archive:
    archive: Archive = request.app.state.archive
    return archive


InArchive = Annotated[Archive, Depends(_archive)]


class AuditLeaf(Document):
    """An audit event as the log keeps it: ids, verdicts and digests."""

    id: UUID
    at: Moment
    service: Annotated[str, Field(max_length=50)]
    actor: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    action: Annotated[str, Field(max_length=100)]
    subject: Annotated[str, Field(max_length=200)]
    outcome: Annotated[str, Field(max_length=100)]
    details: dict[str, Any]


def leaf_of(leaf: AuditLeaf) -> Leaf:
    """An audit event as the log keeps it.

    Raises:
        Invalid: it holds what Postgres cannot keep, or more than an entry of a tile holds.
    """
    told = leaf.model_dump(mode="json")
    check_storable(told)
    content = canonical(told)
    if len(content) > LONGEST_LEAF:
        raise Invalid(
            f"An audit event may hold {LONGEST_LEAF} bytes; keep ids and digests in it.", code="leaf-too-long"
        )
    return Leaf(leaf.id, leaf.subject, content)


class Sequenced(Document):
    index: int


class LogEntry(Document):
    index: int
    leaf: str
    sequenced_at: datetime


class InclusionProof(Document):
    """RFC 9162 §2.1.3: hash ``leaf`` with 0x00, then each of ``proof``, up to the checkpoint's root."""

    index: int
    leaf: str
    proof: list[str]
    checkpoint: str


class ConsistencyProof(Document):
    """RFC 9162 §2.1.4: that the tree of the checkpoint begins with the tree of the smaller size."""

    model_config = ConfigDict(populate_by_name=True)

    first: Annotated[int, Field(alias="from")]
    second: Annotated[int, Field(alias="to")]
    proof: list[str]
    checkpoint: str


class Outpost(Document):
    """A place outside that is to hold checkpoints, and the newest it has."""

    place: str
    size: int
    at: datetime


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
    """How an asset came about: each part as the service that did it told it."""

    asset: UUID
    sources: list[str]
    plan: dict[str, Any] | None = None
    decision: dict[str, Any] | None = None
    charge: dict[str, Any] | None = None
    generation: dict[str, Any] | None = None
    assay: dict[str, Any] | None = None
    release: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    finding: dict[str, Any] | None = None
    change: dict[str, Any] | None = None
    destruction: dict[str, Any] | None = None
    history: list[HistoryEntry]
    log_entries: list[int]


class ProvenGrounds(Grounds):
    """``log_entries`` are the leaves about the run, its permit, its charter and the reviews voted in."""

    log_entries: list[int]


class AssetChangeShown(Document):
    """What became of an asset; ``substitute`` is the asset to use instead."""

    at: datetime
    change: str
    because: str | None
    substitute: str | None


class AffectedVersion(Document):
    """A version of a model that was trained on the asset, or on what was made of it; its owner has ``webhooks``."""

    model: str
    version: str
    owner: str
    trained_at: datetime
    webhooks: int


class ImpactShown(Document):
    """What an asset is and was, and everything downstream of it: assets, models, other datasets.

    Of assets and models the house vouches; ``others`` are tables elsewhere, as whoever made them tells.
    """

    asset: UUID
    state: AssetState
    substitute: UUID | None
    changes: list[AssetChangeShown]
    assets: list[UUID]
    models: list[AffectedVersion]
    others: list[DatasetNode]
