"""The gate: a list of rules that can be read aloud. All are asked; every one that fails is told (I6, I7)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mintmark_policy.domain.accounting import Account, Cost
from mintmark_policy.domain.charter import Charter, Configuration

RANK = {"none": 0, "claimed": 1, "proven": 2}
MECHANISMS = {
    "none": {"none"},
    "claimed": {"claimed"},
    "proven": {"zcdp", "pure", "gaussian", "subsampled-gaussian"},
}


@dataclass(frozen=True)
class Clause:
    """One rule that failed: what it expected, what it found, what would mend it."""

    code: str
    expected: str
    actual: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    """What the caller asked for."""

    charter_id: str
    use_case: str
    audience: str
    source_id: str
    generator: str
    parameters: Mapping[str, str | int | bool]
    rows: int
    requested_guarantee: str


@dataclass(frozen=True)
class Assessment:
    """A privacy impact assessment of one charter digest."""

    assessor: str
    digest: str
    acceptable: bool
    valid_until: datetime


@dataclass(frozen=True)
class Facts:
    """Everything the gate may look at, gathered in one transaction."""

    now: datetime
    requester: str
    plan: Plan
    offered_guarantee: str
    offered_mechanism: str
    offered_delta: Decimal | None
    cost: Cost
    charter: Charter | None
    charter_state: str
    assessments: Sequence[Assessment]
    source_population: str | None
    offered_population: str
    population: Account | None
    allocation: Account | None


Rule = Callable[[Facts], Clause | None]
CharterRule = Callable[[Facts, Charter], Clause | None]


def judge(rules: Sequence[Rule], facts: Facts) -> tuple[Clause, ...]:
    """Every failed clause; none means permit.

    Raises:
        ValueError: there are no rules. An empty list is a mistake, never a pass.
    """
    if not rules:
        message = "a gate without rules would let everything through"
        raise ValueError(message)
    return tuple(clause for clause in (rule(facts) for rule in rules) if clause is not None)


def _of_charter(rule: CharterRule) -> Rule:
    """A rule that needs a charter to judge by; without one the first rule has already refused."""

    def asked(facts: Facts) -> Clause | None:
        return rule(facts, facts.charter) if facts.charter is not None else None

    asked.__name__ = rule.__name__
    return asked


def charter_is_in_force(facts: Facts) -> Clause | None:
    if facts.charter is not None and facts.charter_state == "in_force":
        return None
    return Clause(
        "charter.in-force",
        "a charter in force",
        f"charter {facts.plan.charter_id} is {facts.charter_state}",
        "name a charter in force, or bring this one to a vote",
    )


@_of_charter
def charter_is_revalidated(facts: Facts, charter: Charter) -> Clause | None:
    if facts.now < charter.revalidate_by:
        return None
    return Clause(
        "charter.revalidated",
        f"revalidation before {charter.revalidate_by.isoformat()}",
        f"it is {facts.now.isoformat()}",
        "submit a new version of the charter for a vote",
    )


@_of_charter
def use_case_is_listed(facts: Facts, charter: Charter) -> Clause | None:
    return _listed("use-case", facts.plan.use_case, charter.use_cases)


@_of_charter
def use_case_is_not_prohibited(facts: Facts, charter: Charter) -> Clause | None:
    if facts.plan.use_case not in charter.prohibited_uses:
        return None
    return Clause(
        "use-case.prohibited",
        "a use the charter does not prohibit",
        f"{facts.plan.use_case} is prohibited",
        "choose a permitted use case; prohibitions change only by a voted version",
    )


@_of_charter
def audience_is_allowed(facts: Facts, charter: Charter) -> Clause | None:
    return _listed("audience", facts.plan.audience, charter.audiences)


@_of_charter
def source_is_listed(facts: Facts, charter: Charter) -> Clause | None:
    return _listed("source", facts.plan.source_id, charter.sources)


def _listed(what: str, asked: str, allowed: frozenset[str]) -> Clause | None:
    if asked in allowed:
        return None
    return Clause(
        f"{what}.listed",
        "one of " + ", ".join(sorted(allowed)),
        asked,
        f"choose a listed {what}, or have the charter list it",
    )


@_of_charter
def configuration_is_approved(facts: Facts, charter: Charter) -> Clause | None:
    if _configurations(facts, charter):
        return None
    return Clause(
        "configuration.approved",
        "one of " + ", ".join(sorted(entry.generator for entry in charter.configurations)),
        facts.plan.generator,
        "choose an approved generator, or have the charter approve this one",
    )


@_of_charter
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
    return [entry for entry in charter.configurations if entry.generator == facts.plan.generator]


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


@_of_charter
def rows_are_allowed(facts: Facts, charter: Charter) -> Clause | None:
    if facts.plan.rows <= charter.maximum_rows:
        return None
    return Clause(
        "rows.allowed",
        f"at most {charter.maximum_rows} rows",
        f"{facts.plan.rows} rows",
        "ask for fewer rows",
    )


@_of_charter
def guarantee_is_sufficient(facts: Facts, charter: Charter) -> Clause | None:
    demanded = max(charter.minimum_guarantee, facts.plan.requested_guarantee, key=RANK.__getitem__)
    if RANK[facts.offered_guarantee] >= RANK[demanded]:
        return None
    return Clause(
        "guarantee.sufficient",
        f"{demanded} or stronger",
        f"{facts.plan.generator} earns {facts.offered_guarantee}",
        "choose a generator with a stronger guarantee",
    )


def guarantee_is_paid_for(facts: Facts) -> Clause | None:
    """A label is worth what its mechanism is charged: proven in ε by theorem, claimed in the ε it claims."""
    if facts.offered_mechanism in MECHANISMS.get(facts.offered_guarantee, set()):
        return None
    return Clause(
        "guarantee.paid-for",
        f"a mechanism that earns {facts.offered_guarantee}",
        f"a mechanism of kind {facts.offered_mechanism}",
        "this is a fault of the engine's offer; tell who runs generation",
    )


def delta_is_within_the_budgets(facts: Facts) -> Clause | None:
    """An engine calibrated at a larger δ than its budget's would be labelled more private than it is."""
    limit = facts.allocation.delta if facts.allocation else None
    if facts.offered_delta is None or limit is None or facts.offered_delta <= limit:
        return None
    return Clause(
        "delta.within-budget",
        f"δ at most {limit}",
        f"δ {facts.offered_delta}",
        "plan with a δ no larger than the allocation's",
    )


