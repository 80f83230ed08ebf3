"""Decision rights as pure decisions: stages, functions, delegation, conditions, and votes that grow old."""

from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy.test_gate import DIGEST, NOW

from moneyer_policy import dependencies
from moneyer_policy.reviews.rules.quorum import (
    TIME_LIMIT,
    Quorum,
    Stage,
    counted,
    merged,
    read_quorum,
    required,
)
from moneyer_policy.reviews.rules.review import (
    Condition,
    Power,
    Review,
    Vote,
    check_delegation,
    check_vote,
    holds_until,
    tally,
)
from moneyer_policy.reviews.use_cases.kinds import Kind
from moneyer_shared.errors import Conflict, Forbidden, Invalid

KINDS = tuple(dependencies.KINDS)
FLOORS = {name: kind.floor for name, kind in dependencies.KINDS.items()}
ONE = Quorum((Stage("committee", {"privacy": 1, "legal": 2}, minimum_total=3),))
REVIEW = Review(
    "r", "charter", DIGEST, frozenset({"author"}), ONE, "open", NOW + timedelta(days=1), a_no_withholds=True
)


def cast(voter: str, function: str = "privacy", verdict: str = "approve", **changes: object) -> Vote:
    made = {"principal": voter, "digest": DIGEST, "stage": 0, "cast_at": NOW} | changes
    return Vote(voter=voter, function=function, verdict=verdict, **made)  # type: ignore[arg-type]


def voted(*votes: Vote, review: Review = REVIEW) -> Review:
    return replace(review, votes=votes)


def check(vote: Vote, review: Review = REVIEW, powers: tuple[Power, ...] | None = None, conditions: int = 0) -> None:
    held = powers if powers is not None else (Power(vote.voter, vote.function, vote.principal),)
    check_vote(review, vote, held, conditions=conditions, now=NOW)


def test_nobody_decides_on_their_own_matter_nor_through_a_delegate() -> None:
    with pytest.raises(Forbidden, match="own"):
        check(cast("author"))
    with pytest.raises(Forbidden, match="own"):
        check(cast("friend", principal="author"))


def test_a_vote_needs_its_function_its_digest_and_its_turn() -> None:
    check(cast("a"))
    with pytest.raises(Forbidden, match="function"):
        check(cast("a"), powers=(Power("a", "security", "a"),))
    with pytest.raises(Conflict, match="changed"):
        check(cast("a", digest="sha256:other"))
    with pytest.raises(Conflict, match="have voted"):
        check(cast("a", "legal"), voted(cast("a")))
    with pytest.raises(Conflict, match="over"):
        check(cast("a"), replace(REVIEW, state="approved"))
    with pytest.raises(Conflict, match="over"):
        check(cast("a"), replace(REVIEW, expires_at=NOW))


def test_a_delegate_and_a_delegator_count_once() -> None:
    stood_in = voted(cast("b", principal="a"))
    for voter, principal in (("a", "a"), ("b", "b"), ("c", "a"), ("b", "c")):
        with pytest.raises(Conflict, match="voted"):
            check(cast(voter, principal=principal), stood_in)


def test_a_delegate_never_votes_while_holding_two_required_functions() -> None:
    powers = (Power("b", "privacy", "a"), Power("b", "legal", "b"))
    with pytest.raises(Forbidden, match="two"):
        check(cast("b", principal="a"), powers=powers)
    check(cast("b", "legal"), powers=powers)


def test_only_an_own_function_is_lent_and_to_nobody_who_holds_another() -> None:
    own, nothing = frozenset({"privacy"}), frozenset[str]()
    check_delegation("a", "b", "privacy", own, nothing)
    with pytest.raises(Forbidden):
        check_delegation("a", "b", "legal", own, nothing)
    with pytest.raises(Forbidden, match="two"):
        check_delegation("a", "b", "privacy", own, frozenset({"legal"}))
    with pytest.raises(Forbidden):
        check_delegation("a", "a", "privacy", own, nothing)


def test_quorum_is_counted_by_function_and_by_person() -> None:
    assert tally(voted(cast("a"), cast("b", "legal")), NOW)[0] == "open"
    assert tally(voted(cast("a"), cast("b", "legal"), cast("c", "legal")), NOW)[0] == "approved"
    assert tally(voted(cast("a"), cast("b", "legal"), cast("b", "legal")), NOW)[0] == "open"
    assert tally(voted(cast("a", verdict="reject")), NOW)[0] == "rejected"


def test_votes_on_another_digest_are_void_and_an_empty_quorum_is_never_reached() -> None:
    other = [cast(name, function, digest="sha256:o") for name, function in (("a", "privacy"), ("b", "legal"))]
    assert tally(voted(*other, cast("c", "legal")), NOW)[0] == "open"
    assert tally(replace(REVIEW, quorum=Quorum(())), NOW)[0] == "open"
    with pytest.raises(Invalid):
        read_quorum({"stages": []})
    with pytest.raises(Invalid):
        read_quorum({"stages": [{"name": "nobody"}]})


