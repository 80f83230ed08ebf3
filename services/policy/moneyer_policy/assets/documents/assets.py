"""Assets, what stops them, and what certifies that they are gone."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_policy.charters.documents import StandingSuspension
from moneyer_policy.reviews.documents import Reason
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import AssetStateName

Stoppable = Literal["charter", "asset", "source", "population"]


class Asset(Document):
    """``substitute`` is what to use instead of a withdrawn asset by now."""

    asset_id: UUID
    state: AssetStateName
    substitute: UUID | None
    charter_id: UUID
    requester: str


class WithdrawalRequest(Reason):
    """``substitute``: a released asset to use instead; it can be named later too."""

    substitute: UUID | None = None


class Substitution(Reason):
    substitute: UUID


class Resumption(Document):
    """What is voted on to start something again; one that names no suspensions lifts none."""

    kind: Stoppable
    subject: UUID
    reason: str
    suspensions: list[StandingSuspension] = Field(default_factory=list[StandingSuspension])


class Lifted(Document):
    """Which suspensions a vote lifted, and whether others keep the subject suspended."""

    lifted: list[UUID]
    suspended: bool


class Suspension(Document):
    """Something that is suspended: no key is opened of it, under it, or of what was made from it."""

    id: UUID
    kind: Stoppable
    subject: UUID
    incident_id: UUID | None
    suspended_by: str
    suspended_at: datetime


class Copy(Document):
    """What was opened for a delivery: it lies, or may lie, outside custody, unless it is ``void``: nothing was left."""

    delivery_id: UUID
    asset_id: UUID
    subject: str
    opened_at: datetime
    void_at: datetime | None


class Certificate(Document):
    """A DSSE envelope around an in-toto statement; ``payload`` is base64 of its RFC 8785 form."""

    status: Literal["provisional", "final"]
    issued_at: datetime
    envelope: dict[str, Any]


class CertificateKey(Document):
    """An Ed25519 public key, 32 bytes in base64, and the name envelopes call it by."""

    key_id: str
    ed25519: str
