"""What waits for one person: exactly what is theirs to do, in one order, and gone once it is done."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from attacks.cast import COMMITTEE, seated
from hypothesis import given
from hypothesis import strategies as st
from policy.conftest import World
from policy.stories.words import configuration, later
from sqlalchemy import event

from moneyer_policy.inbox.documents import EPOCH, InboxEntry, place_of
from moneyer_policy.reviews.rules.quorum import Quorum, Stage
from moneyer_policy.reviews.rules.review import Condition, Review, Vote, missing, tally
from moneyer_shared.clock import EARLIEST, LATEST
from moneyer_shared.errors import Invalid

SOMETHING = "00000000-0000-0000-0000-000000000007"


async def inbox(world: World, person: str, query: str = "") -> Any:
    return await world.get(f"/v1/inbox{query}", person)


async def waits(world: World, person: str, kind: str) -> list[dict[str, Any]]:
    found = await inbox(world, person)
    entries = [entry for entry in found["entries"] if entry["kind"] == kind]
    assert found["counts"][kind] == len(entries)
    assert (await inbox(world, person, f"?kind={kind}"))["entries"] == entries
    return entries


async def proposed(world: World) -> str:
    made = await world.post("steward", "/v1/configurations", 201, configuration(name=f"c-{uuid4().hex[:6]}"))
    return made["review_id"]


# --- votes -------------------------------------------------------------------------------------------


async def test_a_vote_waits_for_who_can_cast_it_and_for_nobody_else(world: World) -> None:
    await seated(world)
    review = await proposed(world)
    for person in COMMITTEE:
        (entry,) = await waits(world, person, "vote")
        assert (entry["id"], entry["href"], entry["about"]) == (review, f"/v1/reviews/{review}", "configuration")
        assert entry["title"].startswith("Configuration c-")
        assert entry["due_by"] is not None
    assert "privacy is still missing" in (await waits(world, "privacy-officer", "vote"))[0]["because"]
    assert "you hold legal" in (await waits(world, "counsel", "vote"))[0]["because"]
    for person in ("scientist", "steward", "auditor", "admin"):
        assert await waits(world, person, "vote") == []
    assert (await world.ballot(review, "counsel", function="legal")).status_code == 201
    assert await waits(world, "counsel", "vote") == [], "who has voted is not asked again"
    assert len(await waits(world, "privacy-officer", "vote")) == 1
    assert (await world.ballot(review)).json()["state"] == "approved"
    assert await waits(world, "product-lead", "vote") == [], "what is over waits for nobody"


async def test_a_vote_on_ones_own_matter_does_not_wait(world: World) -> None:
    await seated(world)
    await world.post("admin", "/v1/committee/members", 204, {"subject": "steward", "function": "legal"})
    await proposed(world)
    assert await waits(world, "steward", "vote") == [], "they proposed it"
    (mine,) = await waits(world, "steward", "request")
    assert "privacy 1" in mine["because"]


async def test_whom_a_proposal_names_is_asked_only_where_their_no_counts(world: World) -> None:
    await world.set_up()
    await world.post("admin", "/v1/committee/members", 204, {"subject": "lead-scientist", "function": "data_science"})
    asked = {"rule": "rows.maximum", "requester": "lead-scientist", "reason": "r", "valid_until": later(world, days=5)}
    asked["rule"] = next(rule["code"] for rule in await world.get("/v1/rules") if rule["waivable"])
    await world.post("scientist", f"/v1/charters/{world.charter_id}/exceptions", 202, asked)
    (entry,) = await waits(world, "lead-scientist", "vote")
    assert "you may only say no" in entry["because"]
    await world.post("steward", f"/v1/populations/{world.population_id}/budget-versions", 202, {
        "epsilon": "3", "delta": "0.00001", "reason": "more"})  # fmt: skip
    titles = {entry["title"] for entry in await waits(world, "privacy-officer", "vote")}
    assert any(title.startswith("Budget of ε 3 of p-") for title in titles)


async def test_a_lent_function_brings_its_votes_while_it_is_lent(world: World) -> None:
    await seated(world)
    review = await proposed(world)
    lent = {
        "delegate": "assessor", "function": "privacy", "valid_from": later(world), "valid_until": later(world, days=5),
    }  # fmt: skip
    await world.post("privacy-officer", "/v1/committee/delegations", 201, lent)
    (entry,) = await waits(world, "assessor", "vote")
    assert "privacy-officer lent you privacy" in entry["because"]
    assert (await world.ballot(review)).status_code == 201
    assert await waits(world, "assessor", "vote") == [], "their vote was cast by themselves"
    second = await proposed(world)
    assert [entry["id"] for entry in await waits(world, "assessor", "vote")] == [second]
    world.now += timedelta(days=6)
    assert await waits(world, "assessor", "vote") == [], "it is lent no more"
    assert len(await waits(world, "privacy-officer", "vote")) == 1
    world.now += timedelta(days=9)
    assert await waits(world, "privacy-officer", "vote") == [], "its time is over, whether that was fired or not"


async def test_what_can_be_voted_on_in_the_inbox_can_be_voted_on(world: World) -> None:
    """The inbox and the door agree, for everybody, over matters of several kinds and people of every standing."""
    await world.set_up(reviews={"plan": {"stages": [{"name": "s", "counts": {"privacy": 2}}]}})
    for person, function in {"product-lead": "product", "scientist": "privacy", "steward": "privacy"}.items():
        await world.post("admin", "/v1/committee/members", 204, {"subject": person, "function": function})
    await world.decide()
    await proposed(world)
    people = {"privacy-officer": "privacy", "counsel": "legal", "product-lead": "product"}
    people |= {"scientist": "privacy", "steward": "privacy", "assessor": "privacy"}
    for person, function in people.items():
        listed = {entry["id"] for entry in await waits(world, person, "vote")}
        for review in await world.get("/v1/reviews?state=open"):
            body = {"function": function, "verdict": "approve", "digest": review["digest"], "reason": "r"}
            path = f"/v1/reviews/{review['id']}/votes"
            if review["id"] in listed:
                cast = await world.call(person, "POST", path, json=body, scope="policy:read policy:votes:write")
                assert cast.status_code == 201, (person, review["kind"], cast.text)
                assert review["id"] not in {entry["id"] for entry in await waits(world, person, "vote")}
            else:
                refused = await world.call(person, "POST", path, json=body, scope="policy:read policy:votes:write")
                assert refused.status_code in {403, 409}, (person, review["kind"], refused.text)


# --- conditions, requests, refusals ------------------------------------------------------------------


async def test_a_condition_waits_for_who_set_it_and_who_asked(world: World) -> None:
    await seated(world)
    review = await proposed(world)
    await world.ballot(review, conditions=["show the noise"])
    await world.ballot(review, "counsel", function="legal")
    (setter,), (asker,) = await waits(world, "privacy-officer", "condition"), await waits(world, "steward", "condition")
    assert setter["title"].startswith("show the noise (Configuration")
    assert "say when it is met" in setter["because"]
    assert "privacy-officer says when it is met" in asker["because"]
    assert setter["href"] == f"/v1/reviews/{review}"
    assert await waits(world, "counsel", "condition") == []
    (request,) = await waits(world, "steward", "request")
    assert "1 of its conditions" in request["because"]
    path = f"/v1/reviews/{review}/conditions/{setter['id']}:meet"
    await world.post("privacy-officer", path, 200, {"evidence": "seen"})
    assert await waits(world, "privacy-officer", "condition") == []
    assert await waits(world, "steward", "request") == []


async def test_a_refusal_waits_for_who_was_refused_for_a_fortnight(world: World) -> None:
    await world.set_up(reviews={"plan": {"stages": [{"name": "s", "counts": {"privacy": 1}}]}})
    denied = (await world.decide(use_case="unheard-of")).json()
    reviewed = (await world.decide()).json()
    (request,) = await waits(world, "scientist", "request")
    assert request["title"].startswith("Plan for research under “")
    assert (await world.ballot(reviewed["review_id"], verdict="reject")).status_code == 201
    refusals = await waits(world, "scientist", "refusal")
    assert {entry["about"] for entry in refusals} == {"decision"}, "a plan's refusal is told once"
    assert len(refusals) == 2
    assert f"/v1/decisions/{denied['id']}" in {entry["href"] for entry in refusals}
    assert any("use-case" in entry["because"] or "use_case" in entry["because"] for entry in refusals)
    configuration_review = await proposed(world)
    await world.ballot(configuration_review, verdict="reject")
    await world.ballot(configuration_review, "counsel", verdict="reject", function="legal")
    (refused,) = await waits(world, "steward", "refusal")
    assert refused["because"] == "You asked for it; it was rejected."
    assert await waits(world, "counsel", "refusal") == []
    world.now += timedelta(days=15)
    assert await waits(world, "scientist", "refusal") == []


# --- incidents and what ends -----------------------------------------------------------------------------


async def test_duties_wait_for_who_answers_for_the_incident_now(world: World) -> None:
    said = {
        "title": "leak", "severity": "high", "description": "d", "personal_data": True,
        "discovered_at": (world.now - timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    incident = (await world.post("privacy-officer", "/v1/incidents", 201, said))["id"]
    action = {"action": "rotate", "owner": "counsel", "due_at": later(world, days=2)}
    await world.post("privacy-officer", f"/v1/incidents/{incident}/actions", 201, action)
    (duty,) = await waits(world, "privacy-officer", "duty")
    assert duty["title"] == "Notify supervisory authority: leak"
    assert duty["href"] == f"/v1/incidents/{incident}"
    (mend,) = await waits(world, "counsel", "action")
    assert mend["title"] == "rotate: leak"
    given = await world.call("admin", "PUT", f"/v1/owners/incident/{incident}", json={"owner": "counsel"})
    assert given.status_code == 200
    assert await waits(world, "privacy-officer", "duty") == []
    (duty,) = await waits(world, "counsel", "duty")
    await world.post("counsel", f"/v1/incidents/{incident}/duties/{duty['id']}:done", 200, {"evidence": "sent"})
    await world.post("counsel", f"/v1/incidents/{incident}/actions/{mend['id']}:done", 200)
    assert (await inbox(world, "counsel"))["entries"] == []


async def test_what_ends_soon_waits_for_whose_it_is(world: World) -> None:
    await world.set_up()
    await world.post("steward", "/v1/attestations", 201, {
        "person": "scientist", "topic": "privacy", "evidence": "e", "valid_until": later(world, days=29)})  # fmt: skip
    await world.decide()
    ends = {entry["about"]: entry for entry in await waits(world, "scientist", "expiry")}
    assert {"permit", "training.expiry"} <= set(ends)
    assert ends["permit"]["href"].endswith("/decision")
    owner = await waits(world, (await world.get(f"/v1/charters/{world.charter_id}"))["document"]["owner"], "expiry")
    assert "assessment.expiry" in {entry["about"] for entry in owner}
    assert not {entry["about"] for entry in await waits(world, "counsel", "expiry")}
    world.now += timedelta(hours=1)
    assert "permit" not in {entry["about"] for entry in await waits(world, "scientist", "expiry")}


# --- the whole of it ----------------------------------------------------------------------------------


async def test_pages_follow_one_order_and_leave_nothing_out(world: World) -> None:
    await seated(world)
    reviews = [await proposed(world) for _ in range(3)]
    for number in range(230):
        await world.sql(
            "INSERT INTO reviews (kind, subject, digest, document, barred, named, quorum, state, opened_by, opened_at,"
            " expires_at) SELECT kind, $2, digest, document, barred, named, quorum, state, opened_by, opened_at,"
            " expires_at + make_interval(hours => $3) FROM reviews WHERE id = $1::uuid",
            reviews[0], f"configuration:{uuid4()}", number % 7,
        )  # fmt: skip
    seen: list[dict[str, Any]] = []
    path: str | None = "/v1/inbox"
    while path:
        answer = await world.call("counsel", "GET", path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["counts"]["vote"] == 233
        seen += answer.json()["entries"]
        if len(seen) == 100:
            assert (await world.ballot(seen[-1]["id"], "counsel", function="legal")).status_code == 201
            assert (await world.ballot(seen[-1]["id"], "counsel", function="legal")).status_code == 409
            await world.sql("UPDATE reviews SET state = 'open' WHERE state = 'open'")
            break
        path = None
    # The last of the page was voted on meanwhile: the next page goes on after its place all the same.
    following = re.search(r"<([^>]+)>", answer.headers["link"])[1]
    while following:
        answer = await world.call("counsel", "GET", following)
        assert answer.status_code == 200, answer.text
        seen += answer.json()["entries"]
        link = re.search(r"<([^>]+)>", answer.headers.get("link", ""))
        following = link[1] if link else None
    assert len(seen) == 233
    assert len({entry["id"] for entry in seen}) == 233
    assert [entry["due_by"] for entry in seen] == sorted(entry["due_by"] for entry in seen)


async def test_an_inbox_takes_as_many_questions_however_much_waits(world: World) -> None:
    await world.set_up()
    await seated(world)
    asked: list[str] = []
    engine = world.dependencies.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    few = [await proposed(world)]
    asked.clear()
    await inbox(world, "counsel")
    for_one = len(asked)
    for _ in range(12):
        few.append(await proposed(world))
        await world.ballot(few[-1], "product-lead", function="product", conditions=["c"])
    asked.clear()
    assert len((await inbox(world, "counsel"))["entries"]) >= 13
    assert len(asked) == for_one
    asked.clear()
    assert len(await world.get("/v1/reviews?state=open", "counsel")) == 13
    assert len(asked) < 8, "a list of reviews asks for the votes of all of them at once"


@pytest.mark.parametrize("after", ["x", "0.1", "2.1." + SOMETHING, "0.1e3." + SOMETHING, "0." + "9" * 19 + ".", "%00"])
async def test_an_odd_cursor_is_refused(world: World, after: str) -> None:
    assert (await world.call("counsel", "GET", f"/v1/inbox?after={after}")).status_code == 422


@pytest.mark.parametrize("microseconds", ["999999999999999999", "-999999999999999999"])
async def test_a_place_beyond_time_is_refused(world: World, microseconds: str) -> None:
    answer = await world.call("counsel", "GET", f"/v1/inbox?after=0.{microseconds}.{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor-unreadable")


@given(st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None)), st.booleans(), st.uuids())
def test_a_cursor_names_its_place_exactly(moment: Any, limited: bool, name: Any) -> None:
    moment = moment.replace(tzinfo=EPOCH.tzinfo)
    entry = InboxEntry(
        kind="vote", about="plan", id=name, title="t", because="b", since=moment, due_by=moment if limited else None,
        href="/",
    )  # fmt: skip
    try:
        assert place_of(entry.cursor) == (not limited, moment, name)
    except Invalid:
        pytest.fail("a place that was told can be gone on from")


# --- what a review still takes ----------------------------------------------------------------------------

FUNCTIONS = st.sampled_from(["privacy", "security", "legal", "product", "data_science"])


@given(
    st.dictionaries(FUNCTIONS, st.integers(1, 2), max_size=3), st.integers(1, 5), st.integers(1, 4),
    st.lists(FUNCTIONS, max_size=6), st.booleans(),
)  # fmt: skip
def test_what_is_missing_is_what_would_approve(
    counts: dict[str, int], total: int, functions: int, cast: list[str], met: bool
) -> None:
    """Nothing is missing exactly of what is approved; and cast as told, what was missing approves."""
    now = EPOCH
    stage = Stage("s", counts, max(total, sum(counts.values())), 9, minimum_functions=functions)

    def review(cast: list[str], met: bool = True) -> Review:
        votes = tuple(
            Vote(f"p{i}", f"p{i}", function, "approve", "d", 0, now) for i, function in enumerate(cast)
        )  # fmt: skip
        conditions = (Condition("x", met),)
        return Review("r", "k", "d", frozenset(), Quorum((stage,)), "open", now + timedelta(1), votes, conditions)

    found = missing(review(cast, met), now)
    nothing = not (found.approvals or found.functions or found.counts or found.conditions)
    assert nothing == (tally(review(cast, met), now).state == "approved")
    further = [name for name, count in found.counts.items() for _ in range(count)]
    new = [
        name for name in ("privacy", "security", "legal", "product", "data_science") if name not in {*cast, *further}
    ]
    further += new[: max(functions - len({*cast, *further}), 0)]
    further += ["legal"] * (found.approvals - len(further))
    assert tally(review(cast + further), now).state == "approved"
    if found.approvals:
        assert tally(review(cast + further[:-1]), now).state == "open"


# --- lists of one's own --------------------------------------------------------------------------------------


async def test_lists_are_asked_for_ones_own_and_by_ids(world: World) -> None:
    await world.set_up()
    review = await proposed(world)
    assert [one["id"] for one in await world.get("/v1/reviews?requested_by=me", "steward")] == [review]
    assert await world.get("/v1/reviews?requested_by=me", "counsel") == []
    (shown,) = await world.get("/v1/reviews?requested_by=steward&state=open")
    assert shown["missing"] == {"counts": {"privacy": 1}, "approvals": 2, "functions": 2, "conditions": 0}
    assert (await world.get("/v1/reviews?state=approved"))[0]["missing"] is None
    await world.decide()
    assert len(await world.get("/v1/decisions?requester=me", "scientist")) == 1
    assert await world.get("/v1/decisions?requester=me", "steward") == []
    first = world.charter_id
    await world.make_charter()
    for query in (f"charter={first}", f"charter={first}&charter={uuid4()}", f"charter={first}&at={later(world)[:19]}Z"):
        assert [one["id"] for one in await world.get(f"/v1/charters?{query}")] == [first]
    owner = (await world.get(f"/v1/charters/{first}"))["document"]["owner"]
    assert len(await world.get("/v1/charters?owner=me", owner)) == 2
    assert await world.get("/v1/charters?owner=me", "counsel") == []


async def test_a_caller_is_told_who_they_are_here(world: World) -> None:
    await seated(world)
    lent = {
        "delegate": "assessor", "function": "privacy", "valid_from": later(world), "valid_until": later(world, days=5),
    }  # fmt: skip
    await world.post("privacy-officer", "/v1/committee/delegations", 201, lent)
    me = await world.get("/v1/me", "assessor")
    assert (me["subject"], me["client"]) == ("assessor", "assessor")
    assert me["functions"] == [{"function": "privacy", "principal": "privacy-officer"}]
    assert "policy:assessments:write" in me["scopes"]
    assert (await world.get("/v1/me", "auditor"))["functions"] == []
