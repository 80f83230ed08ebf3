"""Whether any row of a declared domain can hold what is asked: decided by what is public alone.

Relations between numbers are a graph of difference constraints (Cormen et al., "Introduction to Algorithms", 24.4)
whose edges weigh nothing: columns on a cycle are equal, a cycle with a strict edge cannot be, and along what is left
the ends of the ranges travel. Categories are sets. What is "not equal" is a colouring, tried where values are few.
Every "no" is a proof; a "yes" may be too kind where many columns of few values are all to differ, or many strata lie
across each other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain
from moneyer_shared.contracts.generation import Column
from moneyer_shared.contracts.shape import Condition, Constraint

Bound = tuple[Fraction, int]
"""A number, and how many steps as small as you like it lies above (or, negative, below) it."""
Row = Mapping[str, "Values"]
Names = tuple[str, str]
MOST_TRIED = 2_000
"""So many parts of the domain are looked at before a row outside of strata is taken to exist."""
MOST_COLOURED = 10_000


@dataclass(frozen=True)
class Values:
    """What a column may hold: one of ``categories``, or a number from ``low`` to ``high``; and whether nothing, too."""

    missing: bool
    categories: frozenset[str] | None = None
    low: Bound = (Fraction(0), 0)
    high: Bound = (Fraction(0), 0)
    whole: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is no value, so that it can only be missing, if that."""
        return not self.categories if self.categories is not None else self.low > self.high

    def without(self, value: "str | Fraction") -> "Values":
        """The same but for that value; of numbers, an end of whole ones."""
        if isinstance(value, str):
            assert self.categories is not None
            return replace(self, categories=self.categories - {value})
        if not self.whole:
            return replace(self, low=(value, 1)) if self.low == self.high == (value, 0) else self
        low = (value + 1, 0) if self.low == (value, 0) else self.low
        return replace(self, low=low, high=(value - 1, 0) if self.high == (value, 0) else self.high)

    @property
    def pinned(self) -> "str | Fraction | None":
        """The value, where there is a single one."""
        if self.categories is not None:
            return next(iter(self.categories)) if len(self.categories) == 1 else None
        return self.low[0] if self.low == self.high and not self.low[1] else None

    def listed(self, most: int) -> "list[str | Fraction] | None":
        """All values, where they are no more than ``most``."""
        if self.categories is not None:
            return sorted(self.categories) if len(self.categories) <= most else None
        if not self.whole or self.high[0] - self.low[0] >= most:
            return [self.low[0]] if self.pinned is not None else None
        return [Fraction(number) for number in range(int(self.low[0]), int(self.high[0]) + 1)]

    def between(self, low: Bound | None, high: Bound | None) -> "Values":
        """The numbers of it from ``low`` to ``high``."""
        raised = self.low if low is None else max(self.low, _least(low, whole=self.whole))
        lowered = self.high if high is None else min(self.high, _most(high, whole=self.whole))
        return replace(self, low=raised, high=lowered)

    def shared(self, other: "Values") -> "Values":
        """What both may hold."""
        if self.categories is not None:
            return replace(self, categories=self.categories & (other.categories or frozenset()))
        both = replace(self, whole=self.whole or other.whole)
        return both.between(other.low, other.high).between(self.low, self.high)


def _least(bound: Bound, *, whole: bool) -> Bound:
    value, past = bound
    return (Fraction(floor(value) + 1 if past > 0 else ceil(value)), 0) if whole else bound


def _most(bound: Bound, *, whole: bool) -> Bound:
    value, past = bound
    return (Fraction(ceil(value) - 1 if past < 0 else floor(value)), 0) if whole else bound


def values_of(column: Column) -> Values:
    """What a column may hold by its declaration, exact values as whole numbers."""
    match column.domain:
        case CategoricalDomain(categories=categories):
            return Values(column.nullable, frozenset(categories))
        case IntegerDomain(minimum=low, maximum=high):
            return Values(column.nullable, None, (Fraction(low), 0), (Fraction(high), 0), whole=True)
        case NumberDomain(minimum=low, maximum=high):
            # By its digits, as a plan writes it: 0.3 is three tenths.
            return Values(column.nullable, None, (Fraction(str(low)), 0), (Fraction(str(high)), 0))
        case _:
            return Values(missing=column.nullable, categories=frozenset())


