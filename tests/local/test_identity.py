"""The issuer of this machine is a real OpenID provider: what it hands out, to whom, how often, and what it refuses."""

import re
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from conftest import ISSUER, SERVICES
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from moneyer_local.identity import CAST, PEOPLE, complete, create_app
from moneyer_shared.auth import TokenVerifier
from moneyer_shared.errors import Unauthenticated

CONSOLE = "http://console.test"
CALLBACK = f"{CONSOLE}/sign-in/callback"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Clock:
    now: float = field(default_factory=lambda: float(int(time.time())))

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """An issuer, the clock it goes by, and one browser."""

    registry: dict[str, Any]
    clock: Clock
    browser: httpx.AsyncClient
    app: Any

    def another_browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ISSUER)

    async def authorize(self, **changes: Any) -> httpx.Response:
        asked = {
            "client_id": "console", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid profile",
            "state": "s t&a=t", "nonce": "n0", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        } | changes  # fmt: skip
        return await self.browser.get("/authorize", params={k: v for k, v in asked.items() if v is not ...})

    async def pick(self, page: httpx.Response, person: str = "counsel", **form: str) -> httpx.Response:
        return await self.browser.post("/sign-in", data={"page": hidden(page), "person": person} | form)

    async def code(self, person: str = "counsel", **changes: Any) -> str:
        answer = await self.authorize(**changes)
        return told(answer if answer.status_code == 303 else await self.pick(answer, person))["code"]

    async def token(self, **form: str) -> httpx.Response:
        told = {"client_id": "console", "client_secret": self.registry["clients"]["console"]["secret"]} | form
        return await self.browser.post("/token", data={name: value for name, value in told.items() if value})

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.token(**(form | changes))

    async def refresh(self, refresh_token: str, **changes: str) -> httpx.Response:
        return await self.token(**({"grant_type": "refresh_token", "refresh_token": refresh_token} | changes))

    async def signed_in(self, person: str = "counsel", **changes: Any) -> dict[str, Any]:
        answer = await self.redeem(await self.code(person, **changes))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def claims(self, token: str) -> dict[str, Any]:
        return jwt.decode(token, ECKey.import_key(self.registry["key"]), algorithms=["ES256"]).claims

    def verifier(self, service: str) -> TokenVerifier:
        public = ECKey.import_key(self.registry["key"]).as_dict(private=False)

        async def keys() -> KeySet:
            return KeySet.import_key_set({"keys": [public]})

        return TokenVerifier(issuer=ISSUER, audience=f"moneyer-{service}", fetch_keys=keys)


@pytest.fixture
async def house(registry: dict[str, Any]) -> AsyncIterator[House]:
    clock = Clock()
    app = create_app(registry, ISSUER, console_url=CONSOLE, clock=clock)
    browser = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER)
    yield House(registry, clock, browser, app)
    await browser.aclose()


def hidden(page: httpx.Response) -> str:
    found = re.search(r'name="page" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def told(answer: httpx.Response) -> dict[str, str]:
    """What a redirect carries back."""
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


# --- a sign-in -----------------------------------------------------------------------------------


async def test_one_sign_in_speaks_to_all_four_services(house: House) -> None:
    page = await house.authorize()
    assert page.status_code == 200
    assert all(f'value="{person}"' in page.text for person in CAST)
    back = await house.pick(page)
    assert back.headers["location"].startswith(CALLBACK + "?")
    assert {**told(back), "code": "…"} == {"code": "…", "state": "s t&a=t", "iss": ISSUER}
    tokens = (await house.redeem(told(back)["code"])).json()
    for service in SERVICES:
        caller = await house.verifier(service).verify(tokens["access_token"])
        assert (caller.subject, caller.client) == ("counsel", "console")
        assert caller.scopes >= set(PEOPLE["counsel"].split())
    identity = house.claims(tokens["id_token"])
    assert (identity["sub"], identity["aud"], identity["nonce"]) == ("counsel", "console", "n0")
    assert (identity["name"], identity["roles"]) == ("Counsel", ["committee-member"])
    assert identity["auth_time"] == int(house.clock.now)
    bound = sha256(tokens["access_token"].encode()).digest()[:16]
    assert identity["at_hash"] == urlsafe_b64encode(bound).rstrip(b"=").decode()
    who = await house.browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert who.json()["sub"] == "counsel"


async def test_neither_token_passes_for_the_other(house: House) -> None:
    tokens = await house.signed_in()
    with pytest.raises(Unauthenticated):
        await house.verifier("policy").verify(tokens["id_token"])
    answer = await house.browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['id_token']}"})
    assert answer.status_code == 401
    hint = {"id_token_hint": tokens["access_token"]}
    assert (await house.browser.get("/end-session", params=hint)).status_code == 400


