"""Pages before the real policy: what they show, what they refuse, and that nothing typed is lost."""

import logging
import re
import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from console.conftest import CONSOLE, Browser, Console, Forms
from policy.conftest import World

from moneyer_console.sessions import sealed_session

CHARTER = "Use of outpatient care"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
VOTE = {"stages": [{"name": "committee", "counts": {"privacy": 1, "legal": 1}}]}


async def signed_in(console: Console, person: str) -> Browser:
    browser = console.browser()
    await browser.sign_in(person)
    return browser


async def a_plan_in_review(policy: World, **plan: Any) -> str:
    await policy.set_up(reviews={"plan": VOTE})
    decided = (await policy.decide(**plan)).json()
    assert decided["verdict"] == "review", decided
    return str(decided["review_id"])


async def ballot(browser: Browser, review_id: str, **typed: str) -> Any:
    page = await browser.get(f"/reviews/{review_id}")
    return await browser.submit(page, "/votes", **({"verdict": "approve", "reason": "It is needed."} | typed))


# --- a vote ------------------------------------------------------------------------------------------


async def test_a_plan_is_read_and_voted_on(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy, rationale="Study of visits")
    counsel = await signed_in(console, "counsel")
    listed = await counsel.get("/reviews")
    assert f"/reviews/{review_id}" in listed.text
    page = await counsel.get(f"/reviews/{review_id}")
    for shown in ("Study of visits", "dpmm-mst", "proven", CHARTER, "Missing: 1 of legal; 1 of privacy", "left"):
        assert shown in page.text, shown
    after = await ballot(counsel, review_id)
    assert after.status_code == 200
    assert "Your vote is cast." in after.text
    assert "Missing: 1 of privacy." in after.text
    (vote,) = (await policy.get(f"/v1/reviews/{review_id}"))["votes"]
    assert (vote["voter"], vote["function"], vote["reason"]) == ("counsel", "legal", "It is needed.")
    assert "You have voted on this" in (await counsel.get(f"/reviews/{review_id}")).text