def test_stages_are_passed_in_order_and_a_denial_needs_its_threshold() -> None:
    two = Quorum((Stage("first", {"privacy": 1}), Stage("second", {"legal": 1}, deny_threshold=2)))
    review = replace(REVIEW, quorum=two)
    assert tally(review, NOW) == ("open", 0)
    first = cast("a")
    assert tally(voted(first, review=review), NOW) == ("open", 1)
    assert tally(voted(first, cast("b", "legal", stage=0), review=review), NOW) == ("open", 1)
    denied = cast("b", "legal", "reject", stage=1)
    assert tally(voted(first, denied, review=review), NOW) == ("open", 1)
    assert tally(voted(first, denied, cast("c", "legal", "reject", stage=1), review=review), NOW) == ("rejected", 1)
    assert tally(voted(first, denied, cast("c", "legal", stage=1), review=review), NOW) == ("approved", 1)


def test_a_minimum_in_all_counts_any_function() -> None:
    review = replace(
        REVIEW, quorum=read_quorum({"stages": [{"name": "s", "counts": {"privacy": 1}, "minimum_total": 3}]})
    )
    assert tally(voted(cast("a"), cast("b", "product"), review=review), NOW)[0] == "open"
    assert tally(voted(cast("a"), cast("b", "product"), cast("c", "product"), review=review), NOW)[0] == "approved"


def test_conditions_hold_an_approval_until_they_are_met() -> None:
    votes = (cast("a"), cast("b", "legal"), cast("c", "legal"))
    waiting = replace(REVIEW, votes=votes, conditions=(Condition("a", met=False),))
    assert tally(waiting, NOW)[0] == "open"
    assert tally(replace(waiting, conditions=(Condition("a", met=True),)), NOW)[0] == "approved"
    with pytest.raises(Invalid):
        check(cast("d", verdict="reject"), conditions=1)
    strict = replace(REVIEW, quorum=Quorum((Stage("s", {"privacy": 1}, conditions_allowed=False),)))
    with pytest.raises(Invalid):
        check(cast("d"), strict, conditions=1)


def test_an_approval_holds_only_while_its_quorum_is_young_enough() -> None:
    lasting = Quorum((Stage("s", {"privacy": 1}, minimum_total=2, valid_days=10),))
    review = replace(REVIEW, quorum=lasting)
    ages = {"a": 0, "b": 3, "c": 5}
    votes = [
        cast(name, "legal" if name == "c" else "privacy", cast_at=NOW - timedelta(days=d)) for name, d in ages.items()
    ]
    assert holds_until(voted(*votes, review=review)) == NOW + timedelta(days=7), (
        "two are left until b's vote is too old"
    )
    assert holds_until(voted(*votes)) is None


def test_a_documents_own_quorum_never_lowers_the_houses() -> None:
    house = Quorum((Stage("house", {"privacy": 2}, minimum_total=4), Stage("board", {"legal": 1})), timedelta(days=3))
    raised = required(FLOORS["charter"], house, counted({"privacy": 1, "security": 1}))
    first, board = raised.stages
    assert first.counts == {"privacy": 2, "security": 1}
    assert first.minimum_total == 4
    assert (board.name, board.counts) == ("board", {"legal": 1})
    assert raised.ttl == timedelta(days=3)


def test_who_says_nothing_of_denials_or_time_leaves_them_to_who_does() -> None:
    house = read_quorum({"stages": [{"name": "house", "counts": {"legal": 1}, "deny_threshold": 2}], "ttl_hours": 900})
    kept = required(FLOORS["charter"], house, counted({"privacy": 1}))
    assert (kept.stages[0].deny_threshold, kept.ttl) == (2, timedelta(hours=900))
    unsaid = required(FLOORS["charter"], None, counted({"privacy": 1}))
    assert (unsaid.stages[0].deny_threshold, unsaid.ttl) == (1, None), "one denial ends it"
    assert unsaid.ttl_hours == 336


@pytest.mark.parametrize("kind", KINDS)
def test_the_houses_floor_holds_for_every_kind_before_anybody_sets_a_rule(kind: str) -> None:
    lax = read_quorum({"stages": [{"name": "s", "counts": {"product": 1}, "deny_threshold": 50}], "ttl_hours": 8760})
    for quorum in (
        required(FLOORS[kind], None),
        required(FLOORS[kind], lax),
        required(FLOORS[kind], None, lax),
        required(FLOORS[kind], lax, lax),
    ):
        stage = quorum.stages[0]
        assert stage.counts["privacy"] == 1
        assert (stage.deny_threshold or 1) <= 2
        alone = replace(REVIEW, quorum=quorum, votes=(cast("p", "product"), cast("q", "product")))
        assert tally(alone, NOW)[0] == "open"


