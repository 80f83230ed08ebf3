"""What templates show, made of documents: pure."""

import shlex
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from moneyer import calls
from moneyer_console.charts import Interval, interval_chart, share_chart
from moneyer_console.views import reviews
from moneyer_console.views.api import as_curl
from moneyer_console.views.assets import preview_of
from moneyer_console.views.differences import changes_between
from moneyer_console.views.facts import facts_of, lines_of
from moneyer_console.views.figures import criteria_of, estimates_of
from moneyer_console.views.inbox import entries_of, waiting_in
from moneyer_console.views.words import figure, iso, moment, short_id, state_of, with_query
from moneyer_shared.contracts.measures import MEANINGS

DIGEST = "sha256:" + "1" * 64
STAGE = {
    "name": "committee",
    "counts": {"privacy": 1, "legal": 2},
    "minimum_total": 4,
    "minimum_functions": 3,
    "deny_threshold": 2,
}
Texts = some.text(max_size=40)
Documents = some.recursive(
    some.none() | some.booleans() | some.integers() | Texts,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(Texts, inner, max_size=4),
    max_leaves=12,
)


def vote(who: str, function: str, **changes: Any) -> dict[str, Any]:
    made = {
        "voter": who,
        "on_behalf_of": None,
        "function": function,
        "verdict": "approve",
        "digest": DIGEST,
        "stage": 0,
    }
    return made | changes


def review(*votes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = {
        "quorum": {"stages": [STAGE]},
        "votes": list(votes),
        "digest": DIGEST,
        "state": "open",
        "stage": "committee",
    }
    return made | {"opened_by": "ann"} | changes


# --- quorum ------------------------------------------------------------------------------------------


def test_what_is_missing_is_told_by_function_in_all_and_of_others() -> None:
    (stage,) = reviews.stages_of(review())
    assert stage.missing == ["1 of privacy", "2 of legal", "1 more of any function", "1 of another function"]
    (stage,) = reviews.stages_of(review(vote("a", "privacy"), vote("b", "legal"), vote("c", "product")))
    assert stage.missing == ["1 of legal"]
    assert not reviews.stages_of(
        review(vote("a", "privacy"), vote("b", "legal"), vote("c", "legal"), vote("d", "product"))
    )[0].missing


def test_a_vote_of_an_earlier_digest_or_stage_fills_no_seat() -> None:
    cast = (
        vote("a", "privacy", digest="sha256:old"),
        vote("b", "legal", stage=1),
        vote("c", "legal", verdict="reject"),
    )
    (stage,) = reviews.stages_of(review(*cast))
    assert stage.approvals == 0
    assert stage.denials == 1


def test_a_vote_cast_for_somebody_is_theirs() -> None:
    (stage,) = reviews.stages_of(review(vote("a", "privacy", on_behalf_of="eve")))
    assert next(seat for seat in stage.seats if seat.function == "privacy").approvals == ["eve"]


def lent(**changes: Any) -> dict[str, Any]:
    made = {"delegator": "eve", "delegate": "ann", "function": "legal", "revoked_at": None}
    return made | {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z"} | changes


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"delegate": "bob"}, False),
        ({"revoked_at": "2026-01-10T00:00:00Z"}, False),
        ({"valid_from": "2026-01-20T00:00:00Z"}, False),
        ({"valid_until": "2026-01-15T00:00:00Z"}, False),
        ({"valid_until": "2026-01-15T14:00:00+02:00"}, False),
    ],
)
def test_one_votes_with_what_is_lent_now(changes: dict[str, Any], counts: bool) -> None:
    found = reviews.powers_of("ann", [], [lent(**changes)], "2026-01-15T12:00:00+00:00")
    assert bool(found) == counts
    if counts:
        assert found[0].value == "legal|eve"


