"""Whether an assayed asset may leave: each criterion against the confidence bound (DESIGN §2.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mintmark_policy.domain.charter import Criterion


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence bounds."""

    value: Decimal
    lower: Decimal
    upper: Decimal


@dataclass(frozen=True)
class CriterionResult:
    """One criterion held against one interval."""

    metric: str
    expected: str
    actual: str
    met: bool


def weigh(criteria: Sequence[Criterion], estimates: Mapping[str, Interval]) -> tuple[CriterionResult, ...]:
    """Every criterion's result; a figure that is missing is a criterion not met (I6).

    Raises:
        ValueError: there are no criteria. An empty list is a mistake, never a pass.
    """
    if not criteria:
        message = "acceptance without criteria would release everything"
        raise ValueError(message)
    return tuple(_weigh_one(criterion, estimates.get(criterion.metric)) for criterion in criteria)


def _weigh_one(criterion: Criterion, interval: Interval | None) -> CriterionResult:
    if criterion.at_most is not None:
        expected = f"upper bound at most {criterion.at_most}"
        met = interval is not None and interval.upper <= criterion.at_most
    elif criterion.at_least is not None:
        expected = f"lower bound at least {criterion.at_least}"
        met = interval is not None and interval.lower >= criterion.at_least
    else:
        expected, met = "a bound", False
    actual = "not estimated" if interval is None else f"{interval.value} in [{interval.lower}, {interval.upper}]"
    return CriterionResult(criterion.metric, expected, actual, met)
