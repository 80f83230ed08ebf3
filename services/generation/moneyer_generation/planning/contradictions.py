"""What of a shape no row can hold, said in the words of who asked: refused before anything is paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from moneyer_generation.planning.satisfiability import Asked, Row
from moneyer_shared.contracts.generation import Column
from moneyer_shared.contracts.shape import Condition, Constraint, Shape, Stratum
from moneyer_shared.errors import Invalid


@dataclass(frozen=True)
class Demand:
    """One thing that every row must hold, ends of ranges in steps, and how it was asked for."""

    words: str
    condition: Condition | None = None
    constraint: Constraint | None = None


def check_satisfiable(said: Shape, plain: Shape, columns: Sequence[Column]) -> None:
    """That some row of the declared domain holds what every row must, and some row each stratum and the rest.

    ``plain`` is the shape with ends of ranges in the steps of its ``columns``, each condition sound by itself.

    Raises:
        Invalid: naming the fewest demands that contradict each other, or the stratum without a row.
    """
    asked = Asked(columns, plain.constraints)
    every = [*_conditions(said.where, plain.where), *(Demand(_relation(one), None, one) for one in plain.constraints)]
    if not _possible(columns, every):
        raise Invalid(_contradiction("No row can hold all of this", columns, every), code="shape-impossible")
    whole = asked.row(plain.where)
    for number, (stratum, steps) in enumerate(zip(said.strata, plain.strata, strict=True)):
        if not _amount(stratum):
            continue
        demands = [*every, *_conditions(stratum.where, steps.where)]
        if not _possible(columns, demands):
            opening = f"No row can be in the stratum {stratum.name}, for it had to hold all of this"
            raise Invalid(_contradiction(opening, columns, demands), code="stratum-impossible")
        inside = asked.row([*plain.where, *steps.where])
        if not asked.outside(inside, [earlier.where for earlier in plain.strata[:number]]):
            raise Invalid(
                f"Every row that fits the stratum {stratum.name} fits an earlier one, and a row belongs to the first "
                "that it fits: name it earlier, or leave it out.",
                code="stratum-covered",
            )
    _check_rest(asked, whole, plain)


def _check_rest(asked: Asked, whole: Row, plain: Shape) -> None:
    """That what strata leave of the table can be filled."""
    if not plain.strata:
        return
    first = plain.strata[0]
    if first.times is not None and Decimal(first.times) != 1 and not asked.outside(whole, [first.where]):
        raise Invalid(
            f"Every row fits the stratum {first.name}: it is the whole table, and cannot be {first.times} times that.",
            code="stratum-everything",
        )
    shares = [Decimal(one.share) for one in plain.strata if one.share is not None]
    if len(shares) < len(plain.strata) or sum(shares) == 1:
        return
    if not asked.outside(whole, [one.where for one in plain.strata]):
        raise Invalid(
            f"Every row fits a stratum, and their shares are {sum(shares):f} of the table: nothing could be the rest. "
            "Let the shares add up to 1.",
            code="rest-impossible",
        )


def _amount(stratum: Stratum) -> Decimal:
    return Decimal(stratum.share if stratum.share is not None else stratum.times or 0)


def _possible(columns: Sequence[Column], demands: Sequence[Demand]) -> bool:
    asked = Asked(columns, [one.constraint for one in demands if one.constraint is not None])
    return asked.possible_in_full(asked.row(one.condition for one in demands if one.condition is not None))


def _contradiction(opening: str, columns: Sequence[Column], demands: Sequence[Demand]) -> str:
    """The opening, and the fewest of the demands that contradict each other (none of them can be left out)."""
    least = list(demands)
    for one in demands:
        fewer = [other for other in least if other is not one]
        if not _possible(columns, fewer):
            least = fewer
    asked = Asked(columns, [one.constraint for one in least if one.constraint is not None])
    missing = asked.possible(asked.row(one.condition for one in least if one.condition is not None))
    hint = " Only rows in which a value is missing could: ask for that with missing: true." if missing else ""
    return f"{opening}: {'; '.join(one.words for one in least)}. Take one of it back.{hint}"


def _conditions(said: Sequence[Condition], plain: Sequence[Condition]) -> list[Demand]:
    return [Demand(_words(words), condition) for words, condition in zip(said, plain, strict=True)]


MOST_NAMED = 5


def _words(condition: Condition) -> str:
    if condition.missing is not None:
        return f"{condition.column} {'is' if condition.missing else 'is not'} missing"
    if condition.one_of is not None:
        named = ", ".join(condition.one_of[:MOST_NAMED])
        return f"{condition.column} is one of {named}{', …' if len(condition.one_of) > MOST_NAMED else ''}"
    ends = ("from", condition.minimum), ("to", condition.maximum)
    return " ".join([condition.column, *(f"{word} {end}" for word, end in ends if end is not None)])


def _relation(constraint: Constraint) -> str:
    return f"{constraint.left} {constraint.relation} {constraint.right}"
