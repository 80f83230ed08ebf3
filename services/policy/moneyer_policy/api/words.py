"""What people say to policy on the wire, and how a route finds the office."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Request
from pydantic import Field, StringConstraints

from moneyer_policy.domain.assessment import Risk
from moneyer_policy.domain.charter import State
from moneyer_policy.use_cases.office import Office
from moneyer_policy.use_cases.reviews import Ballot
from moneyer_shared.contracts.documents import AmountText, Document, Moment, Name, Text
from moneyer_shared.contracts.policy import PopulationUnit, VoteShown

Function = Literal["privacy", "security", "legal", "product", "data_science"]
Subject = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


async def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


InOffice = Annotated[Office, Depends(_office)]


RAW = "policy:raw:read"
"""The right to read figures computed from real rows to the last digit."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Reason(Document):
    """Why, in words that are kept."""

    reason: Text


class ReviewOpened(Document):
    """What was asked for waits for votes."""

    review_id: UUID


class Made(Document):
    id: UUID


class Member(Document):
    subject: Subject
    function: Function


class CharterVersion(Document):
    """One version of a charter."""

    id: UUID
    version: int
    state: State
    digest: str
    author: str
    submitter: str | None
    changed_at: datetime
    in_force_at: datetime | None
    approved_until: datetime | None
    document: dict[str, Any]


class VoteRequest(Document):
    """``on_behalf_of`` names who delegated the function; ``conditions`` are what an approval depends on."""

    function: Function
    verdict: Literal["approve", "reject"]
    digest: Digest
    reason: Text
    on_behalf_of: Subject | None = None
    conditions: Annotated[list[Text], Field(max_length=20)] = Field(default_factory=list[Text])

    def ballot(self) -> Ballot:
        return Ballot(self.function, self.verdict, self.digest, self.reason, self.on_behalf_of, tuple(self.conditions))


class ConditionShown(Document):
    id: UUID
    condition: str
    set_by: str
    met_at: datetime | None
    evidence: str | None


class ReviewShown(Document):
    """Something put up for votes, and how it stands."""

    id: UUID
    kind: str
    subject: str
    charter_id: UUID | None
    digest: str
    document: dict[str, Any]
    state: Literal["open", "approved", "rejected", "lapsed"]
    stage: str
    quorum: dict[str, Any]
    opened_by: str
    opened_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    outcome: dict[str, Any] | None
    votes: list[VoteShown]
    conditions: list[ConditionShown]


Grade = Annotated[int, Field(ge=1, le=5)]


class RiskStated(Document):
    """Likelihood and severity from 1 to 5, before and after what is done about it."""

    description: Text
    likelihood: Grade
    severity: Grade
    mitigation: Text
    residual_likelihood: Grade
    residual_severity: Grade

    def risk(self) -> Risk:
        return Risk(**self.model_dump())


class AssessmentRequest(Document):
    digest: Digest
    acceptable: bool
    summary: Text
    valid_until: Moment
    template: Name | None = None
    answers: Annotated[dict[Name, Any], Field(max_length=200)] = Field(default_factory=dict[str, Any])
    risks: Annotated[list[RiskStated], Field(max_length=100)] = Field(default_factory=list[RiskStated])


class AssessmentMade(Document):
    id: UUID
    charter_id: UUID
    digest: str
    residual_risk: int


Order = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(/[0-9]{1,2})?$")]
"""A Rényi order of the grid, as statements list them: 17, or 339/16."""


class UnitShown(Document):
    """``undeclared`` are populations of before units were declared: nothing is learned from them until they are."""

    kind: Literal["row", "person", "undeclared"]
    identified_by: str | None


class PopulationRequest(Document):
    """The people behind one or more sources, and the whole of their budget.

    ``privacy_unit`` says in words whom one unit stands for, ``unit`` what sources are held against; it may be left out
    where the words are "row" or "one row". ``order`` is the Rényi order the budget is held to for good: left out, the
    one at which mechanisms of zCDP lose nothing; a high one suits populations that see pure ε alone.
    ``approximate_delta`` is the part of δ that claimed mechanisms may fail with.
    """

    name: Name
    privacy_unit: Text
    unit: PopulationUnit | None = None
    epsilon: AmountText
    delta: AmountText
    order: Order | None = None
    approximate_delta: AmountText = "0"
    partitions: Annotated[list[Name], Field(max_length=500)] = Field(default_factory=list[Name])


class PopulationMade(Document):
    id: UUID
    name: str
    epsilon: str
    delta: str


class AccountShown(Document):
    """A budget, held to one Rényi ``order``.

    ``epsilon_held`` is what reserved and spent costs amount to together at that order, ``share_held`` how full it is;
    ``delta_held`` what mechanisms that fail with a δ of their own took of ``approximate_delta``.
    """

    id: UUID
    charter_id: UUID | None
    partition: str
    epsilon: str
    delta: str
    order: str
    approximate_delta: str
    epsilon_spent: str
    epsilon_held: str
    share_held: str
    delta_spent: str
    delta_held: str
    releases_limit: int | None
    releases_held: int
    releases_spent: int


class PopulationShown(Document):
    id: UUID
    name: str
    privacy_unit: str
    unit: UnitShown
    partitions: list[str]
    budget: AccountShown
    accounts: list[AccountShown]
    allocations: list[AccountShown]


class AllocationRequest(Document):
    """``releases`` limits assets made without a guarantee; without it none may be made.

    ``order`` and ``approximate_delta`` are as in a population's budget.
    """

    charter_id: UUID
    epsilon: AmountText
    delta: AmountText
    order: Order | None = None
    approximate_delta: AmountText = "0"
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
    partition: str
    permit_id: UUID
    kind: Literal["reserve", "spend", "return"]
    mechanism: str
    renyi: list[int]
    releases: int
    delta: str
    at: datetime


class Ledger(Document):
    orders: list[str]
    scale: int
    entries: list[LedgerEntry]


class GrantRequest(Document):
    subject: Subject
    use_case: Name
    valid_until: Moment


class GrantMade(Document):
    """A grant, or the review it waits for."""

    id: UUID | None = None
    review_id: UUID | None = None
    asset_id: UUID
    subject: str


class CertificateShown(Document):
    """A DSSE envelope around an in-toto statement; ``payload`` is base64 of its RFC 8785 form."""

    status: Literal["provisional", "final"]
    issued_at: datetime
    envelope: dict[str, Any]


class CertificateKey(Document):
    """An Ed25519 public key, 32 bytes in base64, and the name envelopes call it by."""

    key_id: str
    ed25519: str


class GrantShown(Document):
    subject: str
    use_case: str
    granted_by: str
    granted_at: datetime
    valid_until: datetime
