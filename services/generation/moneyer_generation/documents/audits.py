"""Audits of what engines claim."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.policy import Parameter

AuditState = Literal["queued", "scored", "done", "failed"]
AuditVerdict = Literal["stands", "condemned"]


class AuditRequest(Document):
    """Fit a configuration so many times on a public table, half of them with a worst-case record in it."""

    generator: Name
    parameters: dict[Name, Parameter] = Field(default_factory=dict, max_length=50)
    fits: Annotated[int, Field(ge=40, le=2000, multiple_of=2)] = 200


class Audit(Document):
    """``condemned``: more ε was measured than is claimed, and policy refuses plans that rest on the claim."""

    id: UUID
    state: AuditState
    generator: str
    parameters: dict[str, Parameter]
    fits: int
    verdict: AuditVerdict | None
    failure: str | None
    requested_by: str
    requested_at: Moment
    changed_at: Moment
