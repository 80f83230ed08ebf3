"""What people say to policy on the wire, and how a route finds the office."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Request
from pydantic import AwareDatetime, Field

from mintmark_policy.use_cases.office import Office
from mintmark_shared.contracts.words import AmountText, Document, Name, Text

Function = Literal["privacy", "security", "legal", "product", "data_science"]
Subject = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


InOffice = Annotated[Office, Depends(_office)]


class Member(Document):
    subject: Subject
    function: Function


class CharterVersion(Document):
    """One version of a charter."""

    id: UUID
    version: int
    state: Literal["draft", "submitted", "in_force", "rejected", "superseded", "expired"]
    digest: str
    author: str
    submitter: str | None
    changed_at: datetime
    in_force_at: datetime | None
    document: dict[str, Any]


class VoteRequest(Document):
    function: Function
    verdict: Literal["approve", "reject"]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    reason: Text


class VoteShown(Document):
    voter: str
    function: str
    verdict: str
    digest: str
    reason: str
    cast_at: datetime


class AssessmentRequest(Document):
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    acceptable: bool
    summary: Text
    valid_until: AwareDatetime


class AssessmentMade(Document):
    id: UUID
    charter_id: UUID
    digest: str


class PopulationRequest(Document):
    """The people behind one or more sources, and the whole of their budget."""

    name: Name
    privacy_unit: Text
    epsilon: AmountText
    delta: AmountText


class PopulationMade(Document):
    id: UUID
    name: str
    epsilon: str
    delta: str


class AccountShown(Document):
    """A budget; ``epsilon_held`` is what reserved and spent costs amount to together at ``delta``."""

    charter_id: UUID | None
    epsilon: str
    delta: str
    epsilon_spent: str
    epsilon_held: str
    releases_limit: int | None
    releases_held: int
    releases_spent: int


class PopulationShown(Document):
    id: UUID
    name: str
    privacy_unit: str
    budget: AccountShown
    allocations: list[AccountShown]


class AllocationRequest(Document):
    """``releases`` limits assets made without a guarantee; without it none may be made."""

    charter_id: UUID
    epsilon: AmountText
    delta: AmountText
    releases: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class AllocationMade(Document):
    id: UUID
    charter_id: UUID
    epsilon: str
    delta: str


class LedgerEntry(Document):
    """One movement; ``renyi`` holds the cost per order in units of 1e-12, in the order of ``orders``."""

    id: UUID
    charter_id: UUID | None
    permit_id: UUID
    kind: Literal["reserve", "spend", "return"]
    renyi: list[int]
    releases: int
    at: datetime


class Ledger(Document):
    orders: list[str]
    scale: int
    entries: list[LedgerEntry]


class GrantRequest(Document):
    subject: Subject
    use_case: Name
    valid_until: AwareDatetime


class GrantMade(Document):
    id: UUID
    asset_id: UUID
    subject: str


class GrantShown(Document):
    subject: str
    use_case: str
    granted_by: str
    granted_at: datetime
    valid_until: datetime
