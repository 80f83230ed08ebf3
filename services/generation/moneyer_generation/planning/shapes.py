"""Whether a shape can be asked of a source: before anything is paid."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from moneyer_generation.generators.dressing import plain_shape
from moneyer_generation.planning.contradictions import check_satisfiable
from moneyer_generation.planning.satisfiability import Asked, held, values_of
from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    DateDomain,
    DecimalDomain,
    Domain,
    TimeDomain,
    TimestampDomain,
)
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee
from moneyer_shared.contracts.shape import Condition, Constraint, Shape
from moneyer_shared.errors import Invalid

ORDERED = ("integer", "number")
UPWARD = ("<", "<=", ">", ">=")


def check_shape(shape: Shape, declaration: SourceDeclaration, guarantee: Guarantee) -> None:
    """That every condition can be met inside the declared domain, and singles nobody out.

    Raises:
        Invalid: an unknown column, one no engine learns, a value outside its domain, conditions or relations that no
            row can hold together, a stratum or a rest without a row, shares above the whole, or conditions that name a
            single combination of quasi-identifiers to an engine without differential privacy.
    """
    said, shape = shape, plain_shape(shape, declaration)
    for constraint in shape.constraints:
        _check_steps(constraint, {column.name: column.domain for column in declaration.columns})
    columns = {column.name: column for column in declaration.plain.columns}
    for conditions in (shape.where, *(stratum.where for stratum in shape.strata)):
        for condition in conditions:
            _check_condition(condition, _learned(condition.column, columns))
        _check_together(conditions)
        if guarantee.level != "proven":
            _check_singling_out([*shape.where, *conditions], declaration)
    for constraint in shape.constraints:
        _check_constraint(constraint, _learned(constraint.left, columns), _learned(constraint.right, columns))
    if sum(Decimal(stratum.share or 0) for stratum in shape.strata) > 1:
        raise Invalid("The strata's shares are more than the whole table.", code="shares-above-one")
    check_satisfiable(said, shape, [column for column in columns.values() if column.role != "identifier"])


def _learned(name: str, columns: dict[str, Column]) -> Column:
    if name not in columns:
        raise Invalid(f"The source has no column {name}.", code="column-unknown")
    if columns[name].role == "identifier":
        raise Invalid(f"{name} identifies people: no engine learns it, so no row can be asked by it.", code="unsafe")
    return columns[name]


def _check_condition(condition: Condition, column: Column) -> None:
    if condition.missing:
        if not column.nullable:
            raise Invalid(f"{column.name} is never missing.", code="condition-impossible")
        return
    domain = column.domain
    if condition.one_of is not None:
        if not isinstance(domain, CategoricalDomain):
            raise Invalid(f"{column.name} holds numbers: give minimum and maximum.", code="condition-kind")
        unknown = set(condition.one_of) - set(domain.categories)
        if unknown:
            raise Invalid(f"{column.name} has no category {min(unknown)}.", code="condition-impossible")
    elif condition.missing is None:
        if domain.kind not in ORDERED:
            raise Invalid(f"{column.name} holds categories: give one_of.", code="condition-kind")
        if held(values_of(column), condition).empty:
            raise Invalid(f"No value of {column.name} lies in that range.", code="condition-impossible")


def _check_together(conditions: Sequence[Condition]) -> None:
    names = [condition.column for condition in conditions]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise Invalid(f"Give one condition for {min(twice)}, not two.", code="condition-repeats")


def _check_singling_out(conditions: Sequence[Condition], declaration: SourceDeclaration) -> None:
    """An engine that may remember rows is not asked about one person: a value for every quasi-identifier."""
    quasi = {column.name for column in declaration.columns if column.role == "quasi-identifier"}
    pinned = {condition.column for condition in conditions if _is_single(condition)}
    if len(quasi) > 1 and quasi <= pinned:
        raise Invalid(
            "These conditions name one combination of all quasi-identifiers, which may be one person; "
            "leave one open, or use an engine with proven differential privacy.",
            code="unsafe",
        )


def _is_single(condition: Condition) -> bool:
    if condition.one_of is not None:
        return len(set(condition.one_of)) == 1
    ends = (condition.minimum, condition.maximum)
    return None not in ends and len({Decimal(end) for end in ends if end is not None}) == 1


def _check_steps(constraint: Constraint, domains: Mapping[str, Domain]) -> None:
    """Exact values are compared with their like, in the same steps."""
    both = [domains[name] for name in (constraint.left, constraint.right) if name in domains]
    if len({_step_of(domain) for domain in both}) > 1:
        raise Invalid(f"{constraint.left} and {constraint.right} are of different kinds.", code="constraint-kind")


def _step_of(domain: Domain) -> tuple[str, object] | None:
    match domain:
        case TimestampDomain(kind=kind, resolution=step) | DecimalDomain(kind=kind, scale=step):
            return kind, step
        case DateDomain(kind=kind) | TimeDomain(kind=kind):
            return kind, None
        case _:
            return None


def _check_constraint(constraint: Constraint, left: Column, right: Column) -> None:
    ordered = [column.domain.kind in ORDERED for column in (left, right)]
    if constraint.relation in UPWARD and not all(ordered):
        raise Invalid("Only numbers are ordered.", code="constraint-kind")
    if any(ordered) != all(ordered):
        raise Invalid("A number is never compared with a category.", code="constraint-kind")
    asked = Asked([left, right], [constraint])
    if not asked.possible_in_full(asked.row(())):
        raise Invalid(f"No row can hold {left.name} {constraint.relation} {right.name}.", code="constraint-impossible")
