"""Measured domains: what a run of ``domain-discovery`` found of columns whose domain nobody knew."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document, Name
from moneyer_shared.contracts.domains import KnownDomain
from moneyer_shared.contracts.drafts import Question
from moneyer_shared.contracts.policy import Guarantee


class NewName(Document):
    """What the source is to be called that is declared by a measurement."""

    name: Name


class Found(Document):
    """A category, or a part of a range as ``first to last``, and the noisy count of privacy units that hold it."""

    what: str
    units: int


class MeasuredColumn(Document):
    """One column's measured domain; None where too few units hold any one value to say anything under this ε.

    ``least`` is the noisy count from which on a value is found: what fewer hold is not in the domain.
    """

    name: str
    domain: Annotated[KnownDomain, Field(discriminator="kind")] | None
    found: list[Found]
    least: int


class Measurement(Document):
    """What the mechanism gave out. It is differentially private: reading it, however often, costs nothing more."""

    columns: list[MeasuredColumn]


class MeasuredDomain(Measurement):
    """A measurement with what it was made of and what it earned.

    ``rarer`` says what happens at a later upload to a value that was not found: it is refused, with its column and row,
    unless the declaration says beforehand what becomes of it, which ``questions`` ask.
    """

    run_id: UUID
    source_id: UUID
    source_version_id: UUID
    population_id: UUID
    engine_version: str
    guarantee: Guarantee
    rarer: Literal["refused"] = "refused"
    questions: list[Question] = Field(default_factory=list[Question])
