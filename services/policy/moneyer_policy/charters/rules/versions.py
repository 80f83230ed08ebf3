"""A charter's versions as they are kept, and the states they go through."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from moneyer_policy.charters.rules.charter import Charter, read_charter

State = Literal[
    "draft", "submitted", "rejected", "approved", "in_force", "suspended", "expired", "superseded", "retired"
]  # fmt: skip
"""``approved`` waits for its first day; the last five are read off the clock and off what happened since."""


@dataclass(frozen=True)
class Standing:
    """What is recorded of a version that its state is read off."""

    stored: State
    in_force_at: datetime | None
    expires_at: datetime
    superseded_at: datetime | None = None
    suspended: bool = False
    retired_at: datetime | None = None


def state_at(version: Standing, moment: datetime) -> State:
    """A version's state at a moment: by its own dates, a successor's first day, a suspension, a retirement."""
    if version.in_force_at is None:
        return version.stored
    if version.retired_at is not None and moment >= version.retired_at:
        return "retired"
    if version.superseded_at is not None and moment >= version.superseded_at:
        return "superseded"
    if moment < version.in_force_at:
        return "approved"
    if moment >= version.expires_at:
        return "expired"
    return "suspended" if version.suspended else "in_force"


@dataclass(frozen=True)
class VersionRecord:
    """A version of a charter as it is kept, and what its state depends on, read at the moment ``seen_at``."""

    charter_id: UUID
    version: int
    revision: int
    document: dict[str, Any]
    digest: str
    stored: State
    author: str
    authors: list[str]
    submitter: str | None
    changed_at: datetime
    in_force_at: datetime | None
    approved_until: datetime | None
    retired_at: datetime | None
    superseded_at: datetime | None
    suspended: bool
    seen_at: datetime

    @property
    def id(self) -> UUID:
        """The charter's."""
        return self.charter_id

    @property
    def standing(self) -> Standing:
        return Standing(
            stored=self.stored,
            in_force_at=self.in_force_at,
            expires_at=datetime.fromisoformat(self.document["expires_at"]),
            superseded_at=self.superseded_at,
            suspended=self.suspended,
            retired_at=self.retired_at,
        )

    @property
    def state(self) -> State:
        """At the moment it was read."""
        return state_at(self.standing, self.seen_at)

    def read(self) -> Charter:
        """The charter that its document states."""
        return read_charter(self.document, self.digest)
