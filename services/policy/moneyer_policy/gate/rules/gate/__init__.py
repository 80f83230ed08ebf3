"""The gate: a list of rules that can be read aloud. All are asked; every one that fails is told (I6, I7)."""

from collections.abc import Mapping, Sequence

from moneyer_policy.gate.rules.facts import Clause, Facts
from moneyer_policy.gate.rules.gate.charter_rules import (
    approval_still_holds,
    assessment_is_valid,
    audience_is_allowed,
    blend_is_allowed,
    charter_is_in_force,
    charter_is_revalidated,
    extra_rules_hold,
    no_assessor_refuses,
    priority_is_allowed,
    requester_is_trained,
    rows_are_allowed,
    source_is_listed,
    use_case_is_listed,
    use_case_is_not_prohibited,
)
from moneyer_policy.gate.rules.gate.configuration_rules import (
    configuration_is_approved,
    configuration_is_in_the_library,
    configuration_is_named,
    configuration_is_not_rejected,
    parameters_are_in_range,
)
from moneyer_policy.gate.rules.gate.guarantee_rules import (
    allocation_suffices,
    delta_is_within_the_budgets,
    domain_is_public,
    guarantee_is_paid_for,
    guarantee_is_sufficient,
    looks_suffice,
    model_is_not_stopped,
    model_may_be_sampled,
    model_was_not_rejected,
    population_budget_suffices,
    population_is_not_stopped,
    source_belongs_to_population,
    source_is_not_stopped,
    unit_is_the_populations,
)
from moneyer_policy.gate.rules.gate.rule import Asked, Rule


def judge(rules: Sequence[Asked], facts: Facts) -> tuple[Clause, ...]:
    """Every failed clause; none means permit.

    Raises:
        ValueError: there are no rules. An empty list is a mistake, never a pass.
    """
    if not rules:
        message = "a gate without rules would let everything through"
        raise ValueError(message)
    return tuple(clause for clause in (rule(facts) for rule in rules) if clause is not None)


GATE: tuple[Rule, ...] = (
    charter_is_in_force,
    charter_is_revalidated,
    approval_still_holds,
    use_case_is_listed,
    use_case_is_not_prohibited,
    audience_is_allowed,
    source_is_listed,
    source_belongs_to_population,
    unit_is_the_populations,
    source_is_not_stopped,
    population_is_not_stopped,
    configuration_is_approved,
    parameters_are_in_range,
    configuration_is_in_the_library,
    configuration_is_not_rejected,
    extra_rules_hold,
    rows_are_allowed,
    guarantee_is_sufficient,
    domain_is_public,
    guarantee_is_paid_for,
    blend_is_allowed,
    priority_is_allowed,
    model_may_be_sampled,
    model_is_not_stopped,
    delta_is_within_the_budgets,
    model_was_not_rejected,
    looks_suffice,
    assessment_is_valid,
    no_assessor_refuses,
    requester_is_trained,
    population_budget_suffices,
    allocation_suffices,
)

RULES: Mapping[str, Rule] = {rule.code: rule for rule in GATE}
"""Every rule by the code it fails with; a code that is not here is nobody's rule, and is never waived."""

CONFIGURATION_STOPS: tuple[Asked, ...] = (
    configuration_is_approved,
    configuration_is_named,
    configuration_is_not_rejected,
)
"""What stops a run because of how its table is made, also after its plan was permitted."""

TERMS_STOPS: tuple[Rule, ...] = (use_case_is_not_prohibited, no_assessor_refuses)
"""What was voted or found of a charter since a plan was permitted, and stops its run until the table is out."""

TEXT_RULES = tuple(rule for rule in GATE if rule.of_text)
"""What a charter's text alone decides: the part of the gate that a draft can be tried on."""
TEXT_CODES = frozenset(rule.code for rule in TEXT_RULES)