@_of_charter
def assessment_is_valid(facts: Facts, charter: Charter) -> Clause | None:
    valid = any(
        entry.digest == charter.digest
        and entry.acceptable
        and facts.now < entry.valid_until
        and entry.assessor not in {charter.owner, facts.requester}
        for entry in facts.assessments
    )
    if valid:
        return None
    return Clause(
        "assessment.valid",
        "a valid, acceptable assessment of this charter version by somebody who neither owns it nor asks",
        "there is none",
        "have an independent person assess this version of the charter",
    )


def source_belongs_to_population(facts: Facts) -> Clause | None:
    if facts.source_population is not None and facts.source_population == facts.offered_population:
        return None
    return Clause(
        "source.population",
        "a source whose key was made for the population that is charged",
        "another population, or a key that is unknown or destroyed",
        "register the source with the population it comes from",
    )


def population_budget_suffices(facts: Facts) -> Clause | None:
    # Releases without a guarantee are counted by charter: ε cannot express them.
    if facts.cost.releases:
        return None
    return _suffices("population", facts.population, facts.cost)


def allocation_suffices(facts: Facts) -> Clause | None:
    return _suffices("allocation", facts.allocation, facts.cost)


def _suffices(which: str, account: Account | None, cost: Cost) -> Clause | None:
    if account is None:
        return Clause(
            f"budget.{which}",
            f"a {which} budget for this charter and population",
            "there is none",
            "have a steward allocate budget to the charter",
        )
    if account.admits(cost):
        return None
    expected, actual = account.describe(cost)
    return Clause(f"budget.{which}", expected, actual, "ask for a smaller ε, or have more budget voted")


GATE: tuple[Rule, ...] = (
    charter_is_in_force,
    charter_is_revalidated,
    use_case_is_listed,
    use_case_is_not_prohibited,
    audience_is_allowed,
    source_is_listed,
    source_belongs_to_population,
    configuration_is_approved,
    parameters_are_in_range,
    rows_are_allowed,
    guarantee_is_sufficient,
    guarantee_is_paid_for,
    delta_is_within_the_budgets,
    assessment_is_valid,
    population_budget_suffices,
    allocation_suffices,
)
