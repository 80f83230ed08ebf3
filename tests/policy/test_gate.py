"""The gate: every rule refuses on its own, all refusals are told, nothing else is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark_policy.domain.accounting import FREE, Account, Mechanism, caps_of, cost_of
from mintmark_policy.domain.charter import Charter, Configuration, Criterion, ExtraRule, ParameterRange
from mintmark_policy.domain.extra_rules import compile_plan_rule
from mintmark_policy.domain.facts import Assessment, Facts, Model, Plan, Stop
from mintmark_policy.domain.gate import GATE, judge
from mintmark_policy.domain.gate.rule import RANK
from mintmark_policy.domain.library import read_rejection

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:" + "0" * 64


def account() -> Account:
    caps = caps_of(Decimal(2), Decimal("0.00001"))
    return Account("a", "the population", Decimal(2), Decimal("0.00001"), caps, FREE, None, 0)


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
    "guarantee.paid-for": replace(GOOD, offered_mechanism="none"),
    "blend.allowed": with_plan(blend_share=Decimal("0.1")),
    "priority.allowed": with_plan(priority="high"),
    "model.may-be-sampled": with_plan(model="a-run-nobody-made"),
    "model.not-stopped": replace(
        with_plan(model="run-1"),
        model=Model(
            "charter-1", "source-1", "mst", GOOD.plan.parameters, "proven", True, Stop("asset", "run-1", "withdrawn")
        ),
    ),
    "delta.within-budget": replace(GOOD, offered_delta=Decimal("0.0001")),
    "assessment.valid": replace(GOOD, assessments=()),
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
    assert len(BAD) == len(GATE)


@given(
    st.sets(
        # These say something of other members too, or are said of what others say.
        st.sampled_from(
            sorted(
                set(BAD)
                - {"charter.in-force", "configuration.approved", "guarantee.paid-for", "model.not-stopped"}
                - {"source.not-stopped", "population.not-stopped"}
            )
        ),
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
    (clause,) = judge(GATE, replace(GOOD, assessments=(assessment,)))
    assert clause.code == "assessment.valid"


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


def test_the_requested_guarantee_binds_even_where_the_charter_would_take_less() -> None:
    facts = replace(
        GOOD,
        charter=replace(CHARTER, minimum_guarantee="none"),
        offered_guarantee="claimed",
        offered_mechanism="claimed",
    )
    assert [clause.code for clause in judge(GATE, facts)] == ["guarantee.sufficient"]


assert RANK["none"] < RANK["claimed"] < RANK["proven"]
