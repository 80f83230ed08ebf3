"""A source as generation declares it and evaluation reads it."""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from moneyer_shared.contracts.documents import NAME, Document, Name, Text
from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    Domain,
    ExactDomain,
    IntegerDomain,
    NumberDomain,
    TextDomain,
    UnmeasuredDomain,
    step_of,
)
from moneyer_shared.contracts.extents import extent_of
from moneyer_shared.contracts.shape import ColumnName, Constraint

Role = Literal["plain", "protected", "sensitive", "quasi-identifier", "identifier"]


class Origin(Document):
    """Where a column's domain is known from: its bounds, its categories, its steps.

    ``dictionary`` is a public schema or codebook, ``person`` somebody's own word, ``standard`` a norm that everybody
    can look up. ``measured`` was learned under budget, by this service; ``data`` was read from the rows themselves, so
    that one row may show in it. ``reference`` names the document, the norm or the run that measured it.
    """

    kind: Literal["dictionary", "person", "standard", "measured", "data"]
    reference: Text | None = None


Outside = Literal["refuse", "nearest", "null"]
MissingValue = Annotated[str, Field(min_length=1, max_length=100)]


class Column(Document):
    """A column and the values it may hold; one without an ``origin`` is somebody's word.

    What becomes of a value that the domain does not hold is said here too, before a row is seen. ``unlisted`` is of
    categories: ``refuse``, ``null``, or the listed category that it is put under. ``outside`` is of bounds: ``refuse``,
    ``nearest`` (the bound it lies beyond) or ``null``; an infinity has no nearest bound and is refused. Each is a
    function of that one value alone, so that tables which differ in one unit's rows still do after it and no guarantee
    changes (ADR 55). What cannot be read as a value at all is refused whatever the rule.

    ``missing_values`` are what a file writes where a value is missing, beside null and the empty cell: ``?``, ``NA``,
    ``-99``. They are missing in every format, and none of them is a value of the domain.
    """

    name: ColumnName
    domain: Domain
    nullable: bool = False
    role: Role = "plain"
    origin: Origin | None = None
    unlisted: Annotated[str, Field(max_length=200)] = "refuse"
    outside: Outside = "refuse"
    missing_values: Annotated[list[MissingValue], Field(max_length=20)] = Field(default_factory=list[str])

    @model_validator(mode="after")
    def _rule_fits_the_domain(self) -> "Column":
        categorical = isinstance(self.domain, CategoricalDomain)
        if not categorical and self.unlisted != "refuse":
            message = "unlisted says what becomes of categories; bounds have outside"
            raise ValueError(message)
        if (categorical or self.domain.kind in {"text", "unmeasured"}) and self.outside != "refuse":
            message = (
                "outside says what becomes of values beyond bounds; categories have unlisted, and text has neither"
            )
            raise ValueError(message)
        if self.rule == "null" and not self.nullable:
            message = "null needs a column that is nullable"
            raise ValueError(message)
        if isinstance(self.domain, CategoricalDomain):
            self._check_catch_all(self.domain)
        return self

    @model_validator(mode="after")
    def _missing_values_are_no_values(self) -> "Column":
        if self.missing_values and not self.nullable:
            message = "missing_values need a column that is nullable"
            raise ValueError(message)
        if isinstance(self.domain, TextDomain | UnmeasuredDomain):
            return self
        extent = extent_of(self.domain)
        for written in self.missing_values:
            if extent.holds(written):
                message = f"{written!r} cannot stand for a missing value: the domain holds it; narrow the domain"
                raise ValueError(message)
        return self

    def _check_catch_all(self, domain: CategoricalDomain) -> None:
        if self.unlisted == "null" and "null" in domain.categories:
            message = "null is both a listed category and a word of this rule: choose another category"
            raise ValueError(message)
        if self.unlisted not in {"refuse", "null", *domain.categories}:
            message = "unlisted is refuse, null, or one of the listed categories"
            raise ValueError(message)

    @property
    def rule(self) -> str:
        """What becomes of a value that the domain does not hold: ``refuse``, ``nearest``, ``null``, or a category."""
        return self.unlisted if isinstance(self.domain, CategoricalDomain) else self.outside

    @property
    def replaces(self) -> bool:
        """Whether a value that the domain does not hold is replaced rather than refused."""
        return self.rule != "refuse"

    @property
    def rule_in_words(self) -> str:
        """The rule, for people; of a column that refuses what lies outside its domain, that."""
        what = "what is not listed" if isinstance(self.domain, CategoricalDomain) else "what lies outside its bounds"
        became = {
            "refuse": "was refused",
            "null": "was left out as missing",
            "nearest": "was moved to the nearest bound",
        }
        return f"{what} {became.get(self.rule, f'was put under {self.rule!r}')}"

    @model_validator(mode="after")
    def _text_is_an_identifier(self) -> "Column":
        if (self.domain.kind == "text") != (self.role == "identifier"):
            message = "a text column must have the role identifier, and an identifier the domain text"
            raise ValueError(message)
        return self

    @property
    def widest(self) -> "Column":
        """The column as it is uploaded and lies at rest: as wide as its type where its domain is to be measured."""
        if not isinstance(self.domain, UnmeasuredDomain):
            return self
        return self.model_copy(update={"domain": self.domain.widest})

    @property
    def plain(self) -> "Column":
        """The column as whole numbers, if its values are exact."""
        if not isinstance(self.domain, ExactDomain):
            return self
        low, high = self.domain.bounds
        return self.model_copy(
            update={"domain": IntegerDomain(kind="integer", minimum=low, maximum=high, bins=self.domain.bins)}
        )


