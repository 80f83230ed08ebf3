"""What the engine promises, and whether that promise is paid for."""

from collections.abc import Sequence
from decimal import Decimal

from moneyer_policy.budgets.rules.accounting import Account, Cost, in_words
from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.gate.rules.facts import Clause, Facts, Stop
from moneyer_policy.gate.rules.gate import remedies
from moneyer_policy.gate.rules.gate.rule import RANK, of_charter, unwaivable, waivable
from moneyer_shared.origins import PUBLIC_DOMAIN, in_short

LABEL = "a label is what the mechanism earns, and no vote changes that"
LOOKS = "looks at real people change only by a vote on the charter, as a budget does"
STOPPED = "what is stopped is started again by a vote on it, never around it"
BUDGET = "a budget changes only by a vote on it, and is never overspent"
MECHANISMS = {
    "none": {"none"},
    "claimed": {"claimed", "zcdp", "approximate-zcdp", "pure", "gaussian", "subsampled-gaussian", "post-processing"},
    "proven": {"zcdp", "approximate-zcdp", "pure", "gaussian", "subsampled-gaussian", "post-processing"},
}
"""What each label may be charged as; a mechanism that has a proof earns less where its domain is not public."""
LOOSEST_LABEL = Decimal("1.1")
"""An engine asks for a little less than it states, as rounding and the grid of orders want it; never for much less."""


@unwaivable("guarantee.sufficient", LABEL, of_text=True)
@of_charter
def guarantee_is_sufficient(facts: Facts, charter: Charter) -> Clause | None:
    demanded = max(charter.minimum_guarantee, facts.plan.requested_guarantee, key=RANK.__getitem__)
    if RANK[facts.offered_guarantee] >= RANK[demanded]:
        return None
    earned = f"{facts.plan.generator} earns {facts.offered_guarantee}"
    if facts.data_domains and facts.offered_mechanism in MECHANISMS["proven"]:
        return Clause("guarantee.sufficient", f"{demanded} or stronger", f"{earned}: {_read(facts)}", PUBLIC_DOMAIN)
    return Clause(
        "guarantee.sufficient", f"{demanded} or stronger", earned, "choose a generator with a stronger guarantee"
    )


def _read(facts: Facts) -> str:
    return f"bounds or categories of {in_short(facts.data_domains)} were read from the rows"


@unwaivable("guarantee.public-domain", LABEL)
def domain_is_public(facts: Facts) -> Clause | None:
    """Bounds and categories read from the rows tell of single rows: nothing is proven over them (I10)."""
    if facts.offered_guarantee != "proven" or not facts.data_domains:
        return None
    return Clause("guarantee.public-domain", "proven over a public domain alone", _read(facts), PUBLIC_DOMAIN)


@unwaivable("guarantee.paid-for", LABEL)
def guarantee_is_paid_for(facts: Facts) -> Clause | None:
    """A label is worth what its mechanism is charged: proven in ε by theorem, claimed in the ε it claims."""
    fault = _unpaid(facts) or _misstated(facts)
    if fault is None:
        return None
    expected, actual = fault
    return Clause(
        "guarantee.paid-for", expected, actual, "this is a fault of the engine's offer; tell who runs generation"
    )


def _unpaid(facts: Facts) -> tuple[str, str] | None:
    """(expected, actual) of a mechanism that cannot earn the label, or is charged nothing for it."""
    level, kind = facts.offered_guarantee, facts.offered_mechanism
    if kind not in MECHANISMS.get(level, set()):
        return f"a mechanism that earns {level}", f"a mechanism of kind {kind}"
    if level != "none" and kind != "post-processing" and not all(facts.cost.renyi):
        return f"a charge above 0 for {level}, or a paid model that is sampled again", f"{kind} that costs nothing"
    return None


def _misstated(facts: Facts) -> tuple[str, str] | None:
    """(expected, actual) of a label whose (ε, δ) is not what its mechanism is charged for."""
    if facts.offered_guarantee == "none" or facts.offered_mechanism == "post-processing":
        return None
    epsilon, delta, charged = facts.stated_epsilon, facts.offered_delta, facts.offered_epsilon
    if epsilon is None or delta is None or charged is None:
        return "a label that states ε and δ, as the mechanism is charged for them", f"ε {epsilon}, δ {delta}"
    own = Decimal(in_words(facts.cost.delta))
    if charged <= epsilon <= charged * LOOSEST_LABEL and own <= delta:
        return None
    return (
        f"a label that follows from its mechanism: ε {charged} or a tenth more, δ {in_words(facts.cost.delta)} or more",
        f"ε {epsilon} at δ {delta}",
    )


@unwaivable("model.may-be-sampled", "a model is sampled again without a charge only as it was paid for")
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
        "ε": facts.stated_epsilon == model.epsilon,
        "δ": facts.offered_delta == model.delta,
    }
    wrong = ", ".join(name for name, holds in same.items() if not holds)
    if not wrong:
        return None
    return Clause("model.may-be-sampled", expected, f"another {wrong}", "plan as the model's own run did, or fit anew")


