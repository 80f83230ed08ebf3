"""Which generator, and with which parameters: by the charter and by the library."""

from collections.abc import Mapping

from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.rules.terms import Configuration
from moneyer_policy.gate.rules.facts import Clause, Facts
from moneyer_policy.gate.rules.gate import remedies
from moneyer_policy.gate.rules.gate.rule import RANK, of_charter, unwaivable, waivable
from moneyer_policy.library.rules.library import Entry


@waivable("configuration.approved", of_text=True, remedy=remedies.another_generator)
@of_charter
def configuration_is_approved(facts: Facts, charter: Charter) -> Clause | None:
    if _configurations(facts, charter):
        return None
    approved = sorted(entry.library or entry.generator for entry in charter.configurations)
    return Clause(
        "configuration.approved",
        "one of " + ", ".join(approved),
        facts.plan.generator,
        "choose an approved generator, or have the charter approve this one",
    )


@waivable("configuration.library")
def configuration_is_in_the_library(facts: Facts) -> Clause | None:
    """A plan that names a configuration must be what the library approved under that name."""
    name = facts.plan.configuration
    if name is None:
        return None
    entry = facts.library.get(name)
    faults = ["no approved configuration of that name"] if entry is None else _departures(facts, entry)
    if not faults:
        return None
    return Clause(
        "configuration.library",
        f"configuration {name} as the library approved it",
        "; ".join(faults),
        "plan within the configuration, or have the library approve another",
    )


def configuration_is_named(facts: Facts) -> Clause | None:
    """That the library still has the configuration a plan named: a newer one in its place stops no permitted run."""
    return None if facts.plan.configuration in {None, *facts.library} else configuration_is_in_the_library(facts)


def _departures(facts: Facts, entry: Entry) -> list[str]:
    faults: list[str] = []
    if facts.plan.generator != entry.generator:
        faults.append(f"generator {facts.plan.generator}, approved {entry.generator}")
    if entry.engine_version is not None and facts.offered_version != entry.engine_version:
        faults.append(f"engine version {facts.offered_version}, approved {entry.engine_version}")
    if RANK[facts.offered_guarantee] < RANK[entry.guarantee]:
        faults.append(f"guarantee {facts.offered_guarantee}, approved {entry.guarantee}")
    written = Configuration(entry.generator, entry.parameters)
    return faults + [actual for _, actual in _parameter_faults(written, facts.plan.parameters)]


@unwaivable("configuration.rejected", "a rejection criterion refuses every plan that meets it until it is withdrawn")
def configuration_is_not_rejected(facts: Facts) -> Clause | None:
    values = facts.values() if facts.rejections else {}
    met = [entry for entry in facts.rejections if entry.rejects(values)]
    if not met:
        return None
    return Clause(
        "configuration.rejected",
        "a plan that meets no rejection criterion",
        "; ".join(f"{entry.name}: {entry.reason} (by {entry.by})" for entry in met),
        "choose other parameters, or have the criterion withdrawn",
    )


@waivable("parameters.in-range", of_text=True, remedy=remedies.parameters_in_range)
@of_charter
def parameters_are_in_range(facts: Facts, charter: Charter) -> Clause | None:
    approved = _configurations(facts, charter)
    if not approved:
        return None
    faults = [_parameter_faults(entry, facts.plan.parameters) for entry in approved]
    if any(not fault for fault in faults):
        return None
    expected, actual = zip(*min(faults, key=len), strict=True)
    return Clause(
        "parameters.in-range",
        "; ".join(expected),
        "; ".join(actual),
        "bring the parameters into the charter's ranges",
    )


def _configurations(facts: Facts, charter: Charter) -> list[Configuration]:
    written = (_written(facts, entry) for entry in charter.configurations)
    return [entry for entry in written if entry is not None and entry.generator == facts.plan.generator]


def _written(facts: Facts, entry: Configuration) -> Configuration | None:
    """A configuration with its ranges; one that the library does not (any longer) approve counts for nothing."""
    if entry.library is None:
        return entry
    found = facts.library.get(entry.library)
    return Configuration(found.generator, found.parameters) if found else None


def _parameter_faults(approved: Configuration, given: Mapping[str, str | int | bool]) -> list[tuple[str, str]]:
    """(expected, actual) for each parameter out of range; one the charter does not name is out of range."""
    faults: list[tuple[str, str]] = []
    for name, value in sorted(given.items()):
        allowed = approved.parameters.get(name)
        if allowed is None:
            faults.append((f"{name} not given", f"{name} = {value}"))
        elif not allowed.allows(value):
            faults.append((f"{name} {allowed}", f"{name} = {value}"))
    missing = sorted(set(approved.parameters) - set(given))
    return faults + [(f"{name} {approved.parameters[name]}", f"{name} not given") for name in missing]
