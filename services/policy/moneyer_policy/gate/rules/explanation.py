"""What would make a refused plan pass: a change for every clause that one can be named for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.gate.rules.facts import Clause, Facts


@dataclass(frozen=True)
class Suggestion:
    """One change: the place in the plan, a value that passes, and the others that would."""

    code: str
    path: str
    value: Any
    choices: tuple[Any, ...] = ()


def suggest(clauses: Sequence[Clause], facts: Facts) -> tuple[Suggestion, ...]:
    """A change per clause, where the requester can make one."""
    if facts.charter is None:
        return ()
    return tuple(
        found for clause in clauses for found in _MAKERS.get(clause.code, _nothing)(clause.code, facts, facts.charter)
    )


def _nothing(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del code, facts, charter
    return []


def _use_case(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return _one_of(code, "use_case", charter.use_cases - charter.prohibited_uses)


def _audience(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return _one_of(code, "audience", charter.audiences)


def _source(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return _one_of(code, "source_id", charter.sources)


def _generator(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    found = (facts.library.get(entry.library) for entry in charter.configurations if entry.library is not None)
    named = {entry.generator for entry in found if entry is not None}
    written = {entry.generator for entry in charter.configurations if entry.library is None}
    return _one_of(code, "generator", frozenset(named | written))


def _one_of(code: str, path: str, allowed: frozenset[str]) -> list[Suggestion]:
    choices = tuple(sorted(allowed))
    return [Suggestion(code, path, choices[0], choices)] if choices else []


def _rows(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return [Suggestion(code, "rows", charter.maximum_rows)]


def _blend(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    if charter.blending is None or facts.offered_guarantee != "none":
        return [Suggestion(code, "blend", None)]
    return [Suggestion(code, "blend.share", f"{charter.blending:f}")]


def _priority(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return [Suggestion(code, "priority", charter.maximum_priority)]


def _parameters(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    entry = next((entry for entry in charter.configurations if entry.generator == facts.plan.generator), None)
    if entry is None:
        return []
    given = facts.plan.parameters
    return [
        Suggestion(code, f"parameters.{name}", allowed.nearest(given.get(name, "")), allowed.one_of)
        for name, allowed in entry.parameters.items()
        if name not in given or not allowed.allows(given[name])
    ] + [Suggestion(code, f"parameters.{name}", None) for name in given if name not in entry.parameters]


def _budget(code: str, facts: Facts, charter: Charter) -> list[Suggestion]:
    del charter
    accounts = (*facts.populations, *facts.allocations)
    share = min((account.fitting_share(facts.cost) for account in accounts), default=Decimal(0))
    return [Suggestion(code, "cost", f"{share:f}")]


_MAKERS: Mapping[str, Callable[[str, Facts, Charter], list[Suggestion]]] = {
    "use-case.listed": _use_case,
    "use-case.prohibited": _use_case,
    "audience.listed": _audience,
    "source.listed": _source,
    "configuration.approved": _generator,
    "parameters.in-range": _parameters,
    "rows.allowed": _rows,
    "blend.allowed": _blend,
    "priority.allowed": _priority,
    "budget.population": _budget,
    "budget.allocation": _budget,
}
