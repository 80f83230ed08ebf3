"""A draft tried on past plans."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import Clause, DecisionRequest


class DryRun(Document):
    """A draft (else the newest version is tried), and the plans to try it on (else the last decided ones)."""

    document: dict[str, Any] | None = None
    last: Annotated[int, Field(ge=1, le=1_000)] = 100
    requests: Annotated[list[DecisionRequest], Field(max_length=1_000)] = Field(default_factory=list[DecisionRequest])


class ChangedVerdict(Document):
    run_id: UUID
    requester: str
    before: str
    after: str
    newly_failed: list[Clause]
    no_longer_failed: list[str]


class DryRunResult(Document):
    """``complete`` is false where the time for one dry run sufficed for only the first ``judged`` plans."""

    charter_id: UUID
    digest: str
    judged: int
    complete: bool
    changes: list[ChangedVerdict]
