"""Charters on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from moneyer_policy.charters.rules.versions import State
from moneyer_policy.reviews.documents import Reason
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
    revision: SkipJsonSchema[int] = Field(exclude=True)
    """How often its draft was edited: told by its entity tag alone."""

    @property
    def etag(self) -> str:
        """What it says besides which it is: numbers come again in a database that went back in time."""
        return f'"{self.version}.{self.revision}.{self.digest.removeprefix("sha256:")[:16]}"'


class Suspension(Reason):
    incident_id: UUID | None = None


class Difference(Document):
    """What changed, in words and as JSON Patch (RFC 6902)."""

    before: int
    after: int
    changes: list[str]
    patch: list[dict[str, Any]]


class StandingSuspension(Document):
    """A suspension as the vote that lifts it names it."""

    id: UUID
    incident_id: UUID | None
