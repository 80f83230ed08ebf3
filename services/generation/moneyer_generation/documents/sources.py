"""Sources and their uploads."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from moneyer_generation.documents.pulls import Pulled
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.shape import ColumnName
from moneyer_shared.figures import about


class Source(Document):
    """A source that was declared, and by whom."""

    id: UUID
    declaration: SourceDeclaration
    registered_by: str
    registered_at: datetime


class SourceVersion(Document):
    """An upload or a pull; its counts are exact for who brought it, and to two figures for others.

    ``replaced`` counts the values of each column that its rule changed, where there were any: for who brought it alone.
    """

    id: UUID
    source_id: UUID
    train_rows: int
    holdout_rows: int
    sealed_bytes: int
    uploaded_by: str
    uploaded_at: datetime
    pulled: Pulled | None = None
    replaced: dict[ColumnName, int] | None = Field(default_factory=dict[str, int])

    def for_reader(self, subject: str) -> "SourceVersion":
        """As it is shown to that subject: how many people it is of exactly, and what was asked, only to who brought it.

        A query may name people, and a digest tells whoever guesses a table that the guess is right.
        """
        if subject == self.uploaded_by:
            return self
        counts = {name: about(getattr(self, name)) for name in ("train_rows", "holdout_rows", "sealed_bytes")}
        return self.model_copy(
            update={**counts, "replaced": None, "pulled": self.pulled and self._pulled_for_others(self.pulled)}
        )

    @staticmethod
    def _pulled_for_others(pulled: Pulled) -> Pulled:
        return pulled.model_copy(update={"asked": None, "digest": None, "rows": about(pulled.rows)})
