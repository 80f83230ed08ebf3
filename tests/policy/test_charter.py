"""Charters, votes, permits and releases as pure decisions."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy.examples import charter_document
from policy.test_gate import CHARTER, DIGEST, NOW

from mintmark_policy.domain.charter import Ballot, Criterion, Vote, check_document, check_vote, standing, state_now
from mintmark_policy.domain.permit import Permit, check_redemption
from mintmark_policy.domain.release import Interval, weigh
from mintmark_shared.errors import Conflict, Forbidden, Invalid

BALLOT = Ballot(replace(CHARTER, quorum={"privacy": 1, "legal": 2}), "submitted", "author", "submitter")
FUNCTIONS = frozenset({"privacy", "legal"})


def cast(voter: str, function: str, verdict: str = "approve", digest: str = DIGEST) -> Vote:
    return Vote(voter, function, verdict, digest)


@pytest.mark.parametrize("voter", ["author", "submitter", "owner"])
def test_nobody_votes_on_their_own_matter(voter: str) -> None:
    with pytest.raises(Forbidden, match="own"):
        check_vote(BALLOT, cast(voter, "privacy"), FUNCTIONS, [])


def test_a_vote_needs_its_function_its_digest_and_its_turn() -> None:
    check_vote(BALLOT, cast("a", "privacy"), FUNCTIONS, [])
    with pytest.raises(Forbidden):
        check_vote(BALLOT, cast("a", "security"), FUNCTIONS, [])
    with pytest.raises(Conflict, match="changed"):
        check_vote(BALLOT, cast("a", "privacy", digest="sha256:other"), FUNCTIONS, [])
    with pytest.raises(Conflict, match="have voted"):
        check_vote(BALLOT, cast("a", "legal"), FUNCTIONS, [cast("a", "privacy")])
    with pytest.raises(Conflict):
        check_vote(replace(BALLOT, state="draft"), cast("a", "privacy"), FUNCTIONS, [])


def test_quorum_is_counted_by_function() -> None:
    charter = BALLOT.charter
    assert standing(charter, [cast("a", "privacy"), cast("b", "legal")]) == "submitted"
    assert standing(charter, [cast("a", "privacy"), cast("b", "legal"), cast("c", "legal")]) == "in_force"
    assert standing(charter, [cast("a", "privacy"), cast("b", "legal"), cast("b", "legal")]) == "submitted"
    assert standing(charter, [cast("a", "privacy", "reject")]) == "rejected"


def test_votes_on_another_digest_are_void_and_an_empty_quorum_is_never_reached() -> None:
    assert standing(CHARTER, [cast("a", "privacy", digest="sha256:other")]) == "submitted"
    assert standing(replace(CHARTER, quorum={}), []) == "submitted"


def test_a_charter_expires_by_the_clock() -> None:
    assert state_now("in_force", NOW, NOW - timedelta(seconds=1)) == "in_force"
    assert state_now("in_force", NOW, NOW) == "expired"
    assert state_now("draft", NOW, NOW) == "draft"


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
