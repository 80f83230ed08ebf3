"""What a requester may change in a plan so that a clause passes; each rule names its own."""

from decimal import Decimal

from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.gate.rules.facts import Facts
from moneyer_policy.gate.rules.gate.rule import Suggestion


def another_use_case(facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return _one_of("use_case", charter.use_cases - charter.prohibited_uses)


def another_audience(facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return _one_of("audience", charter.audiences)


def another_source(facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return _one_of("source_id", charter.sources)


def another_generator(facts: Facts, charter: Charter) -> list[Suggestion]:
    found = (facts.library.get(entry.library) for entry in charter.configurations if entry.library is not None)
    named = {entry.generator for entry in found if entry is not None}
    written = {entry.generator for entry in charter.configurations if entry.library is None}
    return _one_of("generator", frozenset(named | written))


def _one_of(path: str, allowed: frozenset[str]) -> list[Suggestion]:
    choices = tuple(sorted(allowed))
    return [Suggestion(path, choices[0], choices)] if choices else []


def fewer_rows(facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return [Suggestion("rows", charter.maximum_rows)]


def fewer_real_rows(facts: Facts, charter: Charter) -> list[Suggestion]:
    if charter.blending is None or facts.offered_guarantee != "none":
        return [Suggestion("blend", None)]
    return [Suggestion("blend.share", f"{charter.blending:f}")]


def lower_priority(facts: Facts, charter: Charter) -> list[Suggestion]:
    del facts
    return [Suggestion("priority", charter.maximum_priority)]


def parameters_in_range(facts: Facts, charter: Charter) -> list[Suggestion]:
    entry = next((entry for entry in charter.configurations if entry.generator == facts.plan.generator), None)
    if entry is None:
        return []
    given = facts.plan.parameters
    return [
        Suggestion(f"parameters.{name}", allowed.nearest(given.get(name, "")), allowed.one_of)
        for name, allowed in entry.parameters.items()
        if name not in given or not allowed.allows(given[name])
    ] + [Suggestion(f"parameters.{name}", None) for name in given if name not in entry.parameters]


def smaller_cost(facts: Facts, charter: Charter) -> list[Suggestion]:
    del charter
    accounts = (*facts.populations, *facts.allocations)
    share = min((account.fitting_share(facts.cost) for account in accounts), default=Decimal(0))
    return [Suggestion("cost", f"{share:f}")]