NOTHING: frozenset[str] = frozenset()


def held(values: Values, condition: Condition) -> Values:
    """What of it holds a condition; a missing value holds none but ``missing``."""
    if condition.missing:
        return _only_missing(values)
    present = replace(values, missing=False)
    if condition.one_of is not None:
        return replace(present, categories=(present.categories or NOTHING) & set(condition.one_of))
    return present.between(_end(condition.minimum), _end(condition.maximum))


def _only_missing(values: Values) -> Values:
    return replace(values, categories=NOTHING)


def _end(text: str | None) -> Bound | None:
    return None if text is None else (Fraction(text), 0)


def _broken(values: Values, condition: Condition) -> Iterator[Values]:
    """What of it breaks a condition, in parts."""
    present = replace(values, missing=False)
    if condition.missing is True:
        yield present
        return
    if values.missing:
        yield _only_missing(values)
    if condition.one_of is not None:
        yield replace(present, categories=(present.categories or NOTHING) - set(condition.one_of))
    if condition.minimum is not None:
        yield present.between(None, (Fraction(condition.minimum), -1))
    if condition.maximum is not None:
        yield present.between((Fraction(condition.maximum), 1), None)


class Asked:
    """What every row must hold: the relations between its columns, over what each of them may hold."""

    def __init__(self, columns: Sequence[Column], constraints: Sequence[Constraint]) -> None:
        self._row: Row = {column.name: values_of(column) for column in columns}
        self._constraints = tuple(constraints)
        self._known: dict[frozenset[str], _Relations] = {}

    def row(self, conditions: Iterable[Condition]) -> Row:
        """What each column may hold in rows that hold all of these conditions."""
        narrowed = dict(self._row)
        for condition in conditions:
            narrowed[condition.column] = held(narrowed[condition.column], condition)
        return narrowed

    def possible(self, row: Row) -> bool:
        """Whether there is such a row, a value missing wherever one may be: it keeps every relation then."""
        return self._fits(row, {name for name, values in row.items() if values.missing})

    def possible_in_full(self, row: Row) -> bool:
        """Whether there is such a row in which nothing is missing that was not asked to be."""
        return self._fits(row, {name for name, values in row.items() if values.missing and values.empty})

    def outside(self, row: Row, strata: Sequence[Sequence[Condition]]) -> bool:
        """Whether there is such a row that no stratum takes."""
        return self._outside(row, strata, [MOST_TRIED])

    def _outside(self, row: Row, strata: Sequence[Sequence[Condition]], left: list[int]) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return True
        if not self.possible(row):
            return False
        for number, conditions in enumerate(strata):
            inside = dict(row)
            for condition in conditions:
                inside[condition.column] = held(inside[condition.column], condition)
            if self.possible(inside):
                return any(
                    self._outside({**row, condition.column: part}, strata[number + 1 :], left)
                    for condition in conditions
                    for part in _broken(row[condition.column], condition)
                )
        return True

    def _fits(self, row: Row, missing: Iterable[str]) -> bool:
        away = frozenset(missing)
        if any(values.empty for name, values in row.items() if name not in away):
            return False
        if away not in self._known:
            self._known[away] = _Relations(
                [one for one in self._constraints if one.left not in away and one.right not in away]
            )
        return self._known[away].fit(row)