def test_why_there_is_no_form() -> None:
    powers = [reviews.Power("legal", "legal", None)]
    assert reviews.why_no_vote(review(), "bob", powers) is None
    assert "over" in (reviews.why_no_vote(review(state="approved"), "bob", powers) or "")
    assert "others decide" in (reviews.why_no_vote(review(), "ann", powers) or "")
    assert "voted" in (reviews.why_no_vote(review(vote("bob", "legal")), "bob", powers) or "")
    assert "cast for you" in (reviews.why_no_vote(review(vote("x", "legal", on_behalf_of="bob")), "bob", powers) or "")
    assert "no function" in (reviews.why_no_vote(review(), "bob", []) or "")
    assert reviews.why_no_vote(review(vote("bob", "legal", digest="old")), "bob", powers) is None


# --- differences -------------------------------------------------------------------------------------


def test_a_change_stands_beside_what_it_was() -> None:
    before = {"title": "T", "rows": 5, "uses": [{"name": "a"}], "gone": "x"}
    changes = {
        one.name: one
        for one in changes_between(before, {"title": "T", "rows": 6, "uses": [{"name": "a"}, {"name": "b"}]})
    }
    assert not changes["title"].is_changed
    assert [(line.kind, line.before, line.after) for line in changes["rows"].lines] == [("changed", "5", "6")]
    assert [line.kind for line in changes["uses"].lines] == ["same", "added"]
    assert [line.kind for line in changes["gone"].lines] == ["removed"]


@given(some.dictionaries(Texts, Documents, max_size=4), some.dictionaries(Texts, Documents, max_size=4))
def test_both_versions_are_told_whole(before: dict[str, Any], after: dict[str, Any]) -> None:
    changes = changes_between(before, after)
    told_before = [line.before for one in changes for line in one.lines if line.before is not None]
    told_after = [line.after for one in changes for line in one.lines if line.after is not None]
    assert sorted(told_before) == sorted(line for part in before.values() for line in lines_of(part))
    assert told_after == [line for part in after.values() for line in lines_of(part)]
    assert any(one.is_changed for one in changes) or before.keys() == after.keys()


@given(some.dictionaries(Texts, Documents, max_size=5))
def test_every_member_of_a_document_is_told(document: dict[str, Any]) -> None:
    assert len(facts_of(document)) == len(document)


# --- charts and figures ------------------------------------------------------------------------------

Numbers = some.floats(min_value=-1000, max_value=1000)


@given(Numbers, Numbers, Numbers, some.none() | Numbers, some.none() | Numbers, Texts)
def test_a_chart_stays_in_its_box_and_tells_itself(
    value: float, lower: float, upper: float, most: float | None, least: float | None, label: str
) -> None:
    from xml.etree import ElementTree as ET

    label = "".join(letter for letter in label if letter.isprintable())
    lower, value, upper = sorted((value, lower, upper))
    drawn = str(interval_chart(Interval(label, value, lower, upper, most, least)))
    root = ET.fromstring(drawn)
    assert (root.find("title").text or "").startswith(f"{label}: ")
    assert f"{value:.4g}" in root.find("desc").text
    for part in root:
        for name in ("x", "cx"):
            if name in part.attrib:
                assert -1 <= float(part.attrib[name]) <= 241
        assert float(part.get("width", "0")) >= 0
    assert "style=" not in drawn


def test_a_share_beyond_the_whole_is_cut() -> None:
    drawn = str(share_chart("b", [("spent", 0.8), ("held", 0.5)]))
    assert 'width="192.0"' in drawn
    assert 'width="48.0"' in drawn


def test_criteria_that_were_missed_come_first() -> None:
    met = {"metric": "a", "expected": "e", "actual": "x", "met": True}
    found = criteria_of(
        [
            met,
            met
            | {
                "metric": "membership-auc",
                "met": False,
                "value": "0.7",
                "lower": "0.6",
                "upper": "0.8",
                "at_most": "0.6",
            },
        ]
    )
    assert [one.metric for one in found] == ["membership-auc", "a"]
    assert found[0].chart is not None
    assert found[1].chart is None, "what is withheld is not drawn"