class PrivacyUnit(Document):
    """What neighbouring tables differ in: one row, or all rows sharing ``column``'s value.

    ``identifies`` is what that value identifies, in the words of the population; left out, it is the column's name.
    """

    column: ColumnName | None = None
    maximum_rows: Annotated[int, Field(ge=1, le=10_000)] = 1
    identifies: ColumnName | None = None

    @property
    def identified_by(self) -> str | None:
        return self.identifies or self.column

    @model_validator(mode="after")
    def _rows_need_an_owner(self) -> "PrivacyUnit":
        if self.column is None and self.maximum_rows != 1:
            message = "maximum_rows above 1 needs the column that names the unit"
            raise ValueError(message)
        if self.column is None and self.identifies is not None:
            message = "identifies says what the values of a column identify: name the column"
            raise ValueError(message)
        return self


class Survival(Document):
    """Times to an event: ``duration`` of each row, and the ``event`` whose category ``occurred`` says that it ended it.

    Any other category of the event means that the row was cut off (censored) before one.
    """

    event: ColumnName
    occurred: Annotated[str, Field(max_length=200)]
    duration: ColumnName

    def otherwise(self, declaration: "SourceDeclaration") -> str:
        """The event's other category."""
        domain = declaration.column(self.event).domain
        assert isinstance(domain, CategoricalDomain)
        return next(category for category in domain.categories if category != self.occurred)

    def check(self, declaration: "SourceDeclaration") -> None:
        """Raise ValueError unless the columns can be what they are said to be."""
        event, duration = declaration.column(self.event), declaration.column(self.duration)
        categories = event.domain.categories if isinstance(event.domain, CategoricalDomain) else []
        if len(categories) != 2 or self.occurred not in categories or event.nullable:  # noqa: PLR2004 - it ends or not
            message = "the event must be a categorical column of two categories without nulls, occurred one of them"
            raise ValueError(message)
        lengths = duration.plain.domain
        if not isinstance(lengths, IntegerDomain | NumberDomain) or lengths.minimum <= 0 or duration.nullable:
            message = "the duration must be a numeric column without nulls and with a minimum above 0"
            raise ValueError(message)


