"""What people say of reviews on the wire, and the words every wing shares."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_policy.reviews.rules.review import Ballot
from moneyer_shared.contracts.documents import Document, Text
from moneyer_shared.contracts.policy import VoteShown

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