async def test_a_token_for_a_list_of_others_is_not_for_this_service(registry: dict[str, Any], house: House) -> None:
    from moneyer_local.identity import sign_token

    audience = ["moneyer-lineage", "moneyer-policy"]
    made = sign_token(registry, issuer=ISSUER, client="auditor", audience=audience)
    assert (await house.verifier("policy").verify(made)).subject == "auditor"
    for audience in ([], ["moneyer-lineage"], ["moneyer-policy-2", "xmoneyer-policy"], [["moneyer-policy"]]):
        with pytest.raises(Unauthenticated):
            other = sign_token(registry, issuer=ISSUER, client="auditor", audience=audience)
            await house.verifier("policy").verify(other)


async def test_discovery_names_only_what_answers(house: House) -> None:
    said = (await house.browser.get("/.well-known/openid-configuration")).json()
    assert said["issuer"] == ISSUER
    assert said["code_challenge_methods_supported"] == ["S256"]
    for name, address in said.items():
        if name.endswith("_endpoint"):
            path = address.removeprefix(ISSUER)
            answers = [(await house.browser.request(method, path)).status_code for method in ("GET", "POST")]
            assert set(answers) <= {200, 400, 401, 405}, name
            assert answers != [405, 405], name


async def test_a_service_still_gets_its_own_token(house: House) -> None:
    secret = house.registry["clients"]["generation"]["secret"]
    form = {"grant_type": "client_credentials", "audience": "moneyer-policy"}
    in_the_form = await house.token(client_id="generation", client_secret=secret, **form)
    assert (await house.verifier("policy").verify(in_the_form.json()["access_token"])).subject == "generation"
    in_the_head = await house.browser.post("/token", data=form, auth=("generation", secret))
    assert in_the_head.status_code == 200
    assert (await house.browser.post("/token", data=form, auth=("generation", "x"))).status_code == 401
    assert (await house.token(**form)).json()["error"] == "unauthorized_client", "the console is nobody by itself"


async def test_a_registry_of_an_earlier_version_gets_what_it_lacks() -> None:
    kept = {"key": {}, "clients": {"steward": {"secret": "s", "scope": ""}}}
    completed = complete(kept)
    assert completed["clients"]["steward"]["secret"] == "s"
    assert completed["clients"]["console"]["secret"]
    assert complete(completed) == completed


# --- requests that go nowhere -------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"}, {"client_id": ...}, {"client_id": "generation"}, {"client_id": "cli"},
        {"redirect_uri": ...}, {"redirect_uri": CALLBACK + "/"}, {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CONSOLE}, {"redirect_uri": "http://console.test.evil/sign-in/callback"},
        {"redirect_uri": "HTTP://console.test/sign-in/callback"}, {"redirect_uri": CALLBACK + "/../callback"},
        {"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": CALLBACK + "%00"}, {"state": "x" * 5000},
    ],
    ids=str,
)  # fmt: skip
async def test_nobody_is_sent_where_nobody_registered(house: House, changes: dict[str, Any]) -> None:
    answer = await house.authorize(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "<form" not in answer.text


async def test_a_parameter_that_comes_twice_is_refused(house: House) -> None:
    query = f"client_id=console&redirect_uri={CALLBACK}&response_type=code&redirect_uri=http://evil.test"
    assert (await house.browser.get(f"/authorize?{query}")).status_code == 400
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await house.browser.post(
        "/token", content="grant_type=refresh_token&client_id=a&client_id=b", headers=head
    )
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": ...}, "invalid_scope"),
        ({"code_challenge": ...}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ...}, "invalid_request"),
        ({"code_challenge": VERIFIER + "="}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "http://x"}, "request_uri_not_supported"),
    ],
    ids=str,
)
async def test_a_client_is_told_what_it_asked_wrongly(house: House, changes: dict[str, Any], error: str) -> None:
    answer = told(await house.authorize(**changes))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "s t&a=t", ISSUER)


