"""What people say of reviews on the wire, and the words every wing shares."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from moneyer_policy.reviews.rules.review import State, Verdict
from moneyer_shared.contracts.documents import Document, Moment, Text
from moneyer_shared.contracts.policy import Vote

Function = Literal["privacy", "security", "legal", "product", "data_science"]
Subject = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


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


class Committee(Document):
    """Who holds which function, at one version of the committee."""

    version: int
    members: list[Member]


class DelegationRequest(Document):
    delegate: Subject
    function: Function
    valid_from: Moment
    valid_until: Moment


class Delegation(Document):
    """Somebody's function, lent to somebody else for a time."""

    id: UUID
    delegator: str
    delegate: str
    function: str
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None


# --- what a matter takes -------------------------------------------------------------------------


class QuorumStage(Document):
    """One step of a quorum: so many approvals by function and in all, and so many denials that end it."""

    name: str
    counts: dict[str, int]
    minimum_total: int = 1
    minimum_functions: int = 1
    deny_threshold: Annotated[int, BeforeValidator(lambda value: value or 1)] = 1
    conditions_allowed: bool = True
    valid_days: int | None = None


class StagedQuorum(Document):
    """The stages that a matter passes, and for how many hours it may wait for votes."""

    stages: list[QuorumStage]
    ttl_hours: int | None = None


class QuorumRule(StagedQuorum):
    """What a kind of matter takes by the house alone: its floor, raised by a rule (version 0: there is none)."""

    kind: str
    version: int


# --- reviews ---------------------------------------------------------------------------------------


class VoteRequest(Document):
    """``on_behalf_of`` names who delegated the function; ``conditions`` are what an approval depends on."""

    function: Function
    verdict: Verdict
    digest: Digest
    reason: Text
    on_behalf_of: Subject | None = None
    conditions: Annotated[list[Text], Field(max_length=20)] = Field(default_factory=list[Text])


class ConditionMet(Document):
    evidence: Text


class ConditionSet(Document):
    """What an approval was made to depend on."""

    id: UUID
    condition: str
    set_by: str


class Condition(ConditionSet):
    """What an approval was made to depend on, and by what it was met."""

    met_at: datetime | None
    evidence: str | None


class Opening(Document):
    """What was put up for votes, and by what rule: said once, when a review opens."""

    id: UUID
    kind: str
    subject: str
    charter_id: UUID | None
    digest: str
    quorum: StagedQuorum
    opened_by: str
    opened_at: datetime
    expires_at: datetime


class Ending(Document):
    """Whether a review is over, and what came of it."""

    state: State
    decided_at: datetime | None
    outcome: dict[str, Any] | None


class Missing(Document):
    """What the stage that a review has reached still takes: approvals by function and in all, of so many more
    functions, and conditions to be met.
    """

    counts: dict[str, int]
    approvals: int
    functions: int
    conditions: int


class Review(Opening, Ending):
    """Something put up for votes, and where it has got to; nothing is ``missing`` once it is over."""

    document: dict[str, Any]
    stage: str
    missing: Missing | None
    votes: list[Vote]
    conditions: list[Condition]
