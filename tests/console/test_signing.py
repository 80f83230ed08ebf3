"""Signing in and out, and the attacks on it."""

import re
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from console.conftest import CALLBACK, CONSOLE, Console, make_console

from moneyer_console.sessions import sealed_session
from moneyer_console.settings import Settings
from moneyer_console.signin.signing import local_path
from moneyer_console.signin.tokens import claims_of
from moneyer_shared.errors import Forbidden

PROTECTED = ("/reviews", "/runs", "/assets", "/search?q=x", "/reviews/0190c1e0-0000-7000-8000-000000000000")


async def test_somebody_signs_in_and_sees_their_name(console: Console) -> None:
    browser = console.browser()
    page = await browser.sign_in("counsel")
    assert page.url == f"{CONSOLE}/"
    assert "Counsel" in page.text
    assert (await browser.get("/")).status_code == 200


async def test_after_signing_in_one_is_where_one_wanted_to_go(console: Console) -> None:
    page = await console.browser().sign_in("counsel", to="/search%3Fq%3Dvisits")
    assert page.url == f"{CONSOLE}/search?q=visits"


@pytest.mark.parametrize("path", PROTECTED)
async def test_nobody_sees_a_page_without_signing_in(console: Console, path: str) -> None:
    answer = await console.browser().get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?to=%2F")


