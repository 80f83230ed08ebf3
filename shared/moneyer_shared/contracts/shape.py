"""What the rows of a synthetic table must hold, beyond coming from a model."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from moneyer_shared.contracts.documents import AmountText, Document, Name
from moneyer_shared.numbers import canonical_number

ColumnName = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")]
NumberText = Annotated[
    str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?$"), AfterValidator(canonical_number)
]
_NUMBER = r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,15})?"
_TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_MOMENT = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([T ]{_TIME})?"
BoundText = Annotated[str, StringConstraints(pattern=rf"^({_NUMBER}|{_MOMENT}|{_TIME})$")]
"""An end of a range, written as the column's values are: a number, a date, a moment or a time of the day."""
Category = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class Condition(Document):
    """One of some categories, or a range with both ends included, or whether the value is missing."""

    column: ColumnName
    one_of: Annotated[list[Category], Field(min_length=1, max_length=1000)] | None = None
    minimum: BoundText | None = None
    maximum: BoundText | None = None
    missing: bool | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Condition":
        ranged = self.minimum is not None or self.maximum is not None
        if [self.one_of is not None, ranged, self.missing is not None].count(True) != 1:
            message = "give one_of, or minimum and maximum (or one of them), or missing"
            raise ValueError(message)
        return self


Conditions = Annotated[list[Condition], Field(max_length=20)]


class Constraint(Document):
    """A relation between two columns of every row; a row where either is missing keeps it."""

    left: ColumnName
    relation: Literal["<", "<=", "=", "!=", ">=", ">"]
    right: ColumnName


class Stratum(Document):
    """A part of the table: a share of its rows, or how many times its own share in the model."""

    name: Name
    where: Annotated[list[Condition], Field(min_length=1, max_length=20)]
    share: AmountText | None = None
    times: AmountText | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Stratum":
        if (self.share is None) == (self.times is None):
            message = "give share or times"
            raise ValueError(message)
        return self


class Shape(Document):
    """Every row holds ``where`` and ``constraints``; a row belongs to the first stratum it fits, or to none.

    Shares are met exactly, to the row. All of it is done by choosing among rows that a model made: it costs no
    budget and weakens no guarantee.
    """

    where: Conditions = Field(default_factory=list[Condition])
    constraints: Annotated[list[Constraint], Field(max_length=20)] = Field(default_factory=list[Constraint])
    strata: Annotated[list[Stratum], Field(max_length=50)] = Field(default_factory=list[Stratum])

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Shape":
        if not (self.where or self.constraints or self.strata):
            message = "a shape asks for something, or is left out"
            raise ValueError(message)
        names = [stratum.name for stratum in self.strata]
        if len(set(names)) != len(names):
            message = "strata have names of their own"
            raise ValueError(message)
        return self


class RareCombination(Document):
    """A combination of these columns' values that fewer rows share than ``fewer_than`` is rare."""

    columns: Annotated[list[ColumnName], Field(min_length=1, max_length=10)]
    fewer_than: Annotated[int, Field(ge=2, le=10_000)]


class Suppression(Document):
    """Rows that too few others are like are left out, of what is made or of what is learned from.

    ``k``: every combination of quasi-identifiers is shared by at least k rows (k-anonymity, Sweeney 2002). ``l``: and
    such a group holds at least l values of every sensitive column (distinct l-diversity, Machanavajjhala et al. 2007).
    A table made still has exactly the rows asked for. Leaving rows out of the source depends on the source: engines
    with a guarantee never do it.
    """

    of: Literal["output", "input"] = "output"
    k: Annotated[int, Field(ge=2, le=10_000)] | None = None
    l: Annotated[int, Field(ge=2, le=1000)] | None = None  # noqa: E741 - the letter of the literature
    rare: Annotated[list[RareCombination], Field(max_length=20)] = Field(default_factory=list[RareCombination])

    @model_validator(mode="after")
    def _asks_for_something(self) -> "Suppression":
        if self.k is None and self.l is None and not self.rare:
            message = "give k, l or rare"
            raise ValueError(message)
        return self


class Blend(Document):
    """Real rows among the synthetic ones: a share of the table, above 0 and below 1.

    ``shape`` is what the real rows must hold, strata included. ``provenance_column`` names a further column that says
    ``real`` or ``synthetic`` of every row. Real rows leave, so such a table earns no guarantee, its charter must allow
    it, and every release is voted on.
    """

    share: AmountText
    shape: Shape | None = None
    provenance_column: ColumnName | None = None

    @model_validator(mode="after")
    def _is_a_part(self) -> "Blend":
        if not 0 < Decimal(self.share) < 1:
            message = "share is above 0 and below 1"
            raise ValueError(message)
        return self