# --- codes ---------------------------------------------------------------------------------------


async def test_a_code_counts_once_and_its_second_use_ends_what_the_first_gave(house: House) -> None:
    code = await house.code()
    tokens = (await house.redeem(code)).json()
    assert (await house.redeem(code)).json()["error"] == "invalid_grant"
    assert (await house.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_lives_for_a_minute(house: House) -> None:
    code = await house.code()
    house.clock.now += 60
    assert (await house.redeem(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43}, {"code_verifier": ""}, {"code_verifier": CHALLENGE}, {"code_verifier": "v" * 42},
        {"redirect_uri": CONSOLE}, {"redirect_uri": ""},
    ],
    ids=str,
)  # fmt: skip
async def test_a_stolen_code_is_worth_nothing(house: House, changes: dict[str, str]) -> None:
    code = await house.code()
    assert (await house.redeem(code, **changes)).json()["error"] == "invalid_grant"
    assert (await house.redeem(code)).json()["error"] == "invalid_grant", "one guess, and it is spent"


async def test_a_code_is_for_the_client_that_asked_and_its_secret(house: House) -> None:
    code = await house.code()
    assert (await house.redeem(code, client_secret="x")).status_code == 401
    assert (await house.redeem(code, client_secret="")).status_code == 401
    other = house.registry["clients"]["generation"]["secret"]
    refused = await house.redeem(code, client_id="generation", client_secret=other)
    assert refused.json()["error"] == "unauthorized_client"
    assert (await house.redeem(code)).status_code == 200, "others' tries spend nothing"


# --- one browser ----------------------------------------------------------------------------------


async def test_who_is_signed_in_is_asked_again_only_when_the_client_says(house: House) -> None:
    first = house.claims((await house.signed_in())["id_token"])
    house.clock.now += 100
    again = house.claims((await house.redeem(told(await house.authorize(prompt="none"))["code"])).json()["id_token"])
    assert again["auth_time"] == first["auth_time"]
    assert (await house.authorize(max_age="101")).status_code == 303
    for changes in ({"max_age": "100"}, {"max_age": "0"}, {"prompt": "login"}, {"prompt": "select_account"}):
        assert (await house.authorize(**changes)).status_code == 200, changes
    assert told(await house.authorize(max_age="1", prompt="none"))["error"] == "login_required"
    renewed = house.claims((await house.signed_in(max_age="0"))["id_token"])
    assert renewed["auth_time"] == first["auth_time"] + 100


async def test_a_refresh_does_not_make_a_sign_in_younger(house: House) -> None:
    tokens = await house.signed_in()
    house.clock.now += 500
    renewed = (await house.refresh(tokens["refresh_token"])).json()
    assert house.claims(renewed["id_token"])["auth_time"] == house.claims(tokens["id_token"])["auth_time"]


async def test_the_form_counts_once_and_only_in_the_browser_that_was_shown_it(house: House) -> None:
    page = await house.authorize()
    stranger = house.another_browser()
    forged = await stranger.post("/sign-in", data={"page": hidden(page), "person": "admin"})
    assert forged.status_code == 400
    assert not forged.cookies
    assert (await house.pick(page)).status_code == 400, "a page that somebody else sent is spent"
    page = await house.authorize()
    assert (await house.pick(page)).status_code == 303
    assert (await house.pick(page)).status_code == 400
    for form in ({"page": "x", "person": "admin"}, {"person": "admin"}, {}):
        assert (await house.browser.post("/sign-in", data=form)).status_code == 400


