"""What policy tells of one asset, for lineage and for evidence.

Whatever the log holds a digest of is written here as it was when it was logged, so it is told as the JSON it is.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from moneyer_policy.assets.documents.assets import Certificate
from moneyer_policy.reviews.documents import Condition, Ending, Opening
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.grounds import Vote


class DossierCharter(Document):
    """The version an asset was made under; ``in_force_at`` is written as the log tells it."""

    id: UUID
    version: int
    digest: str
    in_force_at: str | None
    document: dict[str, Any]


class DossierReview(Opening, Ending):
    """A review with its votes, but for what was voted on: that stands in the dossier itself."""

    stage: str
    votes: list[Vote]
    conditions: list[Condition]


class DossierPermit(Document):
    id: UUID
    state: str
    outcome: str | None
    made_at: datetime


class LedgerEntry(Document):
    """What a permit moved in one account, in exact numbers; ``cost`` is the mechanism as a dp-accounting event."""

    account: UUID
    kind: str
    mechanism: str
    cost: dict[str, Any]
    renyi: list[int]
    releases: int
    delta: str
    at: str


class DossierLedger(Document):
    """Sums by Rényi order, in units of one part in ``scale``."""

    orders: list[str]
    scale: int
    entries: list[LedgerEntry]


class Dossier(Document):
    """Under which charter, votes, assessments and budget an asset was made, and what became of it."""

    asset_id: UUID
    as_of: datetime
    charter: DossierCharter
    charter_review: DossierReview | None
    assessments: list[dict[str, Any]]
    request: dict[str, Any]
    decision: dict[str, Any]
    permit: DossierPermit
    ledger: DossierLedger
    release: dict[str, Any] | None
    certificates: list[Certificate]
    reviews: list[DossierReview]