def test_figures_stand_in_sections_and_none_is_left_out() -> None:
    told = [{"metric": name, "value": "0.1", "lower": "0", "upper": "1", "n": 5} for name in ("unheard-of", *MEANINGS)]
    sections = dict(estimates_of(told))
    assert sum(map(len, sections.values())) == len(told)
    assert [one.metric for one in sections["Other figures"]] == ["unheard-of"]
    assert {"exact-copy-excess", "membership-auc"} <= {one.metric for one in next(iter(sections.values()))}


@pytest.mark.parametrize(
    ("told", "shown"),
    [("0.25", "0.25"), ("0.123456", "0.1235"), ("-0E+3", "0"), ("-0.0", "0"), ("1E-7", "1e-07"), ("0.000123456", "0.0001235"),
     ("12", "12"), ("no number", "no number"), (Decimal("3.5"), "3.5")],
)  # fmt: skip
def test_a_figure_says_no_more_than_it_knows(told: object, shown: str) -> None:
    assert figure(told) == shown


# --- words -------------------------------------------------------------------------------------------


def test_moments_are_utc_until_a_script_knows_better() -> None:
    assert moment("2026-03-01T01:30:00+02:00") == "28 Feb 2026, 23:30 UTC"
    assert iso("2026-03-01T01:30:00.5+02:00") == "2026-02-28T23:30:00.500000Z"


def test_a_state_that_is_not_known_is_told_as_it_is() -> None:
    assert state_of("half_done").word == "half done"
    shapes = {
        (state.word, state.shape) for state in (state_of("released"), state_of("rejected"), state_of("in_review"))
    }
    assert len(shapes) == 3


def test_ids_are_shortened_without_their_kind() -> None:
    assert short_id(DIGEST) == "11111111"


def test_a_query_is_changed_in_one_place() -> None:
    assert with_query("/runs?state=released&after=1", after="2") == "state=released&after=2"
    assert with_query("/runs?after=1", after=None) == ""


@given(Texts, Texts)
def test_a_call_as_a_line_of_a_shell_is_one_command(reason: str, words: str) -> None:
    """Whatever somebody typed: it stays inside its quotes."""
    line = as_curl(calls.vote_on_review("r", function="legal", verdict="approve", digest="d", reason=reason))
    parts = shlex.split(line)
    assert parts[0] == "curl"
    assert parts.count("-d") == 1
    assert len([one for one in parts if one.startswith("$MONEYER_POLICY_URL")]) == 1
    listed = shlex.split(as_curl(calls.list_charters(words=words)))
    assert len(listed) == 4


def test_no_token_stands_in_a_call() -> None:
    assert '"Authorization: Bearer $TOKEN"' in as_curl(calls.list_members())


# --- tables and inbox --------------------------------------------------------------------------------


def test_a_line_that_was_cut_short_is_not_shown() -> None:
    assert preview_of("") is None
    cut = preview_of('a,b\n1,2\n3,"x\n')
    assert cut is not None
    assert cut.rows == [["1", "2"]]
    whole = preview_of("a,b\n1,2\n3,4\n")
    assert whole is not None
    assert whole.rows == [["1", "2"], ["3", "4"]]
    beginning = preview_of("a,b\n1,2\n3,4")
    assert beginning is not None
    assert beginning.rows == [["1", "2"]]


def entry(**changes: Any) -> dict[str, Any]:
    made = {"kind": "vote", "about": "plan", "id": "i", "title": "t", "because": "b", "since": "s", "due_by": None}
    return made | {"href": "/v1/reviews/7"} | changes


def test_what_waits_leads_to_its_page_where_there_is_one() -> None:
    told = {
        "entries": [
            entry(),
            entry(href="/v1/runs/9/decision", kind="expiry"),
            entry(href="/v1/incidents/1", kind="duty"),
        ]
    }
    assert [one.to for one in entries_of(told, "")] == ["/reviews/7", "/runs/9", None]
    assert len(entries_of(told, "duty")) == 1


def test_the_number_in_the_navigation_counts_what_one_can_do_something_about() -> None:
    assert waiting_in({"counts": {"vote": 2, "duty": 1, "request": 9}}) == 3