async def test_a_planted_session_is_not_gone_on_with(house: House) -> None:
    page = await house.authorize()
    house.browser.cookies.set("moneyer-identity-session", "planted", domain="issuer.test")
    await house.pick(page)
    values = [cookie.value for cookie in house.browser.cookies.jar if cookie.name == "moneyer-identity-session"]
    assert "planted" not in values[-1:]
    stranger = house.another_browser()
    stranger.cookies.set("moneyer-identity-session", "planted")
    house.browser, signed_in = stranger, house.browser
    assert told(await house.authorize(prompt="none"))["error"] == "login_required"
    await signed_in.aclose()


async def test_saying_no_goes_back_with_no_code(house: House) -> None:
    answer = told(await house.pick(await house.authorize(), refuse="yes"))
    assert answer["error"] == "access_denied"
    assert "code" not in answer
    nobody = await house.pick(await house.authorize(), person="root")
    assert nobody.status_code == 400


async def test_pages_run_nothing_and_show_nothing_as_it_came(house: House) -> None:
    shown = [
        await house.authorize(),
        await house.authorize(client_id="<script>alert(1)</script>"),
        await house.browser.get("/device", params={"user_code": '"><script>alert(1)</script>'}),
        await house.browser.get("/end-session"),
    ]
    for page in shown:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "<script" not in page.text
        assert page.headers["cache-control"] == "no-store"
        assert " on" not in "".join(re.findall(r"<[a-z][^>]*>", page.text)).lower()
    assert "for development" in shown[0].text.lower()
    # What a form leads to is held against form-action too, or Chromium would stop at the redirect.
    assert f"form-action 'self' {CONSOLE}" in shown[0].headers["content-security-policy"]


# --- refresh tokens ---------------------------------------------------------------------------------


async def test_a_refresh_token_turns_and_its_reuse_ends_the_family(house: House) -> None:
    first = (await house.signed_in())["refresh_token"]
    second = (await house.refresh(first)).json()["refresh_token"]
    assert second != first
    guessed = second.partition(".")[0] + ".guessed"
    assert (await house.refresh(guessed)).json()["error"] == "invalid_grant"
    third = (await house.refresh(second)).json()["refresh_token"]
    assert (await house.refresh(first)).json()["error"] == "invalid_grant"
    assert (await house.refresh(third)).json()["error"] == "invalid_grant", "whoever reused one ended all"


async def test_a_refresh_token_is_its_clients_alone(house: House) -> None:
    token = (await house.signed_in())["refresh_token"]
    assert (await house.refresh(token, client_id="cli", client_secret="")).json()["error"] == "invalid_grant"
    assert (await house.refresh(token, client_secret="")).status_code == 401
    assert (await house.refresh(token)).status_code == 200


async def test_a_refresh_token_can_be_given_back(house: House) -> None:
    token = (await house.signed_in())["refresh_token"]
    form = {"client_id": "console", "client_secret": house.registry["clients"]["console"]["secret"], "token": token}
    assert (await house.browser.post("/revoke", data=form | {"token": "of.nobody"})).status_code == 200
    assert (await house.browser.post("/revoke", data=form)).status_code == 200
    assert (await house.refresh(token)).json()["error"] == "invalid_grant"


# --- signing out --------------------------------------------------------------------------------------


