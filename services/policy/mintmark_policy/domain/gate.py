"""The gate: a list of rules that can be read aloud. All are asked; every one that fails is told (I6, I7)."""

from collections.abc import Callable, Mapping, Sequence

from mintmark_policy.domain.accounting import Account, Cost
from mintmark_policy.domain.charter import Charter, Configuration
from mintmark_policy.domain.facts import Clause, Facts
from mintmark_policy.domain.library import Entry

PRIORITIES = ("low", "normal", "high")
RANK = {"none": 0, "claimed": 1, "proven": 2}
MECHANISMS = {
    "none": {"none"},
    "claimed": {"claimed", "post-processing"},
    "proven": {"zcdp", "pure", "gaussian", "subsampled-gaussian", "post-processing"},
}


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
    due = charter.revalidation_due(facts.in_force_at)
    if facts.now < due:
        return None
    return Clause(
        "charter.revalidated",
        f"revalidation before {due.isoformat()}",
        f"it is {facts.now.isoformat()}",
        "submit a new version of the charter for a vote",
    )


def approval_still_holds(facts: Facts) -> Clause | None:
    """Votes grow old: a charter in force needs its quorum at this very moment."""
    if facts.approved_until is None or facts.now < facts.approved_until:
        return None
    return Clause(
        "charter.approval",
        "votes that still count",
        f"the quorum lapsed on {facts.approved_until.isoformat()}",
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
    approved = sorted(entry.library or entry.generator for entry in charter.configurations)
    return Clause(
        "configuration.approved",
        "one of " + ", ".join(approved),
        facts.plan.generator,
        "choose an approved generator, or have the charter approve this one",
    )


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


@_of_charter
def blend_is_allowed(facts: Facts, charter: Charter) -> Clause | None:
    """Real rows among synthetic ones: only where the charter says so, and never under a guarantee."""
    share, most = facts.plan.blend_share, charter.blending
    if share is None or (most is not None and share <= most and facts.offered_guarantee == "none"):
        return None
    allowed = "no real rows" if most is None else f"at most {most} of the table real rows, under no guarantee"
    return Clause(
        "blend.allowed",
        allowed,
        f"{share} of the table real rows, labelled {facts.offered_guarantee}",
        "ask for synthetic rows alone, or have the charter allow real ones",
    )


@_of_charter
def priority_is_allowed(facts: Facts, charter: Charter) -> Clause | None:
    if PRIORITIES.index(facts.plan.priority) <= PRIORITIES.index(charter.maximum_priority):
        return None
    return Clause(
        "priority.allowed",
        f"priority {charter.maximum_priority} at most",
        f"priority {facts.plan.priority}",
        "ask with a lower priority, or have the charter allow a higher one",
    )


def model_may_be_sampled(facts: Facts) -> Clause | None:
    """Sampling again is free only from the very model that was paid for, under the charter that paid."""
    plan, model = facts.plan, facts.model
    if plan.model is None and facts.offered_mechanism != "post-processing":
        return None
    expected = "a paid run of this charter, source, generator and parameters, with a guarantee no weaker"
    if model is None:
        actual = "no such run" if plan.model else "no model is named"
        return Clause("model.may-be-sampled", expected, actual, "name a run whose table was made")
    same = {
        "charter": model.charter_id == plan.charter_id,
        "source": model.source_id == plan.source_id,
        "generator": model.generator == plan.generator,
        "parameters": dict(model.parameters) == dict(plan.parameters),
        "guarantee": RANK[facts.offered_guarantee] <= RANK[model.guarantee],
        "payment": model.paid,
    }
    wrong = ", ".join(name for name, holds in same.items() if not holds)
    if not wrong:
        return None
    return Clause("model.may-be-sampled", expected, f"another {wrong}", "plan as the model's own run did, or fit anew")


def delta_is_within_the_budgets(facts: Facts) -> Clause | None:
    """An engine calibrated at a larger δ than its budget's would be labelled more private than it is."""
    limit = min((account.delta for account in facts.allocations), default=None)
    if facts.offered_delta is None or limit is None or facts.offered_delta <= limit:
        return None
    return Clause(
        "delta.within-budget",
        f"δ at most {limit}",
        f"δ {facts.offered_delta}",
        "plan with a δ no larger than the allocation's",
    )


@_of_charter
def extra_rules_hold(facts: Facts, charter: Charter) -> Clause | None:
    """The charter's own rules in CEL; anything but true is a deny."""
    values = facts.values() if charter.extra_rules else {}
    faults = [(rule, why) for rule in charter.extra_rules for held, why in [rule.holds(values)] if not held]
    if not faults:
        return None
    return Clause(
        "charter.extra-rules",
        "; ".join(f"{rule.name}: {rule.holds.source}" for rule, _ in faults),
        "; ".join(f"{rule.name}: {why}" for rule, why in faults),
        "; ".join(rule.remedy for rule, _ in faults),
    )


@_of_charter
def requester_is_trained(facts: Facts, charter: Charter) -> Clause | None:
    missing = charter.required_training - facts.trained_in
    if not missing:
        return None
    return Clause(
        "training.attested",
        "attested training in " + ", ".join(sorted(charter.required_training)),
        "none that is valid in " + ", ".join(sorted(missing)),
        "take the training and have it attested",
    )


@_of_charter
def assessment_is_valid(facts: Facts, charter: Charter) -> Clause | None:
    valid = any(
        entry.digest == charter.digest
        and entry.acceptable
        and facts.now < entry.valid_until
        and entry.assessor not in {charter.owner, facts.requester}
        and charter.assessment_template in {None, entry.template}
        for entry in facts.assessments
    )
    if valid:
        return None
    return Clause(
        "assessment.valid",
        "a valid, acceptable assessment of this charter version by somebody who neither owns it nor asks"
        + (f", by questionnaire {charter.assessment_template}" if charter.assessment_template else ""),
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
    return _suffices("population", facts.populations, facts.cost)


def allocation_suffices(facts: Facts) -> Clause | None:
    return _suffices("allocation", facts.allocations, facts.cost)


def _suffices(which: str, accounts: Sequence[Account], cost: Cost) -> Clause | None:
    """Every partition the source touches must have room: disjoint partitions compose in parallel."""
    if not accounts:
        return Clause(
            f"budget.{which}",
            f"a {which} budget for this charter and population",
            "there is none",
            "have a steward allocate budget to the charter",
        )
    short = [account.describe(cost) for account in accounts if not account.admits(cost)]
    if not short:
        return None
    expected, actual = ("; ".join(words) for words in zip(*short, strict=True))
    return Clause(f"budget.{which}", expected, actual, "ask for a smaller ε, or have more budget voted")


GATE: tuple[Rule, ...] = (
    charter_is_in_force,
    charter_is_revalidated,
    approval_still_holds,
    use_case_is_listed,
    use_case_is_not_prohibited,
    audience_is_allowed,
    source_is_listed,
    source_belongs_to_population,
    configuration_is_approved,
    parameters_are_in_range,
    configuration_is_in_the_library,
    configuration_is_not_rejected,
    extra_rules_hold,
    rows_are_allowed,
    guarantee_is_sufficient,
    guarantee_is_paid_for,
    blend_is_allowed,
    priority_is_allowed,
    model_may_be_sampled,
    delta_is_within_the_budgets,
    assessment_is_valid,
    requester_is_trained,
    population_budget_suffices,
    allocation_suffices,
)

TEXT_RULES: tuple[Rule, ...] = (
    charter_is_revalidated,
    use_case_is_listed,
    use_case_is_not_prohibited,
    audience_is_allowed,
    source_is_listed,
    configuration_is_approved,
    parameters_are_in_range,
    extra_rules_hold,
    rows_are_allowed,
    guarantee_is_sufficient,
    blend_is_allowed,
    priority_is_allowed,
    requester_is_trained,
)
"""What a charter's text alone decides: the part of the gate that a draft can be tried on."""
TEXT_CODES = frozenset(
    {
        "charter.revalidated", "use-case.listed", "use-case.prohibited", "audience.listed", "source.listed",
        "configuration.approved", "parameters.in-range", "charter.extra-rules", "rows.allowed",
        "guarantee.sufficient", "blend.allowed", "priority.allowed", "training.attested",
    }
)  # fmt: skip