@unwaivable("delta.within-budget", LABEL)
def delta_is_within_the_budgets(facts: Facts) -> Clause | None:
    """An engine calibrated at a larger δ than its budget's would be labelled more private than it is."""
    limit = min((account.delta for account in facts.allocations), default=None)
    if limit is None or facts.offered_guarantee == "none":
        return None
    if facts.offered_delta is not None and facts.offered_delta <= limit:
        return None
    return Clause(
        "delta.within-budget",
        f"δ at most {limit}",
        f"δ {facts.offered_delta}" if facts.offered_delta is not None else "no δ is stated",
        "plan with a δ no larger than the allocation's",
    )


@unwaivable("source.population", "whose budget is charged follows from whose data it is")
def source_belongs_to_population(facts: Facts) -> Clause | None:
    if facts.source_population is not None and facts.source_population == facts.offered_population:
        return None
    return Clause(
        "source.population",
        "a source whose key was made for the population that is charged",
        "another population, or a key that is unknown or destroyed",
        "register the source with the population it comes from",
    )


@unwaivable("source.population-unit", BUDGET)
def unit_is_the_populations(facts: Facts) -> Clause | None:
    """A charge is for one unit of the source; the budget is of units of the population, which may own many of them."""
    fault = _unit_fault(facts)
    if fault is None:
        return None
    return Clause("source.population-unit", *fault)


def _unit_fault(facts: Facts) -> tuple[str, str, str] | None:
    """(expected, actual, remedy); persons hold in a population of rows, never the other way."""
    population, source = facts.population_unit, facts.offered_unit
    if population is None or population.kind == "undeclared":
        return (
            "a population whose privacy unit is declared",
            "it is not",
            "have a steward declare the population's unit",
        )
    if source is None:
        return "an offer that states the source's privacy unit", "it states none", "plan anew"
    if population.kind == "person" and source.identified_by != population.identified_by:
        return (
            f"a source whose privacy unit is one {population.identified_by}, as its population's is",
            f"one {source.identified_by}" if source.identified_by else "one row",
            f"register the source with a privacy unit whose column identifies {population.identified_by}",
        )
    if facts.offered_group != source.maximum_rows and facts.offered_mechanism not in {"none", "post-processing"}:
        return (
            f"a charge for all {source.maximum_rows} rows that a unit of the source may own",
            f"a charge for {facts.offered_group}",
            "this is a fault of the engine's offer; tell who runs generation",
        )
    return None


@unwaivable("budget.population", BUDGET, remedy=remedies.smaller_cost)
def population_budget_suffices(facts: Facts) -> Clause | None:
    # Releases without a guarantee are counted by charter: ε cannot express them.
    if facts.cost.releases:
        return None
    return _suffices("population", facts.populations, facts.cost)


@unwaivable("budget.allocation", BUDGET, remedy=remedies.smaller_cost)
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


@waivable("model.rejected", by_glass=False)
def model_was_not_rejected(facts: Facts) -> Clause | None:
    """Whoever may draw again and again until a table passes has no criterion to meet."""
    rejected = facts.model.rejected if facts.model is not None else None
    if rejected is None:
        return None
    return Clause(
        "model.rejected",
        "a model no table of which was rejected",
        f"asset {rejected} was rejected",
        "fit anew, or ask for an exception, which the committee votes on",
    )


@unwaivable("looks.exhausted", LOOKS)
@of_charter
def looks_suffice(facts: Facts, charter: Charter) -> Clause | None:
    """Every table is held against real people, and its verdict tells of them though its making cost no ε."""
    if facts.looks_taken < charter.looks:
        return None
    return Clause(
        "looks.exhausted",
        f"at most {charter.looks} looks at the source under this charter",
        f"{facts.looks_taken} are taken",
        "use what was released, or have more looks voted in a new version of the charter",
    )


@unwaivable("model.not-stopped", STOPPED)
def model_is_not_stopped(facts: Facts) -> Clause | None:
    """Whatever is wrong with a table that was stopped is wrong with the next one from the same model."""
    stop = facts.model.stopped if facts.model is not None else None
    if stop is None:
        return None
    remedy = "fit anew, with what was at fault mended" if stop.state == "withdrawn" else "wait until it is resumed"
    return Clause("model.not-stopped", "a model whose table is not stopped", f"{stop.subject} is {stop.state}", remedy)


@unwaivable("source.not-stopped", STOPPED)
def source_is_not_stopped(facts: Facts) -> Clause | None:
    return _not_stopped(facts, Stop("source", facts.plan.source_id))


@unwaivable("population.not-stopped", STOPPED)
def population_is_not_stopped(facts: Facts) -> Clause | None:
    return _not_stopped(facts, Stop("population", facts.offered_population))


def _not_stopped(facts: Facts, stop: Stop) -> Clause | None:
    if stop not in facts.stops:
        return None
    return Clause(
        f"{stop.kind}.not-stopped",
        f"a {stop.kind} that is not suspended",
        str(stop),
        "wait until it is resumed, or learn from another",
    )