class _Relations:
    """Relations between columns none of which is missing: who is equal, who lies below whom, who is not who."""

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        edges: dict[Names, bool] = {}
        names = sorted({name for one in constraints for name in (one.left, one.right)})
        for one in constraints:
            for low, high, strict in _edges(one):
                edges[low, high] = edges.get((low, high), False) or strict
        reach = _reached(names, edges)
        self._same = {name: min(n for n in names if n == name or {n, name} <= reach[n] & reach[name]) for name in names}
        # Whoever lies above more of the others comes later: an order in which every edge leads onwards.
        rank = {
            name: sum(name in reach[other] and self._same[other] != self._same[name] for other in names)
            for name in names
        }
        self._below = sorted(
            ((self._same[low], self._same[high], strict) for (low, high), strict in edges.items()),
            key=lambda edge: rank[edge[0]],
        )
        self._apart = [(self._same[one.left], self._same[one.right]) for one in constraints if one.relation == "!="]
        self._never = any(low == high and strict for low, high, strict in self._below) or any(
            left == right for left, right in self._apart
        )

    def fit(self, row: Row) -> bool:
        """Whether values can be found for all columns that these relations name."""
        if self._never:
            return False
        joint: dict[str, Values] = {}
        for name, same in self._same.items():
            joint[same] = row[name] if same not in joint else joint[same].shared(row[name])
        while True:
            self._travel(joint)
            if any(values.empty for values in joint.values()):
                return False
            if not self._take_away_pinned(joint):
                return self._can_differ(joint)

    def _travel(self, joint: dict[str, Values]) -> None:
        """Raise every least along the edges, and lower every most against them."""
        for low, high, strict in self._below:
            value, past = joint[low].low
            if joint[low].categories is None and low != high:
                joint[high] = joint[high].between((value, past + strict), None)
        for low, high, strict in reversed(self._below):
            value, past = joint[high].high
            if joint[high].categories is None and low != high:
                joint[low] = joint[low].between(None, (value, past - strict))

    def _take_away_pinned(self, joint: dict[str, Values]) -> bool:
        """Take a value that one column must have from those that must differ; whether that changed anything."""
        changed = False
        for pair in self._apart:
            for one, other in (pair, pair[::-1]):
                value = joint[one].pinned
                if value is None or joint[other].empty:
                    continue
                less = joint[other].without(value)
                changed = changed or less != joint[other]
                joint[other] = less
        return changed

    def _can_differ(self, joint: Mapping[str, Values]) -> bool:
        """Whether columns that must differ can: who has more values than rivals can always be given one last."""
        rivals: dict[str, set[str]] = {}
        for left, right in self._apart:
            rivals.setdefault(left, set()).add(right)
            rivals.setdefault(right, set()).add(left)
        choices = {name: joint[name].listed(len(others)) for name, others in rivals.items()}
        few = {name: listed for name, listed in choices.items() if listed is not None}
        order = sorted(few, key=lambda name: (len(few[name]), name))
        return _coloured(order, few, rivals, {}, [MOST_COLOURED])


def _edges(constraint: Constraint) -> Iterator[tuple[str, str, bool]]:
    """(lower, higher, strictly) for each thing the relation says of order."""
    left, right = constraint.left, constraint.right
    if constraint.relation in {"<", "<=", "="}:
        yield left, right, constraint.relation == "<"
    if constraint.relation in {">", ">=", "="}:
        yield right, left, constraint.relation == ">"


def _reached(names: Sequence[str], edges: Mapping[Names, bool]) -> dict[str, set[str]]:
    """Whom each column lies below, over any number of edges (Warshall 1962)."""
    reach = {name: {high for low, high in edges if low == name} for name in names}
    for middle in names:
        for name in names:
            if middle in reach[name]:
                reach[name] |= reach[middle]
    return reach


def _coloured(
    order: Sequence[str],
    choices: Mapping[str, "list[str | Fraction]"],
    rivals: Mapping[str, set[str]],
    given: "dict[str, str | Fraction]",
    left: list[int],
) -> bool:
    left[0] -= 1
    if not order or left[0] < 0:
        return True
    name, others = order[0], order[1:]
    taken = {given[rival] for rival in rivals[name] if rival in given}
    return any(
        _coloured(others, choices, rivals, {**given, name: value}, left)
        for value in choices[name]
        if value not in taken
    )
