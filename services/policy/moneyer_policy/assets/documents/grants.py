"""Who may read a released asset, for what, until when."""

from datetime import datetime
from uuid import UUID

from moneyer_policy.reviews.documents import Subject
from moneyer_shared.contracts.documents import Document, Moment, Name


class GrantRequest(Document):
    subject: Subject
    use_case: Name
    valid_until: Moment


class GrantProposal(Document):
    """A grant as it is voted on where the charter says so, and as it is given."""

    asset_id: UUID
    subject: str
    use_case: str
    valid_until: datetime
    granted_by: str


class GrantMade(Document):
    """A grant, or the review it waits for."""

    id: UUID | None = None
    review_id: UUID | None = None
    asset_id: UUID
    subject: str


class Grant(Document):
    subject: str
    use_case: str
    granted_by: str
    granted_at: datetime
    valid_until: datetime