@pytest.mark.parametrize("kind", ["charter", "exception", "retirement", "budget", "resumption", "configuration"])
def test_what_lets_more_happen_takes_a_second_function_and_a_second_person(kind: str) -> None:
    review = replace(REVIEW, quorum=required(FLOORS[kind], None))
    assert tally(voted(cast("a"), review=review), NOW)[0] == "open"
    assert tally(voted(cast("a"), cast("b"), review=review), NOW)[0] == "open", "another person of the same function"
    assert tally(voted(cast("a"), cast("b", "product"), review=review), NOW)[0] == "approved"


def test_an_approval_that_needs_functions_holds_while_enough_of_them_are_young() -> None:
    lasting = Quorum((Stage("s", {}, minimum_functions=2, valid_days=10),))
    cast_then = [cast("a", cast_at=NOW - timedelta(days=1)), cast("b", "legal", cast_at=NOW - timedelta(days=4))]
    cast_then.append(cast("c", cast_at=NOW))
    assert holds_until(voted(*cast_then, review=replace(REVIEW, quorum=lasting))) == NOW + timedelta(days=6)


def test_an_approval_by_who_is_barred_by_now_counts_no_longer_and_a_rejection_does() -> None:
    votes = (cast("a"), cast("b", "legal"), cast("c", "legal"))
    assert tally(voted(*votes), NOW)[0] == "approved"
    barred = replace(REVIEW, barred=frozenset({"c"}), votes=votes)
    assert tally(barred, NOW)[0] == "open"
    assert tally(replace(barred, votes=(cast("c", "legal", "reject"),)), NOW)[0] == "rejected"


def test_whom_only_the_proposal_names_says_no_where_that_withholds_and_never_yes() -> None:
    proposal = replace(REVIEW, named=frozenset({"critic"}))
    check(cast("critic", verdict="reject"), proposal)
    check(cast("friend", principal="critic", verdict="reject"), proposal)
    for named in ("critic", "author"):
        with pytest.raises(Forbidden, match="own"):
            check(cast(named), proposal)
    with pytest.raises(Forbidden, match="own"):
        check(cast("author", verdict="reject"), replace(proposal, named=frozenset({"author"})))
    assert tally(voted(cast("critic"), cast("b", "legal"), cast("c", "legal"), review=proposal), NOW)[0] == "open"


@pytest.mark.parametrize(
    "kind", [kind for kind in dependencies.KINDS.values() if not kind.a_no_withholds], ids=attrgetter("name")
)
def test_where_a_no_may_keep_something_whom_the_proposal_names_says_nothing(kind: Kind) -> None:
    with pytest.raises(Forbidden, match="own"):
        check(
            cast("critic", verdict="reject"),
            replace(REVIEW, kind=kind.name, a_no_withholds=kind.a_no_withholds, named=frozenset({"critic"})),
        )


def test_a_proposal_does_not_speak_for_the_charter_in_force_where_that_is_silent() -> None:
    present, proposed = counted({"privacy": 1}), Quorum((Stage("s", {}, 1, 2),), timedelta(days=60))
    taken = required(FLOORS["charter"], None, present, proposed)
    assert (taken.stages[0].deny_threshold, taken.ttl) == (1, TIME_LIMIT)


FUNCTIONS = st.sampled_from(["privacy", "legal", "security"])
COUNTS = st.dictionaries(FUNCTIONS, st.integers(1, 3), max_size=3)
STAGES = st.builds(
    Stage,
    st.just("s"),
    COUNTS,
    st.integers(1, 5),
    st.none() | st.integers(1, 3),
    st.booleans(),
    st.none() | st.integers(1, 9),
    st.integers(1, 3),
)
QUORUMS = st.builds(Quorum, st.lists(STAGES, min_size=1, max_size=3).map(tuple), st.none())
CAST = st.lists(st.tuples(FUNCTIONS, st.integers(0, 2), st.sampled_from(["approve", "approve", "reject"])), max_size=14)


@given(st.lists(QUORUMS, min_size=1, max_size=3), CAST)
def test_what_passes_a_merged_quorum_passes_each_of_those_it_was_merged_of(
    quorums: list[Quorum], tries: list[tuple[str, int, str]]
) -> None:
    votes = tuple(
        cast(f"p{number}", function, verdict, stage=stage) for number, (function, stage, verdict) in enumerate(tries)
    )
    said = [replace(one, stages=tuple(map(_saying, one.stages))) for one in quorums]
    if tally(replace(REVIEW, quorum=merged(*said), votes=votes), NOW)[0] == "approved":
        for quorum in said:
            assert tally(replace(REVIEW, quorum=quorum, votes=votes), NOW)[0] == "approved"


