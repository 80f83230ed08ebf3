"""A draft of a source's declaration: what is proposed, where each part comes from, and what is still to be said."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document, Name, Text
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.shape import ColumnName

MOST_DOCUMENTS = 10
MOST_ANSWERS = 500
FileName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
DocumentText = Annotated[str, Field(max_length=2**20, pattern=r"^[^\x00]*$")]


class NamedText(Document):
    """A public document; the ending of its name says how it is read: .sql, .yaml, .json, .csv (a codebook)."""

    name: FileName
    text: DocumentText


class DraftRequest(Document):
    """Public documents that tell of one table, and what a person adds: ``answers`` as in ``LB*=number 0..1000``."""

    documents: Annotated[list[NamedText], Field(min_length=1, max_length=MOST_DOCUMENTS)]
    table: Annotated[str, Field(max_length=200)] | None = None
    name: Name | None = None
    population_id: UUID | None = None
    answers: Annotated[
        list[Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]], Field(max_length=MOST_ANSWERS)
    ] = Field(default_factory=list[str])


class DraftedColumn(Document):
    """A column as proposed, and why; without ``column`` its domain is still to be said."""

    name: ColumnName
    column: Column | None = None
    because: list[Text] = Field(default_factory=list[str])


class Question(Document):
    """What a person must say or confirm: an answer begins with ``answer``, and ``default`` holds until there is one.

    Without a default there is no declaration until it is answered.
    """

    answer: Text
    asks: Text
    default: Text | None = None
    columns: list[ColumnName] = Field(default_factory=list[str])


class SourceDraft(Document):
    """A proposal; ``declaration`` is there once every question without a default is answered."""

    declaration: SourceDeclaration | None = None
    columns: list[DraftedColumn]
    questions: list[Question] = Field(default_factory=list[Question])
    read: list[Text] = Field(default_factory=list[str])
    """What was read, in the order in which it counts."""
