"""Charters, votes, permits and releases as pure decisions."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy.examples import charter_document
from policy.test_gate import CHARTER, NOW

from moneyer_policy.assets.rules.release import Interval, weigh
from moneyer_policy.charters.rules.charter import check_document
from moneyer_policy.charters.rules.terms import Criterion
from moneyer_policy.charters.rules.versions import Standing, state_at
from moneyer_policy.gate.rules.permit import Permit, check_redemption
from moneyer_shared.errors import Conflict, Forbidden, Invalid


def test_a_version_goes_through_its_states_by_the_clock() -> None:
    day = timedelta(days=1)
    version = Standing("approved", NOW, NOW + 3 * day, superseded_at=NOW + 2 * day)
    assert state_at(version, NOW - day) == "approved"
    assert state_at(version, NOW) == "in_force"
    assert state_at(replace(version, suspended=True), NOW + day) == "suspended"
    assert state_at(version, NOW + 2 * day) == "superseded"
    assert state_at(replace(version, superseded_at=None), NOW + 3 * day) == "expired"
    assert state_at(replace(version, retired_at=NOW + day), NOW + day) == "retired"
    assert state_at(Standing("draft", None, NOW), NOW + day) == "draft"


def test_a_revalidation_period_ends_before_a_later_written_date() -> None:
    charter = replace(CHARTER, revalidation_days=1, revalidate_by=NOW + timedelta(days=9))
    assert charter.revalidation_due(NOW) == NOW + timedelta(days=1)
    assert replace(charter, revalidation_days=30).revalidation_due(NOW) == NOW + timedelta(days=9)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": ""}, "title"),
        ({"minimum_guarantee": "strong"}, "minimum_guarantee"),
        ({"quorum": {}}, "quorum"),
        ({"quorum": {"marketing": 1}}, "quorum"),
        ({"acceptance": []}, "acceptance"),
        ({"acceptance": [{"metric": "m"}]}, "acceptance/0"),
        ({"acceptance": [{"metric": "m", "at_most": 0.5}]}, "acceptance/0/at_most"),
        ({"acceptance": [{"metric": "m", "at_most": "1", "at_least": "0"}]}, "acceptance/0"),
        ({"configurations": [{"generator": "g", "parameters": {"p": {}}}]}, "configurations/0/parameters/p"),
        ({"surprise": 1}, ""),
        ({"extra_rules": [{"name": "r", "expression": "rows <", "remedy": "m"}]}, "extra_rules/0/expression"),
        ({"extra_rules": [{"name": "r", "expression": "rows + 1", "remedy": "m"}]}, "extra_rules/0/expression"),
        ({"extra_rules": [{"name": "r", "expression": "rows < 'a'", "remedy": "m"}]}, "extra_rules/0/expression"),
        ({"review_triggers": [{"metric": "m", "action": "shout", "at_most": "1"}]}, "review_triggers/0/action"),
        ({"reviews": {"plan": {"stages": []}}}, "reviews/plan/stages"),
        ({"sources": []}, "sources"),
    ],
)
def test_a_document_outside_the_schema_is_refused_with_its_place(change: dict[str, object], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_document(charter_document() | change)
    assert where in {reason["where"] for reason in refused.value.reasons}


def test_dates_must_exist_and_be_in_order() -> None:
    check_document(charter_document())
    with pytest.raises(Invalid, match="calendar"):
        check_document(charter_document() | {"expires_at": "2026-02-30T00:00:00Z"})
    with pytest.raises(Invalid, match="after"):
        check_document(charter_document() | {"expires_at": "2020-01-01T00:00:00Z"})


PERMIT = Permit("p", "r", "digest", "reserved", NOW, None)
BEFORE = NOW - timedelta(seconds=1)


def redeem(permit: Permit, *, key: str = "key", now: datetime = BEFORE, digest: str = "digest") -> bool:
    return check_redemption(permit, plan_digest=digest, redemption_key=key, now=now)


def test_a_permit_is_redeemed_once() -> None:
    assert redeem(PERMIT)
    redeemed = replace(PERMIT, state="redeemed", redemption_key="key")
    assert not redeem(redeemed), "the same run asking again spends nothing more"
    for permit, key in ((redeemed, "other"), (replace(redeemed, state="settled"), "key")):
        with pytest.raises(Conflict, match="has been redeemed"):
            redeem(permit, key=key)


def test_a_permit_ends_with_its_time_and_is_bound_to_its_plan() -> None:
    with pytest.raises(Conflict, match="expired"):
        redeem(PERMIT, now=NOW)
    with pytest.raises(Conflict, match="expired"):
        redeem(replace(PERMIT, state="returned"))
    with pytest.raises(Forbidden):
        redeem(PERMIT, digest="another")


def at(value: str, lower: str, upper: str) -> Interval:
    return Interval(Decimal(value), Decimal(lower), Decimal(upper))


def test_acceptance_reads_the_bound_not_the_estimate() -> None:
    most, least = Criterion("m", at_most=Decimal("0.1")), Criterion("m", at_least=Decimal("0.9"))
    assert weigh([most], {"m": at("0.05", "0.01", "0.1")})[0].met
    assert not weigh([most], {"m": at("0.05", "0.01", "0.1000001")})[0].met
    assert weigh([least], {"m": at("0.95", "0.9", "1")})[0].met
    assert not weigh([least], {"m": at("0.95", "0.8999", "1")})[0].met


def test_a_missing_figure_is_a_criterion_not_met_and_no_criteria_is_an_error() -> None:
    assert not weigh([Criterion("m", at_most=Decimal(1))], {})[0].met
    assert not weigh([Criterion("m")], {"m": at("0", "0", "0")})[0].met
    with pytest.raises(ValueError, match="release everything"):
        weigh([], {})


@given(st.decimals(0, 1, places=6), st.decimals(0, 1, places=6))
def test_a_looser_limit_never_refuses_what_a_tighter_one_takes(a: Decimal, b: Decimal) -> None:
    tight, loose = min(a, b), max(a, b)
    interval = {"m": at("0.3", "0.2", "0.5")}
    took = weigh([Criterion("m", at_most=tight)], interval)[0].met
    assert not took or weigh([Criterion("m", at_most=loose)], interval)[0].met
