"""What a charter's looks at its sources were taken by."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from moneyer_shared.contracts.documents import Document

LookKind = Literal["reserve", "return", "open", "again"]


class LookEntry(Document):
    """``reserve`` with the permit, ``return`` if nothing was opened, ``open`` for the assay, ``again`` after a release.

    ``model`` is the run that fitted the model the table was drawn from.
    """

    run_id: UUID
    kind: LookKind
    model: UUID
    at: datetime


class SourceLooks(Document):
    """How many tables made from a source may be held against its real rows, and how many were or will be."""

    source_id: UUID
    limit: int
    taken: int
    entries: list[LookEntry]