async def test_the_request_to_the_issuer_carries_state_nonce_and_pkce(console: Console) -> None:
    answer = await console.browser().get("/sign-in", follow_redirects=False)
    asked = {name: value for name, (value,) in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == len(asked["nonce"]) == len(asked["code_challenge"]) == 43
    assert asked["redirect_uri"] == CALLBACK
    again = await console.browser().get("/sign-in", follow_redirects=False)
    assert asked["state"] not in again.headers["location"]


# --- attacks -----------------------------------------------------------------------------------------


async def begun(console: Console) -> tuple[httpx.AsyncClient, str]:
    """A browser that stands before the callback, and the address it was sent back to."""
    browser = console.browser()
    page = await browser.get("/sign-in")
    form = re.search(r'name="page" value="([^"]+)"', page.text)
    assert form
    fields = {"page": form[1], "person": "counsel"}
    answer = await browser.http.post(
        page.url.join("/sign-in"), data=fields, headers={"Origin": "http://issuer.test"}, follow_redirects=False
    )
    return browser.http, answer.headers["location"]


async def test_a_state_is_of_one_use(console: Console) -> None:
    browser, back = await begun(console)
    jar = dict(browser.cookies)
    assert (await browser.get(back, follow_redirects=False)).status_code == 303
    again = await browser.get(back, follow_redirects=False)
    assert again.status_code == 403
    # Whoever kept the cookie of the sign-in cannot carry it through a second time either.
    thief = console.browser().http
    for name, value in jar.items():
        thief.cookies.set(name, value, domain="console.test")
    replayed = await thief.get(back, follow_redirects=False)
    assert replayed.status_code == 403
    assert "carried through before" in replayed.text


async def test_a_state_of_another_browser_is_refused(console: Console) -> None:
    _, back = await begun(console)
    answer = await console.browser().get(back, follow_redirects=False)
    assert answer.status_code == 403
    assert "begin again" in answer.text
    assert "__Host-moneyer-session" not in answer.headers.get("set-cookie", "")


async def test_an_answer_of_another_issuer_is_refused(console: Console) -> None:
    browser, back = await begun(console)
    answer = await browser.get(back.replace("issuer.test", "evil.test"), follow_redirects=False)
    assert answer.status_code == 403
    assert "RFC 9207" in answer.text


async def test_a_code_that_somebody_else_began_is_worth_nothing_here(console: Console) -> None:
    """Code injection: PKCE and nonce bind a code to the browser that began."""
    browser, back = await begun(console)
    _, other = await begun(console)
    code = parse_qs(urlsplit(other).query)["code"][0]
    own = parse_qs(urlsplit(back).query)
    answer = await browser.get(
        "/sign-in/callback", params={"state": own["state"][0], "code": code}, follow_redirects=False
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "told",
    ["https://evil.test/", "//evil.test/", "/\\evil.test", "\\/evil.test", "/%0a//evil", "/ x", "javascript:alert(1)", "", None,
     "/\t/evil.test", "/sign-in?to=/", "/sign-in/callback?code=x"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(told: str | None) -> None:
    to = local_path(told)
    assert to == "/" or (to.startswith("/") and not to.startswith(("//", "/\\")) and "\\" not in to)
    assert urlsplit(to).netloc == ""


async def test_an_open_redirect_leads_home(console: Console) -> None:
    page = await console.browser().sign_in("counsel", to="https%3A%2F%2Fevil.test%2F")
    assert page.url == f"{CONSOLE}/"
    page = await console.browser().sign_in("counsel", to="%2F%2Fevil.test")
    assert page.url == f"{CONSOLE}/"


async def test_a_session_is_new_with_every_sign_in(console: Console) -> None:
    """Session fixation: what was in the browser before signing in is worth nothing afterwards."""
    browser = console.browser()
    await browser.sign_in("counsel")
    planted = browser.session
    victim = console.browser()
    victim.http.cookies.set("__Host-moneyer-session", planted[:3800], domain="console.test", path="/")
    await victim.sign_in("steward")
    assert victim.session != planted
    assert "steward" in (await victim.get("/")).text
    # What had been planted was ended by the sign-in that took its place.
    assert (await browser.get("/reviews", follow_redirects=False)).status_code == 303


async def test_a_stolen_cookie_is_worth_nothing_after_its_owner_signed_out(console: Console) -> None:
    browser, thief = console.browser(), console.browser()
    page = await browser.sign_in("counsel")
    for cookie in browser.http.cookies.jar:
        if cookie.domain == "console.test":
            thief.http.cookies.set(cookie.name, cookie.value or "", domain="console.test", path="/")
    assert "Counsel" in (await thief.get("/")).text
    await browser.submit(page, "/sign-out")
    assert (await thief.get("/reviews", follow_redirects=False)).status_code == 303


async def test_nor_is_it_at_another_process_or_after_a_restart(console: Console, tmp_path: object) -> None:
    browser = console.browser()
    page = await browser.sign_in("counsel")
    stolen = browser.session
    await browser.submit(page, "/sign-out")
    other = make_console(console.registry, tmp_path, hosts=console.hosts)
    assert other.signing.read(stolen) is None


async def test_signing_out_ends_the_session_at_the_issuer_too(console: Console) -> None:
    browser = console.browser()
    page = await browser.sign_in("counsel")
    session = console.signing.read(browser.session)
    after = await browser.submit(page, "/sign-out")
    assert after.url == f"{CONSOLE}/"
    assert "Sign in" in after.text
    assert browser.session == ""
    again = await browser.get("/sign-in")
    assert again.url.host == "issuer.test", "the issuer asks anew who is there"
    answer = await console.app.state.console.http.post(
        "http://issuer.test/token",
        data={"grant_type": "refresh_token", "refresh_token": session.refresh_token},
        auth=httpx.BasicAuth("console", console.registry["clients"]["console"]["secret"]),
    )
    assert answer.status_code == 400


async def test_signing_out_works_while_the_issuer_is_away(console: Console) -> None:
    browser = console.browser()
    page = await browser.sign_in("counsel")
    stolen = browser.session
    console.hosts.away.add("issuer.test")
    after = await browser.submit(page, "/sign-out")
    assert after.url == f"{CONSOLE}/"
    assert console.signing.read(stolen) is None


async def test_nobody_is_signed_out_by_another_site(console: Console) -> None:
    browser = console.browser()
    await browser.sign_in("counsel")
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await browser.send("/sign-out", {}, headers=headers)
        assert answer.status_code == 403
    assert (await browser.send("/sign-out", {"form_token": "guessed"})).status_code == 403
    assert "Counsel" in (await browser.get("/")).text


async def test_a_cookie_is_sealed_and_of_one_purpose(console: Console) -> None:
    browser = console.browser()
    await browser.sign_in("counsel")
    sealed = browser.session
    seal = console.signing.seal
    assert seal.open("session", sealed)["subject"] == "counsel"
    assert seal.open("kept-form", sealed) is None
    assert seal.open("session", sealed[:-8] + "AAAAAAA=") is None
    assert seal.open("session", "") is None
    assert seal.open("session", "é") is None
    token = seal.open("session", sealed)["access_token"]
    assert token not in sealed


async def test_cookies_are_for_this_host_over_https_and_for_no_script(console: Console) -> None:
    browser, back = await begun(console)
    answer = await browser.get(back, follow_redirects=False)
    for told in answer.headers.get_list("set-cookie"):
        assert told.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(told.split("; "))
        assert "Domain" not in told


async def test_a_session_is_over_in_time_whatever_is_renewed(console: Console) -> None:
    browser = console.browser()
    await browser.sign_in("counsel")
    session = console.signing.read(browser.session)
    old = replace(session, began=time.time() - 9 * 3600)
    assert console.signing.read(sealed_session(console.signing.seal, old, lasts=8 * 3600)) is None


# --- while it lasts ----------------------------------------------------------------------------------


def aged(console: Console, browser: object) -> None:
    """Make the browser's access token one that is over."""
    session = console.signing.read(browser.session)
    sealed = sealed_session(console.signing.seal, replace(session, token_ends=time.time() - 1), lasts=8 * 3600)
    for cookie in [one for one in browser.http.cookies.jar if one.name.startswith("__Host-moneyer-session")]:
        browser.http.cookies.delete(cookie.name, cookie.domain, cookie.path)
    for number, start in enumerate(range(0, len(sealed), 3800)):
        name = "__Host-moneyer-session" + (f"-{number}" if number else "")
        browser.http.cookies.set(name, sealed[start : start + 3800], domain="console.test", path="/")


async def test_a_token_that_is_over_is_renewed_once_for_all_that_ask_at_once(console: Console) -> None:
    import asyncio

    browser = console.browser()
    await browser.sign_in("counsel")
    aged(console, browser)
    console.hosts.asked.clear()
    answers = await asyncio.gather(*(browser.get("/") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    renewals = [one for one in console.hosts.asked if one.url.path == "/token"]
    assert len(renewals) == 1, "a refresh token that comes twice ends the session at many issuers"
    assert console.signing.read(browser.session).token_ends > time.time()


async def test_a_session_that_the_issuer_ended_asks_to_sign_in(console: Console) -> None:
    browser = console.browser()
    await browser.sign_in("counsel")
    session = console.signing.read(browser.session)
    await console.signing.provider.revoke(session.refresh_token)
    aged(console, browser)
    answer = await browser.get("/reviews", follow_redirects=False)
    assert answer.headers["location"] == "/sign-in?to=%2Freviews"


async def test_an_issuer_that_is_away_is_said_plainly(console: Console) -> None:
    console.hosts.away.add("issuer.test")
    answer = await console.browser().get("/sign-in")
    assert answer.status_code == 503
    assert "identity provider does not answer" in answer.text


# --- what an ID token must say -----------------------------------------------------------------------

GOOD = {"iss": "https://i", "aud": "console", "sub": "ann", "exp": 1000, "iat": 900, "nonce": "n", "auth_time": 890}


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"iss": "https://j"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": ["console", "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"exp": 900}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": "1000"}, "exp"),
        ({"iat": 2000}, "iat"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "sub"),
        ({"sub": "a b"}, "sub"),
        ({"sub": 7}, "sub"),
    ],
)
def test_an_id_token_for_something_else_is_refused(changed: dict[str, object], broken: str) -> None:
    with pytest.raises(Forbidden, match=broken):
        claims_of(GOOD | changed, issuer="https://i", client="console", nonce="n", now=950)


def test_an_id_token_says_who_and_since_when() -> None:
    told = claims_of(GOOD | {"name": "Ann"}, issuer="https://i", client="console", nonce="n", now=950)
    assert (told.subject, told.name, told.authenticated_at) == ("ann", "Ann", 890)


@pytest.mark.parametrize("address", ["http://console.example", "http://10.0.0.1:8405"])
def test_cookies_go_over_https_but_on_ones_own_machine(address: str, console: Console) -> None:
    settings = console.app.state.console.settings
    with pytest.raises(ValueError, match="https"):
        Settings.model_validate(settings.model_dump() | {"public_url": address})
