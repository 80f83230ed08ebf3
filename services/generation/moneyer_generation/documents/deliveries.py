"""Deliveries: released tables that go to an object store, a folder or a table of PostgreSQL."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from moneyer_generation.documents.connections import BelowPath, Problem
from moneyer_generation.rules.delivery import DeliveryState, table_name
from moneyer_shared.contracts.documents import Document, Moment

Form = Literal["parquet", "arrow", "csv"]
ENDINGS: dict[str, Form] = {".parquet": "parquet", ".csv": "csv", ".arrow": "arrow", ".arrows": "arrow"}
ABOUT, SCHEMA = ".moneyer.json", ".odcs.json"
"""What stands beside a delivered file, behind its whole name."""


class Wanted(Document):
    """Where a table is to go: ``table`` of a database, or ``path`` in a store or folder.

    ``table`` is ``name`` or ``schema.name``, taken literally; ``form`` says how a file is written where its name does
    not. Nothing that is there already is ever written over.
    """

    table: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")] | None = None
    path: BelowPath | None = None
    form: Form | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Wanted":
        if (self.table is None) == (self.path is None):
            message = "say one of table and path"
            raise ValueError(message)
        if self.table is not None:
            table_name(self.table)
        if self.path is not None and not all(part not in {"", ".", ".."} for part in self.path.split("/")):
            message = "a path has no empty part, no . and no .. in it"
            raise ValueError(message)
        if self.form is not None and self.path is None:
            message = "form says how the file at path is written"
            raise ValueError(message)
        if self.path is not None and self.form is None and self._named_form is None:
            message = "the name of path does not say how the file is written: say form"
            raise ValueError(message)
        return self

    @property
    def _named_form(self) -> Form | None:
        return next((form for ending, form in ENDINGS.items() if (self.path or "").endswith(ending)), None)

    @property
    def written_as(self) -> Form:
        """The form whose digest what lies there is held to; a table of a database gives back that of Arrow."""
        return "arrow" if self.table is not None else self.form or self._named_form or "parquet"


class DeliveryRequest(Wanted):
    """Deliver a released table through a connection."""

    connection_id: UUID

    @property
    def wanted(self) -> Wanted:
        return Wanted(table=self.table, path=self.path, form=self.form)


class Delivery(Document):
    """Where a delivery stands. Where the table goes is told to who asked for it and to the connection's owner.

    ``digest`` (sha256) and ``bytes`` are those of the form that its record states; of a table of PostgreSQL, those of
    what it gave back before it was kept. ``asset_id`` names the record, and what became of the asset since.
    """

    id: UUID
    asset_id: UUID
    connection_id: UUID
    state: DeliveryState
    wanted: Wanted | None
    form: Form
    digest: str
    bytes: int
    rows: int
    requested_by: str
    requested_at: Moment
    changed_at: Moment
    sent_bytes: int | None
    problem: Problem | None

    def for_reader(self, subject: str, *owners: str) -> "Delivery":
        """As it is shown to that subject."""
        if subject in {self.requested_by, *owners}:
            return self
        problem = self.problem and self.problem.model_copy(update={"reasons": []})
        return self.model_copy(update={"wanted": None, "problem": problem})