class Sequence(Document):
    """Rows that belong together: those with the same text in ``column``, in the order of another column.

    ``static`` columns are the same in all rows of a sequence; their first row speaks for all.
    """

    column: ColumnName
    order: ColumnName
    static: Annotated[list[ColumnName], Field(max_length=499)] = Field(default_factory=list[str])

    def check(self, declaration: "SourceDeclaration") -> None:
        """Raise ValueError unless the columns can be what they are said to be."""
        domain, order = declaration.column(self.column).domain, declaration.column(self.order)
        if not isinstance(domain, TextDomain) or domain.replacement not in {"uuid", "number"}:
            message = "the sequence column must be a text column whose replacement is uuid or number"
            raise ValueError(message)
        if not isinstance(order.plain.domain, IntegerDomain | NumberDomain) or order.nullable:
            message = "the order must be a column of numbers, dates or times without nulls"
            raise ValueError(message)
        learned = {column.name for column in declaration.learned} - {self.order}
        if not set(self.static) <= learned:
            message = "static columns are learned columns other than the order"
            raise ValueError(message)


class SourceDeclaration(Document):
    """What is said of a source before a row of it is seen; all of it is public.

    A source ``for_linkage`` is a register of people that an attacker may hold: nothing is ever learned from it, and
    only assays open it. ``constraints`` hold of every real row; assays count the made rows that break one.
    ``partition_column`` is a categorical column whose categories are partitions of the population: rows of each
    category are charged to that partition's budget alone. ``left_out`` names columns that a file may have and that are
    never kept; any other column that is not declared is refused.
    """

    name: Name
    description: Text
    population_id: UUID
    privacy_unit: PrivacyUnit = PrivacyUnit()
    columns: Annotated[list[Column], Field(min_length=1, max_length=500)]
    target: ColumnName | None = None
    partition_column: ColumnName | None = None
    survival: Survival | None = None
    sequence: Sequence | None = None
    for_linkage: bool = False
    constraints: Annotated[list[Constraint], Field(max_length=50)] = Field(default_factory=list[Constraint])
    row_limit: Annotated[int, Field(ge=1, le=100_000_000)] = 5_000_000
    left_out: Annotated[list[ColumnName], Field(max_length=2_000)] = Field(default_factory=list[str])

    @model_validator(mode="after")
    def _consistent(self) -> "SourceDeclaration":
        names = [column.name for column in self.columns]
        if len({*names, *self.left_out}) != len(names) + len(self.left_out):
            message = "column names must be distinct, those that are left out among them"
            raise ValueError(message)
        if not self.learned:
            message = "at least one column must not be an identifier"
            raise ValueError(message)
        for asked in (self.privacy_unit.column, self.target):
            if asked is not None and asked not in names:
                message = f"there is no column named {asked}"
                raise ValueError(message)
        if self.target is not None and self.target not in {column.name for column in self.learned}:
            message = "the target cannot be an identifier"
            raise ValueError(message)
        unit = self.privacy_unit.column
        if unit is not None and next(c for c in self.columns if c.name == unit).nullable:
            message = "the privacy unit's column cannot be nullable"
            raise ValueError(message)
        self._check_unmeasured()
        self._check_partitions()
        self._check_rules()
        for constraint in self.constraints:
            self._check_constraint(constraint)
        for structure in (self.survival, self.sequence):
            if structure is not None:
                structure.check(self)
        return self

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            ValueError: there is none.
        """
        found = next((column for column in self.columns if column.name == name), None)
        if found is None:
            message = f"there is no column named {name}"
            raise ValueError(message)
        return found

    def _check_constraint(self, constraint: Constraint) -> None:
        left, right = self.column(constraint.left), self.column(constraint.right)
        if "identifier" in {left.role, right.role} or step_of(left.domain) != step_of(right.domain):
            message = f"{left.name} and {right.name} cannot be compared: they are of different kinds, or identifiers"
            raise ValueError(message)
        if left.domain.kind == "categorical" and constraint.relation not in {"=", "!="}:
            message = f"{left.name} holds categories, which have no order"
            raise ValueError(message)

    def _check_unmeasured(self) -> None:
        if self.for_linkage and self.unmeasured:
            message = "nothing is learned of a register, so nothing of it is measured: declare its columns' domains"
            raise ValueError(message)
        if any(column.origin is not None for column in self.unmeasured):
            message = "a domain that is to be measured has no origin yet"
            raise ValueError(message)

    def _check_rules(self) -> None:
        """Who owns a row, which budget it is charged to and where it stands in a sequence is never replaced."""
        held = {self.privacy_unit.column, self.partition_column, self.sequence.order if self.sequence else None}
        replaced = [column.name for column in self.columns if column.replaces and column.name in held]
        if replaced:
            message = f"{replaced[0]} says whose a row is or where it belongs: values outside its domain are refused"
            raise ValueError(message)

    def _check_partitions(self) -> None:
        if self.partition_column is None:
            return
        column = next((column for column in self.columns if column.name == self.partition_column), None)
        if column is None or column.domain.kind != "categorical" or column.nullable:
            message = "the partition column must be a categorical column without nulls"
            raise ValueError(message)
        if not all(re.fullmatch(NAME, category) for category in column.domain.categories):
            message = f"the partition column's categories are names of partitions and must match {NAME}"
            raise ValueError(message)

    @property
    def partitions(self) -> list[str]:
        """The partitions of its population that this source's rows lie in; none means all of it."""
        column = next((column for column in self.columns if column.name == self.partition_column), None)
        return list(column.domain.categories) if column and column.domain.kind == "categorical" else []

    @property
    def learned(self) -> list[Column]:
        """The columns engines and assays see: all but identifiers."""
        return [column for column in self.columns if column.role != "identifier"]

    def columns_from(self, kind: str) -> list[str]:
        """The names of the columns whose domain has that origin."""
        return [column.name for column in self.columns if column.origin is not None and column.origin.kind == kind]

    @property
    def unmeasured(self) -> list[Column]:
        """The columns whose domain is to be measured; while there are any, nothing else is learned of the source."""
        return [column for column in self.columns if isinstance(column.domain, UnmeasuredDomain)]

    @property
    def widest(self) -> "SourceDeclaration":
        """The same as it is uploaded and lies at rest."""
        return self.model_copy(update={"columns": [column.widest for column in self.columns]})

    @property
    def plain(self) -> "SourceDeclaration":
        """The same with every exact domain as whole numbers, which is all that engines and measures see."""
        return self.model_copy(update={"columns": [column.plain for column in self.columns]})

    @property
    def made(self) -> list[Column]:
        """The columns of a synthetic table: those learned, and those filled with invented values."""
        return [
            column
            for column in self.columns
            if column.role != "identifier" or (column.domain.kind == "text" and column.domain.replacement)
        ]


class HeldVersion(Document):
    """The newest upload of a source: where its parts lie sealed, and the id of the key that opens them."""

    source_id: UUID
    version_id: UUID
    declaration: SourceDeclaration
    key_id: UUID
    train_object: str
    holdout_object: str
    uploaded_at: datetime


class MissedPull(Document):
    """A pull of a schedule that brought no version of its source: when it ended, and why in one word."""

    pull_id: UUID
    ended_at: datetime
    because: str


class Arrivals(Document):
    """What came of a source after one of its versions: the next, if one did; and the last pull of a schedule, if that
    brought none.
    """

    following: HeldVersion | None
    missed: MissedPull | None = None


class DeliveredForm(Document):
    """Of the bytes of a table in one form: SHA-256 in hexadecimal digits, and their number."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Delivered(Document):
    """A table as it is handed out, in each of its forms (ADR 48)."""

    parquet: DeliveredForm
    arrow: DeliveredForm
    csv: DeliveredForm

    def of(self, form: Literal["parquet", "arrow", "csv"]) -> DeliveredForm:
        return {"parquet": self.parquet, "arrow": self.arrow, "csv": self.csv}[form]
