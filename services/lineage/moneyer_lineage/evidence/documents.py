"""Evidence of an asset."""

from dataclasses import dataclass
from uuid import UUID

from moneyer_shared.contracts.grounds import Provenance


class LoggedProvenance(Provenance):
    """``log_entries`` are the leaves about the run, its permit, its charter and the reviews voted in."""

    log_entries: list[int]


@dataclass(frozen=True)
class Bundle:
    """All evidence of an asset: a zip."""

    asset: UUID
    content: bytes
