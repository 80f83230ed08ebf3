"""What the log hears and shows."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from moneyer_lineage.log.rules.leaves import HIGHEST_LEVEL
from moneyer_shared.contracts.documents import Document, Moment

Size = Annotated[int, Field(ge=1, lt=2**62)]
Index = Annotated[int, Field(ge=0, lt=2**62)]
After = Annotated[int, Field(ge=-1, lt=2**62)]
Level = Annotated[int, Field(ge=0, le=HIGHEST_LEVEL)]
Subject = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


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