async def test_the_vote_that_decides_does_so(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    for person in ("counsel", "privacy-officer"):
        after = await ballot(await signed_in(console, person), review_id)
    assert "approved" in after.text
    assert "What came of it" in after.text


async def test_a_charter_stands_beside_the_version_in_force(console: Console, policy: World) -> None:
    await policy.set_up()
    newest = await policy.call("scientist", "GET", f"/v1/charters/{policy.charter_id}")
    document = newest.json()["document"] | {"maximum_rows": 777, "purpose": "By county."}
    headers = {"If-Match": newest.headers["etag"]}
    path = f"/v1/charters/{policy.charter_id}"
    await policy.call("scientist", "PUT", path, json=document, headers=headers)
    await policy.post("scientist", f"{path}:submit", 200)
    (review,) = await policy.get("/v1/reviews?state=open")
    page = (await (await signed_in(console, "counsel")).get(f"/reviews/{review['id']}")).text
    assert "What changes, beside version 1, in force" in page
    changed = re.findall(r'<tr class="changed"><td>(.*?)</td><td>(.*?)</td>', page)
    assert any("50,000" in before and "777" in after for before, after in changed)
    assert re.search(r"\d+ sections stay as they are", page)


async def test_a_condition_is_set_and_met(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    await ballot(counsel, review_id, conditions="The contract is signed.\n\n")
    await ballot(await signed_in(console, "privacy-officer"), review_id)
    page = await counsel.get(f"/reviews/{review_id}")
    assert "not met yet" in page.text
    action = next(one["action"] for one in Forms(page.text).forms if "/conditions/" in one["action"])
    after = await counsel.submit(page, action, evidence="Signed on Monday.")
    assert "The condition is met." in after.text
    assert "approved" in after.text


async def test_every_kind_of_review_has_a_page(console: Console, policy: World) -> None:
    """Those that people put up in a few words; each is shown in words, whatever its document holds."""
    await policy.set_up()
    until = policy.now.replace(year=policy.now.year + 1).isoformat()
    charter = f"/v1/charters/{policy.charter_id}"
    asked = [
        ("steward", f"/v1/populations/{policy.population_id}/budget-versions",
         {"epsilon": "3", "delta": "0.00001", "reason": "More is needed."}),
        ("scientist", f"{charter}/exceptions",
         {"rule": "rows.within-limit", "use_case": "research", "requester": "scientist", "valid_until": until,
          "reason": "Once.", "single_use": True}),
        ("scientist", f"{charter}:retire", {"reason": "It is over."}),
    ]  # fmt: skip
    for person, path, body in asked:
        answer = await policy.call(person, "POST", path, json=body)
        assert answer.status_code in {202, 422}, answer.text
    reviews = await policy.get("/v1/reviews?state=open")
    assert len(reviews) >= 2
    counsel = await signed_in(console, "counsel")
    for review in reviews:
        page = await counsel.get(f"/reviews/{review['id']}")
        assert page.status_code == 200
        assert "What is put up" in page.text


# --- nothing typed is lost ---------------------------------------------------------------------------


def unconfirmed(console: Console, browser: Browser, **changes: Any) -> None:
    """Make it long since whoever is signed in proved who they are."""
    session = console.signing.read(browser.session)
    old = replace(session, **({"confirmed_at": time.time() - 3600} | changes))
    sealed = sealed_session(console.signing.seal, old, lasts=console.app.state.console.settings.session_seconds)
    for cookie in [one for one in browser.http.cookies.jar if one.name.startswith("__Host-moneyer-session")]:
        browser.http.cookies.delete(cookie.name, cookie.domain, cookie.path)
    for number, start in enumerate(range(0, len(sealed), 3800)):
        name = "__Host-moneyer-session" + (f"-{number}" if number else "")
        browser.http.cookies.set(name, sealed[start : start + 3800], domain="console.test", path="/")


async def test_a_vote_asks_first_who_one_is_and_keeps_what_was_typed(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    unconfirmed(console, counsel)
    page = await counsel.get(f"/reviews/{review_id}")
    assert "Prove who you are, and vote" in page.text
    reason = "Wörter, die bleiben: “all of them” & more <b>"
    asked = await ballot(counsel, review_id, reason=reason, conditions="One.\nTwo.")
    assert asked.url.host == "issuer.test"
    assert (await policy.get(f"/v1/reviews/{review_id}"))["votes"] == []
    back = await counsel.submit(asked, "/sign-in", person="counsel")
    assert back.url == f"{CONSOLE}/reviews/{review_id}"
    form = next(one for one in Forms(back.text).forms if one["action"].endswith("/votes"))
    assert (form["reason"], form["conditions"], form["verdict"]) == (reason, "One.\nTwo.", "approve")
    after = await counsel.submit(back, "/votes")
    assert "Your vote is cast." in after.text
    (vote,) = (await policy.get(f"/v1/reviews/{review_id}"))["votes"]
    assert vote["reason"] == reason
    assert "Wörter" not in (await counsel.get("/reviews/" + review_id)).text.split("Your vote</h2>")[1]


async def test_nobody_else_can_prove_it(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    unconfirmed(console, counsel)
    asked = await ballot(counsel, review_id)
    back = await counsel.submit(asked, "/sign-in", person="privacy-officer")
    assert back.status_code == 403
    assert "counsel" in back.text
    assert (await policy.get(f"/v1/reviews/{review_id}"))["votes"] == []


async def test_an_issuer_that_asks_nobody_anew_confirms_nothing(console: Console, policy: World) -> None:
    """``max_age`` is a wish: the answer must say that it was met."""
    counsel = await signed_in(console, "counsel")
    session = console.signing.read(counsel.session)
    begun, _ = await console.signing.begin("/", confirms=session)
    later = replace(begun, at=time.time() + 60)
    with pytest.raises(Exception, match="max_age"):
        from moneyer_console.signin.signing import _check_proved

        _check_proved(later, "counsel", time.time())


async def test_a_session_that_ended_meanwhile_keeps_what_was_typed(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    page = await counsel.get(f"/reviews/{review_id}")
    unconfirmed(console, counsel, began=time.time() - 9 * 3600, confirmed_at=time.time())
    asked = await counsel.submit(page, "/votes", verdict="reject", reason="Not yet.")
    back = asked if asked.url.host == "console.test" else await counsel.submit(asked, "/sign-in", person="counsel")
    form = next(one for one in Forms(back.text).forms if one["action"].endswith("/votes"))
    assert (form["reason"], form["verdict"]) == ("Not yet.", "reject")


async def test_what_was_kept_is_shown_to_nobody_else(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    unconfirmed(console, counsel)
    await ballot(counsel, review_id, reason="Counsel's own words")
    other = await signed_in(console, "privacy-officer")
    for cookie in [one for one in counsel.http.cookies.jar if "kept-form" in one.name]:
        other.http.cookies.set(cookie.name, cookie.value or "", domain="console.test", path="/")
    page = await other.get(f"/reviews/{review_id}")
    assert [one for one in Forms(page.text).forms if one["action"].endswith("/votes")]
    assert "own words" not in page.text


async def test_words_too_long_to_keep_are_shown_to_be_copied(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    unconfirmed(console, counsel)
    answer = await ballot(counsel, review_id, reason="long " * 800, conditions="x" * 40_000)
    assert answer.status_code == 403
    assert "x" * 40_000 in answer.text
    assert "another tab" in answer.text


async def test_a_refusal_is_shown_in_its_words_and_the_form_stays(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    answer = await ballot(counsel, review_id, power="privacy|", reason="As another")
    assert answer.status_code == 403
    assert "You do not hold the function privacy." in answer.text
    form = next(one for one in Forms(answer.text).forms if one["action"].endswith("/votes"))
    assert form["reason"] == "As another"


async def test_a_vote_without_a_reason_says_so(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    answer = await ballot(counsel, review_id, reason="  ")
    assert answer.status_code == 422
    assert "Give a reason" in answer.text
    assert (await policy.get(f"/v1/reviews/{review_id}"))["votes"] == []


async def test_a_form_that_is_sent_twice_votes_once(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    page = await counsel.get(f"/reviews/{review_id}")
    for _ in range(2):
        answer = await counsel.submit(page, "/votes", verdict="approve", reason="Once.")
        assert "Your vote is cast." in answer.text
    assert len((await policy.get(f"/v1/reviews/{review_id}"))["votes"]) == 1


# --- attacks -----------------------------------------------------------------------------------------


async def test_another_site_votes_for_nobody(console: Console, policy: World) -> None:
    """CSRF: without the session's own token, or from elsewhere, nothing happens."""
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    page = await counsel.get(f"/reviews/{review_id}")
    form = next(one for one in Forms(page.text).forms if one["action"].endswith("/votes"))
    good = {**form, "verdict": "approve", "reason": "r"}
    path = good.pop("action")
    other = await signed_in(console, "privacy-officer")
    theirs = next(one for one in Forms((await other.get(f"/reviews/{review_id}")).text).forms if "reason" in one)
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        (good, {"Origin": "https://evil.test"}),
        (good, {"Origin": "null"}),
        (good, {"Sec-Fetch-Site": "cross-site"}),
        (good, {"Sec-Fetch-Site": "same-site"}),
        (good | {"form_token": ""}, {}),
        ({name: value for name, value in good.items() if name != "form_token"}, {}),
        (good | {"form_token": theirs["form_token"]}, {}),
    ]
    for fields, headers in attempts:
        assert (await counsel.send(path, fields, headers=headers)).status_code == 403, headers
    bare = await counsel.http.post(path, data=good)
    assert bare.status_code == 403, "a form that does not say where it comes from"
    sent_as_text = await counsel.http.post(
        path, content="form_token=x", headers={"Origin": CONSOLE, "Content-Type": "text/plain"}
    )
    assert sent_as_text.status_code == 415
    assert (await policy.get(f"/v1/reviews/{review_id}"))["votes"] == []
    assert (await counsel.send(path, good)).status_code == 200


async def test_names_that_callers_choose_stay_text(console: Console, policy: World) -> None:
    """XSS through every name: titles, reasons, conditions, rationales, what was typed, what was searched."""
    review_id = await a_plan_in_review(policy, rationale=HOSTILE)
    newest = await policy.call("scientist", "GET", f"/v1/charters/{policy.charter_id}")
    document = newest.json()["document"] | {"title": HOSTILE[:200], "purpose": HOSTILE}
    path = f"/v1/charters/{policy.charter_id}"
    edited = await policy.call("scientist", "PUT", path, json=document, headers={"If-Match": newest.headers["etag"]})
    assert edited.status_code == 200, edited.text
    await policy.post("scientist", f"{path}:submit", 200)
    counsel = await signed_in(console, "counsel")
    await ballot(counsel, review_id, reason=HOSTILE, conditions=HOSTILE)
    ids = [one["id"] for one in await policy.get("/v1/reviews")]
    pages = [await counsel.get(path) for path in ("/reviews", *(f"/reviews/{one}" for one in ids))]
    pages.append(await counsel.get("/search", params={"q": HOSTILE}))
    pages.append(await counsel.get("/reviews", params={"kind": HOSTILE, "state": HOSTILE}))
    pages.append(await ballot(await signed_in(console, "privacy-officer"), review_id, reason=HOSTILE, power=HOSTILE))
    assert any("&lt;script&gt;alert(1)" in page.text for page in pages)
    for page in pages:
        bare = re.sub(r"&lt;.*?&gt;", "", page.text)
        assert "<script>alert" not in bare
        assert "<img" not in bare
        assert re.findall(r"<script[^>]*>", bare) == re.findall(
            r'<script src="/static/[0-9a-f]+/console.js" defer>', bare
        )
        assert not re.search(r"<[^>]+ on[a-z]+=", bare)
        assert not re.search(r"<[^>]+ style=", bare)
        assert ">49<" not in bare


PAGES = ("/", "/reviews", "/search?q=x", "/no-such-page", "/reviews/not-an-id", "/runs")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("person", ["counsel", None])
async def test_every_page_is_framed_by_nobody_and_kept_by_nobody(
    console: Console, path: str, person: str | None
) -> None:
    browser = await signed_in(console, person) if person else console.browser()
    answer = await browser.get(path, follow_redirects=False)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin", "with no-referrer a form's Origin is null"
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code == 303:
        return
    policy = dict(part.partition(" ")[::2] for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert set(policy["form-action"].split()) <= {"'self'", "http://issuer.test"}
    assert answer.headers["x-frame-options"] == "DENY"


async def test_what_is_the_same_for_everybody_is_kept(console: Console) -> None:
    browser = console.browser()
    page = await browser.get("/")
    for address in re.findall(r'"(/static/[^"]+)"', page.text):
        answer = await browser.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get("/static/0000000000000000/console.css")).status_code == 404
    assert (await browser.get("/static/..%2f..%2fsettings.py/console.css")).status_code == 404


async def test_whoever_may_not_by_the_api_may_not_here(console: Console, policy: World) -> None:
    """IDOR by URL: pages ask with the token of whoever visits, and show the API's refusal."""
    review_id = await a_plan_in_review(policy)
    scientist = await signed_in(console, "scientist")
    page = await scientist.get(f"/reviews/{review_id}")
    assert "others decide" in page.text
    assert not [one for one in Forms(page.text).forms if one["action"].endswith("/votes")]
    token = next(one["form_token"] for one in Forms(page.text).forms if "form_token" in one)
    fields = {
        "form_token": token,
        "power": "legal|",
        "verdict": "approve",
        "reason": "mine",
        "digest": "sha256:" + "0" * 64,
    }
    answer = await scientist.send(f"/reviews/{review_id}/votes", fields)
    assert answer.status_code == 403
    assert "missing-scope" in answer.text or "policy:votes:write" in answer.text
    assert (await policy.get(f"/v1/reviews/{review_id}"))["votes"] == []
    assert (await scientist.get(f"/reviews/{uuid4()}")).status_code == 404


async def test_pages_of_two_people_never_mix(console: Console, policy: World) -> None:
    import asyncio

    await policy.set_up()
    people = ("counsel", "steward", "auditor", "admin")
    browsers = {person: await signed_in(console, person) for person in people}
    for _ in range(5):
        pages = await asyncio.gather(*(browsers[person].get("/reviews") for person in people))
        for person, page in zip(people, pages, strict=True):
            assert f">{person}<" in page.text
            assert not [other for other in people if other != person and f">{other}<" in page.text]
    sent = {
        request.headers.get("authorization") for request in console.hosts.asked if request.url.host == "policy.test"
    }
    assert len(sent - {None}) == len(people)


async def test_no_token_is_shown_or_logged(console: Console, policy: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    session = console.signing.read(counsel.session)
    pages = [await counsel.get(path) for path in ("/", "/reviews", f"/reviews/{review_id}", "/runs", "/search?q=a")]
    pages.append(await ballot(counsel, review_id))
    secret = console.registry["clients"]["console"]["secret"]
    for told in (session.access_token, session.refresh_token, session.id_token, session.id, secret, counsel.session):
        assert told
        assert all(told not in page.text for page in pages)
        assert told not in caplog.text
    assert "Authorization: Bearer $TOKEN" in pages[2].text


# --- away, empty, wrong ------------------------------------------------------------------------------


async def test_a_service_that_is_away_is_named_with_what_still_works(console: Console, policy: World) -> None:
    counsel = await signed_in(console, "counsel")
    answer = await counsel.get("/runs")
    assert answer.status_code == 503
    assert "This page needs generation, which does not answer" in answer.text
    assert re.search(r"policy</td><td>.*?>answers<", answer.text) or "not answer" in answer.text
    assert (await counsel.get("/reviews")).status_code == 200
    console.hosts.away.add("policy.test")
    assert (await counsel.get("/reviews")).status_code == 503
    assert (await counsel.get("/")).status_code in {200, 503}


async def test_a_part_that_is_away_leaves_the_rest_of_a_page(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    page = await counsel.get(f"/reviews/{review_id}")
    assert page.status_code == 200, "generation, which knows the source's name, is away"
    assert f"source {policy.source_id[:8]}" in page.text


async def test_an_empty_list_says_what_will_be_there(console: Console, policy: World) -> None:
    counsel = await signed_in(console, "counsel")
    assert "Nothing waits for votes." in (await counsel.get("/reviews")).text
    assert "Nothing is called so." in (await counsel.get("/search?q=nothing")).text


async def test_a_long_list_goes_on(console: Console, policy: World) -> None:
    await policy.set_up()
    counsel = await signed_in(console, "counsel")
    for number in range(101):
        body = {"name": f"m{number}", "owner": "somebody", "summary": "s"}
        answer = await policy.call("scientist", "POST", f"/v1/models/m{number}/compliance-reviews", json=body)
        if answer.status_code != 202:
            body = {"title": f"i{number}"}
            break
    found = await policy.get("/v1/reviews?state=open")
    first = await counsel.get("/reviews")
    more = re.search(r'<a class="button" href="(\?[^"]+)" rel="next">', first.text)
    assert (more is not None) == (len(found) >= 100)
    if more:
        second = await counsel.get("/reviews" + more[1].replace("&amp;", "&"))
        assert second.status_code == 200
        shown = [set(re.findall(r'href="/reviews/([0-9a-f-]{36})"', page.text)) for page in (first, second)]
        assert not shown[0] & shown[1]
        assert len(shown[0]) == 100


@pytest.mark.parametrize("path", ["/nowhere", "/reviews/x", "/assets/1", "/runs/%00", "/reviews?after=x"])
async def test_an_address_that_leads_nowhere_says_so(console: Console, path: str) -> None:
    answer = await (await signed_in(console, "counsel")).get(path)
    assert answer.status_code in {404, 422}
    assert "<h1>" in answer.text


async def test_an_id_leads_to_what_it_names(console: Console, policy: World) -> None:
    review_id = await a_plan_in_review(policy)
    counsel = await signed_in(console, "counsel")
    assert (await counsel.get("/search", params={"q": f" {review_id} "})).url.path == f"/reviews/{review_id}"
    found = await counsel.get("/search", params={"q": "outpatient"})
    assert CHARTER in found.text


async def test_the_look_is_chosen_without_a_script(console: Console) -> None:
    browser = await signed_in(console, "counsel")
    page = await browser.get("/")
    after = await browser.submit(page, "/theme", theme="dark")
    assert 'data-theme="dark"' in after.text
    after = await browser.submit(after, "/theme", theme='"><script>')
    assert "data-theme" not in after.text