def _saying(stage: Stage) -> Stage:
    """A stage that says how many rejections end it, as all do of which a matter's quorum is merged."""
    return replace(stage, deny_threshold=stage.deny_threshold or 1)


@given(st.sampled_from(KINDS), st.none() | QUORUMS, st.lists(QUORUMS, min_size=1, max_size=3), CAST)
def test_what_charters_add_to_each_other_makes_nothing_pass_that_one_of_them_stops(
    kind: str, rule: Quorum | None, asked: list[Quorum], tries: list[tuple[str, int, str]]
) -> None:
    votes = tuple(
        cast(f"p{number}", function, verdict, stage=stage) for number, (function, stage, verdict) in enumerate(tries)
    )
    if tally(replace(REVIEW, quorum=required(FLOORS[kind], rule, *asked), votes=votes), NOW)[0] == "approved":
        for quorum in asked:
            alone = required(FLOORS[kind], rule, quorum)
            assert tally(replace(REVIEW, quorum=alone, votes=votes), NOW)[0] == "approved"


@given(st.sampled_from(KINDS), st.none() | QUORUMS, QUORUMS, CAST)
def test_whatever_is_said_an_approved_matter_has_the_houses_floor(
    kind: str, rule: Quorum | None, asked: Quorum, tries: list[tuple[str, int, str]]
) -> None:
    votes = tuple(
        cast(f"p{number}", function, verdict, stage=stage) for number, (function, stage, verdict) in enumerate(tries)
    )
    quorum = required(FLOORS[kind], rule, asked)
    assert required(FLOORS[kind], rule, asked, quorum) == quorum, "asked again, it asks the same"
    if tally(replace(REVIEW, quorum=quorum, votes=votes), NOW)[0] == "approved":
        functions = [vote.function for vote in votes if vote.verdict == "approve"]
        assert "privacy" in functions
        assert len(set(functions)) >= FLOORS[kind].minimum_functions


@given(QUORUMS, CAST, st.lists(st.integers(0, 12), min_size=14, max_size=14))
def test_an_approval_past_its_days_counts_as_if_it_were_not_there(
    quorum: Quorum, tries: list[tuple[str, int, str]], ages: list[int]
) -> None:
    def days_of(vote: Vote) -> int | None:
        return quorum.stages[vote.stage].valid_days if vote.stage < len(quorum.stages) else None

    votes = tuple(
        cast(f"p{number}", function, verdict, stage=stage, cast_at=NOW - timedelta(days=age))
        for number, ((function, stage, verdict), age) in enumerate(zip(tries, ages, strict=False))
    )
    young = tuple(
        vote
        for vote in votes
        if vote.verdict == "reject" or (days := days_of(vote)) is None or NOW - vote.cast_at < timedelta(days=days)
    )
    review = replace(REVIEW, quorum=quorum)
    found = tally(replace(review, votes=votes), NOW)
    assert found == tally(replace(review, votes=young), NOW)
    if found[0] == "approved":
        until = holds_until(replace(review, votes=votes))
        assert until is None or until > NOW, "what holds no longer is not approved"


def test_a_floor_that_a_later_stage_asks_for_is_not_asked_for_twice() -> None:
    staged = read_quorum(
        {"stages": [{"name": "law", "counts": {"legal": 1}}, {"name": "privacy", "counts": {"privacy": 1}}]}
    )
    assert [stage.counts for stage in required(FLOORS["charter"], None, staged).stages] == [
        {"legal": 1},
        {"privacy": 1},
    ]


def test_nothing_merged_is_an_error_and_no_quorum() -> None:
    with pytest.raises(ValueError, match="through"):
        merged()


PEOPLE = st.sampled_from(["a", "b", "c", "d", "e"])


@given(st.lists(st.tuples(PEOPLE, FUNCTIONS, st.sampled_from(["approve", "reject"])), max_size=10))
def test_no_one_counts_twice_whatever_is_cast(tries: list[tuple[str, str, str]]) -> None:
    """Votes that pass the check never approve with fewer people than the quorum asks for."""
    review = REVIEW
    for voter, function, verdict in tries:
        vote = cast(voter, function, verdict)
        try:
            check(vote, review)
        except Conflict:
            continue
        review = replace(review, votes=(*review.votes, vote))
    if tally(review, NOW)[0] == "approved":
        approving = {vote.voter: vote.function for vote in review.votes if vote.verdict == "approve"}
        assert list(approving.values()).count("privacy") >= 1
        assert list(approving.values()).count("legal") >= 2