async def test_signing_out_ends_the_browser_and_what_it_was_used_for(house: House) -> None:
    tokens = await house.signed_in()
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{CONSOLE}/", "state": "bye"}
    stranger = house.another_browser()
    stranger.cookies.update(house.browser.cookies)
    answer = await house.browser.get("/end-session", params=asked)
    assert answer.headers["location"] == f"{CONSOLE}/?state=bye"
    assert (await house.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert told(await house.authorize(prompt="none"))["error"] == "login_required"
    house.browser = stranger
    assert told(await house.authorize(prompt="none"))["error"] == "login_required", "a copied cookie is worth nothing"


async def test_signing_out_leads_nowhere_that_was_not_registered(house: House) -> None:
    tokens = await house.signed_in()
    for uri in ("http://evil.test/", f"{CONSOLE}//evil.test", CONSOLE, CALLBACK):
        asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": uri}
        answer = await house.browser.get("/end-session", params=asked)
        assert (answer.status_code, "location" in answer.headers) == (200, False)
    forged = tokens["id_token"][:-4] + "AAAA"
    for asked in ({"id_token_hint": forged}, {"id_token_hint": tokens["id_token"], "client_id": "cli"}):
        answer = await house.browser.get("/end-session", params=asked | {"post_logout_redirect_uri": f"{CONSOLE}/"})
        assert answer.status_code == 400


async def test_nobody_is_signed_out_by_a_link(house: House) -> None:
    await house.signed_in()
    asked = {"client_id": "console", "post_logout_redirect_uri": f"{CONSOLE}/"}
    page = await house.browser.get("/end-session", params=asked)
    assert page.status_code == 200
    assert (await house.authorize(prompt="none")).status_code == 303, "asked, and nothing done yet"
    stranger = house.another_browser()
    assert (await stranger.post("/sign-out", data={"page": hidden(page)})).status_code == 400
    page = await house.browser.get("/end-session", params=asked)
    answer = await house.browser.post("/sign-out", data={"page": hidden(page)})
    assert answer.headers["location"] == f"{CONSOLE}/"
    assert told(await house.authorize(prompt="none"))["error"] == "login_required"


# --- devices (RFC 8628) --------------------------------------------------------------------------------


async def begin(house: House) -> dict[str, Any]:
    answer = await house.browser.post("/device-authorization", data={"client_id": "cli", "scope": "openid profile"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def poll(house: House, begun: dict[str, Any]) -> Any:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun["device_code"]}
    answer = await house.token(client_id="cli", client_secret="", **form)
    return answer.json() if answer.status_code == 200 else answer.json()["error"]


async def decide(house: House, user_code: str, **form: str) -> httpx.Response:
    page = await house.browser.get("/device", params={"user_code": user_code})
    return await house.browser.post("/device", data={"page": hidden(page), "user_code": user_code} | form)


async def test_a_device_waits_until_somebody_says_who_speaks(house: House) -> None:
    begun = await begin(house)
    assert begun["user_code"] in begun["verification_uri_complete"]
    assert await poll(house, begun) == "authorization_pending"
    assert await poll(house, begun) == "slow_down"
    house.clock.now += 5
    assert await poll(house, begun) == "slow_down", "asked too often, it asks less often"
    typed = begun["user_code"].lower().replace("-", " ")
    assert (await decide(house, typed, person="steward")).status_code == 200
    house.clock.now += 20
    tokens = await poll(house, begun)
    caller = await house.verifier("generation").verify(tokens["access_token"])
    assert (caller.subject, caller.client) == ("steward", "cli")
    assert await poll(house, begun) == "expired_token", "a device code counts once"
    renewed = await house.refresh(tokens["refresh_token"], client_id="cli", client_secret="")
    assert renewed.status_code == 200


async def test_a_device_is_refused_or_forgotten(house: House) -> None:
    refused, forgotten = await begin(house), await begin(house)
    await decide(house, refused["user_code"], refuse="yes")
    assert await poll(house, refused) == "access_denied"
    assert (await decide(house, refused["user_code"], person="admin")).status_code == 400, "no is no"
    house.clock.now += 600
    assert await poll(house, forgotten) == "expired_token"
    assert (await decide(house, forgotten["user_code"], person="admin")).status_code == 400


async def test_a_device_is_let_in_only_from_a_page(house: House) -> None:
    begun = await begin(house)
    form = {"user_code": begun["user_code"], "person": "admin"}
    assert (await house.browser.post("/device", data=form)).status_code == 400
    page = await house.browser.get("/device")
    stranger = house.another_browser()
    assert (await stranger.post("/device", data=form | {"page": hidden(page)})).status_code == 400
    sign_in = await house.authorize()
    assert (await house.browser.post("/device", data=form | {"page": hidden(sign_in)})).status_code == 400
    assert await poll(house, begun) == "authorization_pending"


async def test_only_the_command_line_is_a_device(house: House) -> None:
    secret = house.registry["clients"]["console"]["secret"]
    form = {"client_id": "console", "client_secret": secret, "scope": "openid"}
    assert (await house.browser.post("/device-authorization", data=form)).json()["error"] == "unauthorized_client"
    assert (await house.browser.post("/device-authorization", data={"client_id": "cli"})).status_code == 400
