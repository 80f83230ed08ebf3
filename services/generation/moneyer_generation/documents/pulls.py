"""Pulls: versions of a source that the house fetches itself."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from moneyer_generation.documents.connections import BelowPath, Problem
from moneyer_generation.rules.pull import PullState
from moneyer_shared.contracts.documents import Document, Moment, Text
from moneyer_shared.contracts.shape import ColumnName

LEAST_BETWEEN, MOST_BETWEEN = timedelta(minutes=5), timedelta(days=366)
Form = Literal["csv", "parquet", "arrow-stream", "arrow-file"]


class Asked(Document):
    """What is read: a query or a table of a database, a file of a store or folder, or a Delta or Iceberg table there.

    ``table`` is ``name`` or ``schema.name``, taken literally; ``form`` says what a file holds where its name does not.
    ``iceberg`` is the path of a table's metadata (``….metadata.json``).
    """

    query: Annotated[Text, Field(max_length=20_000)] | None = None
    table: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")] | None = None
    path: BelowPath | None = None
    delta: BelowPath | None = None
    iceberg: BelowPath | None = None
    form: Form | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Asked":
        said = (self.query, self.table, self.path, self.delta, self.iceberg)
        if sum(one is not None for one in said) != 1:
            message = "say one of query, table, path, delta and iceberg"
            raise ValueError(message)
        for place in said[2:]:
            if place is not None and not all(part not in {"", ".", ".."} for part in place.split("/")):
                message = "a path has no empty part, no . and no .. in it"
                raise ValueError(message)
        if self.form is not None and self.path is None:
            message = "form says what a file at path holds"
            raise ValueError(message)
        return self


class PullRequest(Asked):
    """Fetch a version through a connection, and another ``every`` so often until that is cancelled."""

    connection_id: UUID
    every: Annotated[timedelta, Field(ge=LEAST_BETWEEN, le=MOST_BETWEEN)] | None = None

    @property
    def asked(self) -> Asked:
        return Asked.model_validate(self.model_dump(include={*Asked.model_fields}))


class Pull(Document):
    """Where a pull stands. ``asked`` and counts are told to whose source it is, and who asked.

    ``replaced`` counts the values of each column that its rule changed. ``digest`` is that of the table's bytes as they
    came (sha256), ``follows`` the pull of the schedule before this one.
    """

    id: UUID
    source_id: UUID
    connection_id: UUID
    state: PullState
    asked: Asked | None
    every: timedelta | None
    follows: UUID | None
    requested_by: str
    requested_at: Moment
    due_at: Moment
    changed_at: Moment
    received_bytes: int | None
    rows: int | None
    digest: str | None
    replaced: dict[ColumnName, int] | None
    version_id: UUID | None
    problem: Problem | None

    def for_reader(self, subject: str, *owners: str) -> "Pull":
        """As it is shown to that subject: a query may name people, and counts are of them."""
        if subject in {self.requested_by, *owners}:
            return self
        return self.model_copy(
            update=dict.fromkeys(("asked", "received_bytes", "rows", "digest", "replaced"))
            | {"problem": self.problem and self.problem.model_copy(update={"reasons": []})}
        )


class Pulled(Document):
    """Where a version was pulled from: through which connection, what, when, and what came."""

    pull_id: UUID
    connection_id: UUID
    asked: Asked | None
    at: Moment
    rows: int
    digest: str | None
