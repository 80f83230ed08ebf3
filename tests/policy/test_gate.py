"""The gate: every rule refuses on its own, all refusals are told, nothing else is."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_policy.budgets.rules.accounting import (
    FREE,
    Account,
    Mechanism,
    caps_of,
    cost_of,
    default_order,
    epsilon_of,
)
from moneyer_policy.budgets.rules.unit import Unit
from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.rules.extra_rules import compile_plan_rule
from moneyer_policy.charters.rules.terms import Configuration, Criterion, ExtraRule, ParameterRange
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.explanation import suggest
from moneyer_policy.gate.rules.facts import Facts, Model, OfferedUnit, Plan, Stop
from moneyer_policy.gate.rules.gate import GATE, RULES, TEXT_CODES, TEXT_RULES, judge
from moneyer_policy.gate.rules.gate.rule import RANK
from moneyer_policy.gate.rules.waiver import UNDECLARED, WaiverInEffect, waive, why_never
from moneyer_policy.library.rules.assessment import Assessment
from moneyer_policy.library.rules.library import read_rejection

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64


def account() -> Account:
    caps = caps_of(Decimal(2), Decimal("0.00001"))
    order = default_order(caps)
    return Account("a", "the population", Decimal(2), Decimal("0.00001"), caps, FREE, None, 0, order=order)


CHARTER = Charter(
    digest=DIGEST,
    owner="owner",
    use_cases=frozenset({"research"}),
    prohibited_uses=frozenset({"underwriting"}),
    audiences=frozenset({"analysts"}),
    sources=frozenset({"source-1"}),
    minimum_guarantee="proven",
    configurations=(Configuration("mst", {"epsilon": ParameterRange(Decimal("0.1"), Decimal(1))}),),
    maximum_rows=100,
    acceptance=(Criterion("m", at_most=Decimal(1)),),
    quorum={"privacy": 1},
    revalidate_by=NOW + timedelta(days=1),
    expires_at=NOW + timedelta(days=2),
)
COSTS = epsilon_of(cost_of(Mechanism("zcdp", rho=Decimal("0.01"))).renyi, Decimal("0.000001"))
GOOD = Facts(
    now=NOW,
    requester="scientist",
    plan=Plan("charter-1", "research", "analysts", "source-1", "mst", {"epsilon": "0.5"}, 100, "proven"),
    offered_guarantee="proven",
    offered_mechanism="zcdp",
    offered_delta=Decimal("0.000001"),
    cost=cost_of(Mechanism("zcdp", rho=Decimal("0.01"))),
    charter=CHARTER,
    charter_state="in_force",
    assessments=(Assessment("assessor", DIGEST, True, NOW + timedelta(days=1)),),
    source_population="population-1",
    offered_population="population-1",
    populations=(account(),),
    allocations=(account(),),
    offered_epsilon=COSTS,
    stated_epsilon=COSTS,
    offered_unit=OfferedUnit("person", 1),
    population_unit=Unit("person", "person"),
)


def with_plan(**changes: object) -> Facts:
    return replace(GOOD, plan=replace(GOOD.plan, **changes))


DEAR = cost_of(Mechanism("zcdp", rho=Decimal(3)))
BAD = {
    "charter.in-force": replace(GOOD, charter_state="submitted"),
    "charter.revalidated": replace(GOOD, charter=replace(CHARTER, revalidate_by=NOW)),
    "use-case.listed": with_plan(use_case="something-else"),
    "use-case.prohibited": replace(GOOD, charter=replace(CHARTER, prohibited_uses=frozenset({"research"}))),
    "audience.listed": with_plan(audience="partners"),
    "source.listed": with_plan(source_id="source-2"),
    "source.population-unit": replace(GOOD, offered_unit=OfferedUnit(None, 1)),
    "source.population": replace(GOOD, source_population="population-2"),
    "source.not-stopped": replace(GOOD, stops=frozenset({Stop("source", "source-1")})),
    "population.not-stopped": replace(GOOD, stops=frozenset({Stop("population", "population-1")})),
    "configuration.approved": with_plan(generator="ctgan"),
    "parameters.in-range": with_plan(parameters={"epsilon": "1.0000000000000000000001"}),
    "charter.approval": replace(GOOD, approved_until=NOW),
    "configuration.library": with_plan(configuration="nobody-approved-it"),
    "configuration.rejected": replace(GOOD, rejections=(read_rejection("r", "rows > 1", "too many", "steward"),)),
    "charter.extra-rules": replace(
        GOOD,
        charter=replace(CHARTER, extra_rules=(ExtraRule("small", compile_plan_rule("rows < 100"), "ask for less"),)),
    ),
    "training.attested": replace(GOOD, charter=replace(CHARTER, required_training=frozenset({"privacy-101"}))),
    "rows.allowed": with_plan(rows=101),
    "guarantee.sufficient": replace(GOOD, offered_guarantee="claimed", offered_mechanism="claimed"),
    "guarantee.public-domain": replace(GOOD, data_domains=("age",)),
    "guarantee.paid-for": replace(GOOD, offered_mechanism="none"),
    "blend.allowed": with_plan(blend_share=Decimal("0.1")),
    "priority.allowed": with_plan(priority="high"),
    "model.may-be-sampled": with_plan(model="a-run-nobody-made"),
    "model.not-stopped": replace(
        with_plan(model="run-1"),
        model=Model(
            "charter-1",
            "source-1",
            "mst",
            GOOD.plan.parameters,
            "proven",
            True,
            COSTS,
            GOOD.offered_delta,
            Stop("asset", "run-1", "withdrawn"),
        ),
    ),
    "model.rejected": replace(
        with_plan(model="run-1"),
        model=Model(
            "charter-1",
            "source-1",
            "mst",
            GOOD.plan.parameters,
            "proven",
            True,
            COSTS,
            GOOD.offered_delta,
            fitted_by="run-1",
            rejected="run-2",
        ),
    ),
    "looks.exhausted": replace(GOOD, looks_taken=CHARTER.looks),
    "delta.within-budget": replace(GOOD, offered_delta=Decimal("0.0001")),
    "assessment.valid": replace(GOOD, assessments=()),
    "assessment.refused": replace(
        GOOD, assessments=(*GOOD.assessments, Assessment("another", DIGEST, False, NOW + timedelta(days=1)))
    ),
    "budget.population": replace(GOOD, populations=(account(), replace(account(), held=DEAR.renyi))),
    "budget.allocation": replace(GOOD, allocations=(account(), replace(account(), held=DEAR.renyi))),
}


def test_a_good_plan_passes() -> None:
    assert judge(GATE, GOOD) == ()


@pytest.mark.parametrize("code", BAD)
def test_each_rule_refuses_on_its_own(code: str) -> None:
    (clause,) = judge(GATE, BAD[code])
    assert clause.code == code
    assert clause.expected
    assert clause.actual
    assert clause.remedy


@pytest.mark.parametrize("code", BAD)
def test_no_rule_is_idle(code: str) -> None:
    """Without the rule that refuses it, the bad plan would pass: the guard is needed."""
    without = [rule for rule in GATE if (clause := rule(BAD[code])) is None or clause.code != code]
    assert len(without) == len(GATE) - 1
    assert judge(without, BAD[code]) == ()


def test_every_rule_has_a_case() -> None:
    assert set(BAD) == {rule.code for rule in GATE}
    assert len(BAD) == len(GATE) == len(RULES)


# What a charter's text alone decides: of all else a draft says nothing.
OF_TEXT = {
    "charter.revalidated", "use-case.listed", "use-case.prohibited", "audience.listed", "source.listed",
    "configuration.approved", "parameters.in-range", "charter.extra-rules", "rows.allowed", "guarantee.sufficient",
    "blend.allowed", "priority.allowed", "training.attested",
}  # fmt: skip


def test_a_draft_is_tried_on_the_rules_of_its_text() -> None:
    assert {rule.code for rule in TEXT_RULES} == OF_TEXT == TEXT_CODES


# What a requester may change by themself, and where in the plan; the others need a vote, time, or somebody's work.
REMEDIED = {
    "use-case.listed": "use_case", "use-case.prohibited": "use_case", "audience.listed": "audience",
    "source.listed": "source_id", "configuration.approved": "generator", "parameters.in-range": "parameters.",
    "rows.allowed": "rows", "blend.allowed": "blend", "priority.allowed": "priority", "budget.population": "cost",
    "budget.allocation": "cost",
}  # fmt: skip


@pytest.mark.parametrize("code", BAD)
def test_a_rule_names_the_change_that_would_pass(code: str) -> None:
    changes = suggest(judge(GATE, BAD[code]), BAD[code])
    # The bad plan's charter has no other use than the one it prohibits.
    assert {named for named, _ in changes} == ({code} & set(REMEDIED)) - {"use-case.prohibited"}
    assert all(change.path.startswith(REMEDIED[code]) for _, change in changes)


def test_every_code_that_a_rule_can_emit_is_declared_with_whether_it_may_be_waived() -> None:
    """Read off the source, so that a clause written tomorrow is declared too; anything undeclared is never waived."""
    folder = Path(gate.__file__).parent
    patterns = [
        re.sub(r"\{[\w.]+\}", r"[a-z-]+", code)
        for file in folder.glob("*.py")
        for code in re.findall(r'Clause\(\s*f?"([^"]+)"', file.read_text())
    ]
    assert len(patterns) >= 20, "they were looked for where they are"
    for pattern in patterns:
        assert any(re.fullmatch(pattern, code) for code in RULES), pattern
    for code in RULES:
        assert any(re.fullmatch(pattern, code) for pattern in patterns), code
    assert why_never("budget.of-tomorrow", {}) == UNDECLARED


@pytest.mark.parametrize("code", BAD)
def test_a_clause_is_set_aside_only_where_its_rule_says_so(code: str) -> None:
    (clause,) = judge(GATE, BAD[code])
    glass = WaiverInEffect("w", "break-glass", None, NOW, NOW + timedelta(hours=1))
    exception = replace(glass, kind="exception", rule=code)
    for waiver, set_aside in ((glass, WAIVABLE - VOTED_ALONE), (exception, WAIVABLE)):
        stands, aside = waive([clause], [waiver], {}, **ASKED)
        assert bool(aside) == (code in set_aside)
        assert bool(stands) == (code not in set_aside)
    assert (code in WAIVABLE) == (RULES[code].unwaivable is None)
    closed = {code: "the house says so"}
    assert waive([clause], [exception], closed, **ASKED)[0] == (clause,)


ASKED: Any = {"requester": "scientist", "use_case": "research", "now": NOW, "since": NOW}
WAIVABLE = {
    "use-case.listed", "audience.listed", "configuration.approved", "configuration.library", "parameters.in-range",
    "rows.allowed", "priority.allowed", "training.attested", "assessment.valid", "model.rejected",
}  # fmt: skip
"""Written out once more, so that no rule is opened by the way."""
VOTED_ALONE = {"model.rejected"}
"""What no two people set aside by breaking glass."""


SAID_OF_OTHERS = {
    "charter.in-force", "configuration.approved", "guarantee.paid-for", "guarantee.public-domain", "model.not-stopped", "model.rejected", "assessment.refused", "source.not-stopped",
    "population.not-stopped",
}  # fmt: skip


@given(
    st.sets(
        # These say something of other members too, or are said of what others say.
        st.sampled_from(sorted(set(BAD) - SAID_OF_OTHERS)),
        min_size=2,
    )
)
def test_all_failures_are_told_at_once(codes: set[str]) -> None:
    facts, charter, plan = GOOD, CHARTER, GOOD.plan
    for code in codes:
        bad = BAD[code]
        plan_changes = {k: v for k, v in vars(bad.plan).items() if v != vars(GOOD.plan)[k]}
        charter_changes = {k: v for k, v in vars(bad.charter).items() if v != vars(CHARTER)[k]}
        fact_changes = {k: v for k, v in vars(bad).items() if k not in {"plan", "charter"} and v != vars(GOOD)[k]}
        plan, charter = replace(plan, **plan_changes), replace(charter, **charter_changes)
        facts = replace(facts, **fact_changes)
    found = {clause.code for clause in judge(GATE, replace(facts, plan=plan, charter=charter))}
    # Prohibiting "research" and asking for something else cannot both be seen in one plan.
    expected = codes - ({"use-case.prohibited"} if "use-case.listed" in codes else set())
    assert found == expected


def test_real_rows_pass_only_within_the_share_the_charter_allows_and_under_no_guarantee() -> None:
    allowing = replace(CHARTER, blending=Decimal("0.2"), minimum_guarantee="none")
    counted = cost_of(Mechanism("none"))
    blended = replace(
        with_plan(blend_share=Decimal("0.2"), requested_guarantee="none"),
        charter=allowing, offered_guarantee="none", offered_mechanism="none", cost=counted,
        allocations=(replace(account(), releases_limit=1),),
    )  # fmt: skip
    assert judge(GATE, blended) == ()
    for bad in (
        replace(blended, plan=replace(blended.plan, blend_share=Decimal("0.21"))),
        replace(blended, charter=replace(allowing, blending=None)),
    ):
        assert [clause.code for clause in judge(GATE, bad)] == ["blend.allowed"]
    labelled = replace(blended, offered_guarantee="proven", offered_mechanism="zcdp", cost=GOOD.cost)
    assert "blend.allowed" in {clause.code for clause in judge(GATE, labelled)}


def test_no_charter_is_a_deny() -> None:
    clauses = judge(GATE, replace(GOOD, charter=None, charter_state="unknown"))
    assert [clause.code for clause in clauses] == ["charter.in-force"]


def test_no_rules_is_an_error_not_a_pass() -> None:
    with pytest.raises(ValueError, match="let everything through"):
        judge((), GOOD)


@pytest.mark.parametrize(
    "assessment",
    [
        Assessment("owner", DIGEST, True, NOW + timedelta(days=1)),
        Assessment("scientist", DIGEST, True, NOW + timedelta(days=1)),
        Assessment("assessor", "sha256:other", True, NOW + timedelta(days=1)),
        Assessment("assessor", DIGEST, False, NOW + timedelta(days=1)),
        Assessment("assessor", DIGEST, True, NOW),
    ],
)
def test_an_assessment_must_be_independent_valid_and_of_this_version(assessment: Assessment) -> None:
    found = [clause.code for clause in judge(GATE, replace(GOOD, assessments=(assessment,)))]
    assert found == ["assessment.valid", *(["assessment.refused"] if not assessment.acceptable else [])]


def test_the_documentation_lists_every_rule_and_why_it_is_never_waived() -> None:
    listed = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
    for code, rule in RULES.items():
        open_to = "yes" if rule.by_glass else "by vote alone"
        answer = f"{open_to} |  " if rule.unwaivable is None else f"never | {rule.unwaivable} "
        assert f"| `{code}` | {answer}|" in listed, code


WORDS = st.lists(
    st.builds(
        Assessment,
        st.sampled_from(["a", "b", "scientist", "owner"]),
        st.sampled_from([DIGEST, "sha256:other"]),
        st.booleans(),
        st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)]),
    ),
    max_size=8,
)


@given(WORDS)
def test_a_plan_passes_only_with_a_valid_yes_and_without_any_last_no(words: list[Assessment]) -> None:
    last: dict[str, Assessment] = {}
    for word in words:
        if word.digest == DIGEST:
            last[word.assessor] = word
    yes = any(w.acceptable and w.valid_until > NOW and w.assessor not in {"scientist", "owner"} for w in last.values())
    no = any(not word.acceptable for word in last.values())
    assert (judge(GATE, replace(GOOD, assessments=tuple(words))) == ()) == (yes and not no)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"epsilon": "0.5", "extra": 1},
        {"epsilon": "NaN"},
        {"epsilon": True},
        {"epsilon": "Infinity"},
        {"epsilon": "x"},
    ],
)
def test_parameters_outside_the_charter_are_refused(parameters: dict[str, object]) -> None:
    (clause,) = judge(GATE, with_plan(parameters=parameters))
    assert clause.code == "parameters.in-range"


def test_a_missing_account_is_a_deny() -> None:
    codes = [clause.code for clause in judge(GATE, replace(GOOD, populations=(), allocations=()))]
    assert codes == ["budget.population", "budget.allocation"]


def test_without_a_guarantee_releases_are_what_counts() -> None:
    charter = replace(CHARTER, minimum_guarantee="none")
    facts = replace(
        GOOD,
        charter=charter,
        offered_guarantee="none",
        offered_mechanism="none",
        offered_delta=None,
        cost=cost_of(Mechanism("none")),
    )
    facts = replace(facts, plan=replace(facts.plan, requested_guarantee="none"))
    assert [clause.code for clause in judge(GATE, facts)] == ["budget.allocation"]
    allowed = replace(facts, allocations=(replace(account(), releases_limit=1),))
    assert judge(GATE, allowed) == ()


def test_a_domain_read_from_the_rows_is_named_with_what_to_do() -> None:
    facts = replace(GOOD, offered_guarantee="claimed", data_domains=("age", "income"))
    (clause,) = judge(GATE, facts)
    assert clause.code == "guarantee.sufficient"
    assert "age, income were read from the rows" in clause.actual
    assert "measured under budget" in clause.remedy
    assert judge(GATE, with_claimed_wanted(facts)) == (), "what has a proof may earn less than it"


def with_claimed_wanted(facts: Facts) -> Facts:
    charter = replace(CHARTER, minimum_guarantee="claimed")
    return replace(facts, charter=charter, plan=replace(facts.plan, requested_guarantee="claimed"))


def test_the_requested_guarantee_binds_even_where_the_charter_would_take_less() -> None:
    facts = replace(
        GOOD,
        charter=replace(CHARTER, minimum_guarantee="none"),
        offered_guarantee="claimed",
        offered_mechanism="claimed",
    )
    assert [clause.code for clause in judge(GATE, facts)] == ["guarantee.sufficient"]


assert RANK["none"] < RANK["claimed"] < RANK["proven"]
