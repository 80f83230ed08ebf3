"""What every engine is, and what it says of itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, ROUND_CEILING, Decimal, localcontext
from typing import Any, Literal, Protocol

import pyarrow as pa

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Mechanism, Parameter
from moneyer_shared.errors import Invalid
from moneyer_shared.numbers import read_decimal
from moneyer_shared.origins import in_short

Report = Callable[[float], None]
Parameters = Mapping[str, Parameter]
Needs = Literal["rows", "survival", "sequence", "unmeasured"]
"""What an engine learns from: any rows, times to an event, rows that form sequences, or columns of unknown domain."""


@dataclass(frozen=True)
class Capacity:
    """What an engine carries, by what a source declares and by about how many rows it has; no limit where None.

    Attributes:
        most_columns: columns to learn, in reasonable time.
        most_pair: values that two columns have together, where the engine holds a count for each.
        pairs: which pairs it counts, those of any tree over all columns or those beside the target.
        most_places: rows times the places a row takes once every category has one, 4 bytes each.
        most_span: whole numbers from the least to the largest of a column.
        least_rows: rows below which its method does not work.
        equal_parts: whether numbers are learned by their place in ``bins`` equal parts of the declared range.
    """

    most_columns: int = 500
    most_pair: int | None = None
    pairs: Literal["tree", "target"] = "tree"
    most_places: int | None = None
    most_span: int | None = None
    least_rows: int = 1
    equal_parts: bool = False


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of an engine: an integer, or a decimal as text so that it stays exact."""

    kind: Literal["integer", "decimal"]
    default: int | str
    minimum: str
    maximum: str
    meaning: str

    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema."""
        if self.kind == "integer":
            bounds = {"minimum": int(self.minimum), "maximum": int(self.maximum)}
            return {"type": "integer", **bounds, "default": self.default, "description": self.meaning}
        text = f"{self.meaning} A decimal from {self.minimum} to {self.maximum}, as text."
        return {"type": "string", "format": "decimal", "default": self.default, "description": text}

    def check(self, name: str, value: Parameter) -> None:
        """That a value fits.

        Raises:
            Invalid: naming the parameter and its range.
        """
        fits = type(value) is int if self.kind == "integer" else type(value) is str
        if not fits:
            raise Invalid(f"{name} must be {self._noun()}.", code="parameter-invalid")
        try:
            number = read_decimal(value)
        except ValueError:
            raise Invalid(f"{name} must be {self._noun()}.", code="parameter-invalid") from None
        if not Decimal(self.minimum) <= number <= Decimal(self.maximum):
            raise Invalid(f"{name} must lie from {self.minimum} to {self.maximum}.", code="parameter-invalid")

    def _noun(self) -> str:
        return "an integer" if self.kind == "integer" else "a decimal written as text"


class CannotLearn(Exception):
    """A table or a model is such that the engine cannot do its work; the message holds counts, never a value."""


class Fitted(Protocol):
    """A model that was fitted; sampling it never looks at the source again."""

    def sample(self, rows: int, seed: int | None) -> pa.Table: ...

    def dump(self) -> bytes: ...


class Described(Protocol):
    """Whatever learns from a source, and says what that costs and earns. ``parameters`` are complete and checked."""

    name: str
    version: str
    parameters: Mapping[str, ParameterSpec]
    description: str
    cost: str
    """How long a run on a few thousand rows takes, in words."""
    capacity: Capacity
    needs: Needs

    def warm(self) -> None:
        """Import what a fit needs, and nothing that depends on a job."""
        ...

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee: ...

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism: ...

    def noise(self, declaration: SourceDeclaration, parameters: Parameters) -> float | None:
        """Standard deviation of the noise on one count it measures, in rows; None where none can be named."""
        ...


class Engine(Described, Protocol):
    """A way to make a table."""

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,
        report: Report,
    ) -> Fitted: ...

    def load(self, model: bytes, declaration: SourceDeclaration) -> Fitted: ...


def complete(engine: Described, given: Parameters) -> dict[str, Parameter]:
    """The parameters with the engine's defaults filled in.

    Raises:
        Invalid: a parameter the engine does not have, or a value outside its range.
    """
    for name in given:
        if name not in engine.parameters:
            known = ", ".join(sorted(engine.parameters))
            raise Invalid(f"{engine.name} has no parameter {name}; it has {known}.", code="parameter-unknown")
    filled = {name: given.get(name, spec.default) for name, spec in engine.parameters.items()}
    for name, value in filled.items():
        engine.parameters[name].check(name, value)
    return filled


def check_source(engine: Described, declaration: SourceDeclaration) -> None:
    """That the engine carries such a table.

    Raises:
        Invalid: it is too wide, does not declare what the engine learns from, or has columns to measure first.
    """
    if engine.needs != "rows" and not getattr(declaration, engine.needs):
        raise Invalid(
            f"{engine.name} learns from {NEEDED[engine.needs]}; declare {engine.needs} with the source.",
            code=f"{engine.needs}-not-declared",
        )
    unmeasured = declaration.unmeasured
    if unmeasured and engine.needs != "unmeasured":
        raise Invalid(
            f"The domain of {in_short([column.name for column in unmeasured])} is to be measured: until then nothing "
            "but domain-discovery learns from this source. Measure it under budget, or register a source with bounds "
            "and categories that are known without looking at the data.",
            code="domain-unmeasured",
        )
    columns = len(unmeasured if engine.needs == "unmeasured" else declaration.learned)
    if columns > engine.capacity.most_columns:
        raise Invalid(
            f"{engine.name} carries at most {engine.capacity.most_columns} columns, and the source has {columns} to "
            "learn.",
            code="too-many-columns",
        )


def check_shapeable(engine: Described) -> None:
    """That rows may be chosen among: whoever makes sequences makes whole ones.

    Raises:
        Invalid: choosing rows would tear sequences apart.
    """
    if engine.needs == "sequence":
        raise Invalid(
            f"{engine.name} makes whole sequences: choosing among their rows would tear them apart.",
            code="shape-of-sequences",
        )


NEEDED: Mapping[str, str] = {
    "survival": "times to an event",
    "sequence": "sequences of rows",
    "unmeasured": "columns whose domain is unmeasured",
}


OUTSIDE = (
    "It is of what the mechanism makes; the assay and the decision on release look at real rows and are outside it."
)


def claimed_amounts(declaration: SourceDeclaration, parameters: Parameters) -> tuple[str, str]:
    """(ε, δ) of one privacy unit, where the plugin's are of one row: ε k, and δ (1 + e^ε + … + e^((k-1)ε)).

    Vadhan 2017, "The Complexity of Differential Privacy", Lemma 2.2; δ is rounded up, and at most 1.
    """
    epsilon, delta = Decimal(str(parameters["epsilon"])), Decimal(str(parameters["delta"]))
    rows = declaration.privacy_unit.maximum_rows
    with localcontext() as context:
        context.prec, context.Emax, context.rounding = 60, MAX_EMAX, ROUND_CEILING
        widened = ((epsilon * rows).exp() - 1) / (epsilon.exp() - 1) * (1 + Decimal("1e-50")) if rows > 1 else 1
        of_unit = min((delta * widened).quantize(Decimal("1e-30")), Decimal(1)) if delta * widened < 1 else Decimal(1)
    return f"{epsilon * rows:f}", f"{of_unit.normalize():f}"


def unit_of(declaration: SourceDeclaration) -> str:
    unit = declaration.privacy_unit
    if unit.column is None:
        return "one row"
    return f"one {unit.column} with all of its at most {unit.maximum_rows} rows"
