"""Whether an assayed asset may leave: each criterion against the confidence bound (DESIGN §2.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, Self

from moneyer_policy.assets.rules.standing import Verdict
from moneyer_policy.charters.rules.terms import Criterion, Trigger


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence bounds."""

    value: Decimal
    lower: Decimal
    upper: Decimal
    n: int = 0


@dataclass(frozen=True)
class CriterionResult:
    """One criterion held against one interval."""

    metric: str
    expected: str
    actual: str
    met: bool
    shortfall: str | None
    """How far the bound lies beyond what is expected, a decimal: 0 where it is met, None where there is no estimate."""
    at_most: str | None
    at_least: str | None
    value: str | None = None
    lower: str | None = None
    upper: str | None = None
    n: int | None = None


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
    at_most, at_least = _written(criterion.at_most), _written(criterion.at_least)
    if interval is None:
        return CriterionResult(criterion.metric, expected, "not estimated", met, None, at_most, at_least)
    return CriterionResult(
        metric=criterion.metric,
        expected=expected,
        actual=f"{interval.value} in [{interval.lower}, {interval.upper}]",
        met=met,
        shortfall=_written(_beyond(criterion, interval)),
        at_most=at_most,
        at_least=at_least,
        value=str(interval.value),
        lower=str(interval.lower),
        upper=str(interval.upper),
        n=interval.n,
    )


def _written(number: Decimal | None) -> str | None:
    return f"{number:f}" if number is not None else None


def _beyond(criterion: Criterion, interval: Interval) -> Decimal:
    if criterion.at_most is not None:
        return max(Decimal(0), interval.upper - criterion.at_most)
    return max(Decimal(0), (criterion.at_least or Decimal(0)) - interval.lower)


@dataclass(frozen=True)
class Reconsidered:
    """How a released asset stands against its charter, by figures that need not be all of them."""

    criteria: tuple[CriterionResult, ...]
    triggered: tuple[str, ...]
    suspend: bool

    @property
    def breached(self) -> bool:
        return bool(self.triggered) or not all(result.met for result in self.criteria)


def reconsider(
    criteria: Sequence[Criterion], triggers: Sequence[Trigger], estimates: Mapping[str, Interval]
) -> Reconsidered:
    """Weigh what was estimated now; what was not stands as it was judged at the release."""
    weighed = tuple(_weigh_one(one, estimates[one.metric]) for one in criteria if one.metric in estimates)
    tripped = [
        trigger
        for trigger in triggers
        if trigger.criterion.metric in estimates
        and not _weigh_one(trigger.criterion, estimates[trigger.criterion.metric]).met
    ]
    names = tuple(f"{trigger.criterion.metric}: {trigger.action}" for trigger in tripped)
    return Reconsidered(weighed, names, any(trigger.action == "suspend" for trigger in tripped))


class Missed(Protocol):
    """One criterion's result, as far as two findings are compared by it."""

    @property
    def metric(self) -> str: ...
    @property
    def met(self) -> bool: ...
    @property
    def shortfall(self) -> str | None: ...


class Found(Protocol):
    """What a finding is voted on for."""

    @property
    def criteria(self) -> Sequence[Missed]: ...
    @property
    def triggered(self) -> Sequence[str]: ...


def says_no_worse(found: Found, known: Found) -> bool:
    """Whether all that a finding misses, by how far, and all it triggers is in another that is put up already."""
    missed = {one.metric: one.shortfall for one in known.criteria if not one.met}
    return set(found.triggered) <= set(known.triggered) and all(
        one.metric in missed and _reaches(missed[one.metric], one.shortfall) for one in found.criteria if not one.met
    )


def _reaches(known: str | None, shortfall: str | None) -> bool:
    """Of two that are not estimated neither is the worse; against a figure, both are told."""
    if known is None or shortfall is None:
        return known == shortfall
    return Decimal(shortfall) <= Decimal(known)


@dataclass(frozen=True)
class Judged:
    """What is to become of an asset by which results, which triggers asked for it, and whether its charter stops."""

    verdict: Verdict
    criteria: tuple[CriterionResult, ...]
    triggered: tuple[str, ...]
    suspend: bool

    def held(self, because: str) -> Self:
        """The same, put to a vote where it would be released."""
        if self.verdict != "released":
            return self
        return replace(self, verdict="review", triggered=(*self.triggered, because))


def judge(
    results: Sequence[CriterionResult],
    triggers: Sequence[Trigger],
    estimates: Mapping[str, Interval],
    *,
    reviewed: bool,
) -> Judged:
    """Reject what misses a criterion or trips a rejecting trigger; hold for review what trips another.

    ``reviewed`` is whether the charter wants every release voted on.
    """
    tripped = [
        trigger
        for trigger in triggers
        if not _weigh_one(trigger.criterion, estimates.get(trigger.criterion.metric)).met
    ]
    actions = {trigger.action for trigger in tripped}
    names = tuple(f"{trigger.criterion.metric}: {trigger.action}" for trigger in tripped)
    if not all(result.met for result in results) or "reject" in actions:
        return Judged("rejected", tuple(results), names, "suspend" in actions)
    held = reviewed or bool(actions)
    return Judged("review" if held else "released", tuple(results), names, "suspend" in actions)
