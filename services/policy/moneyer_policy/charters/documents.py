"""Charters on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from moneyer_policy.charters.rules.charter import State
from moneyer_shared.contracts.documents import Document


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
