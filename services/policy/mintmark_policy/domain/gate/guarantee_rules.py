"""What the engine promises, and whether that promise is paid for."""

from collections.abc import Sequence

from mintmark_policy.domain.accounting import Account, Cost
from mintmark_policy.domain.charter import Charter
from mintmark_policy.domain.facts import Clause, Facts
from mintmark_policy.domain.gate.rule import RANK, of_charter

MECHANISMS = {
    "none": {"none"},
    "claimed": {"claimed", "post-processing"},
    "proven": {"zcdp", "pure", "gaussian", "subsampled-gaussian", "post-processing"},
}


@of_charter
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


def model_is_not_stopped(facts: Facts) -> Clause | None:
    """Whatever is wrong with a table that was stopped is wrong with the next one from the same model."""
    stop = facts.model.stopped if facts.model is not None else None
    if stop is None:
        return None
    remedy = "fit anew, with what was at fault mended" if stop.state == "withdrawn" else "wait until it is resumed"
    return Clause("model.not-stopped", "a model whose table is not stopped", f"{stop.asset_id} is {stop.state}", remedy)
