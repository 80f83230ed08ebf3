"""Signing in from a terminal at a real issuer over HTTP: the code, what is kept, how it is renewed, and every failure."""

import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from conftest import free_ports
from joserfc.jwk import ECKey, KeySet

from moneyer import AsyncMoneyer, Moneyer, calls
from moneyer.profiles import Files, Keyring, Profile, Profiles
from moneyer.signed_in import SignedIn
from moneyer.signing_in import Issuer, NotSignedIn, Tokens, Waiting
from moneyer_local.identity import create_app
from moneyer_shared.auth import TokenVerifier

SERVICES = {name: f"https://{name}.test" for name in ("policy", "generation", "evaluation", "lineage")}


@dataclass
class Clock:
    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """An issuer that answers over HTTP, the clock it goes by, and somebody's terminal."""

    url: str
    registry: dict[str, Any]
    clock: Clock
    profiles: Profiles
    http: httpx.Client

    def issuer(self, sleep: Callable[[float], None] | None = None, client_id: str = "cli") -> Issuer:
        return Issuer.discover(self.url, client_id, self.http, clock=self.clock, sleep=sleep or self.passes)

    def passes(self, seconds: float) -> None:
        self.clock.now += seconds

    def decides(self, waiting: Waiting, **form: str) -> Callable[[float], None]:
        """Time passes, and meanwhile somebody decides in a browser."""

        def sleep(seconds: float) -> None:
            with httpx.Client(base_url=self.url) as browser:
                page = re.search(r'name="page" value="([^"]+)"', browser.get("/device").text)
                assert page
                browser.post("/device", data={"page": page[1], "user_code": waiting.user_code} | form)
            self.clock.now += seconds

        return sleep

    def signs_in(self, person: str = "steward") -> Tokens:
        waiting = self.issuer().begin()
        return self.issuer(self.decides(waiting, person=person)).wait(waiting)

    def profile(self) -> Profile:
        return Profile(self.url, "cli", SERVICES)

    def signed_in(self) -> SignedIn:
        self.profiles.save("default", self.profile())
        self.profiles.keep("default", self.signs_in())
        found = SignedIn.found(profiles=self.profiles)
        assert found is not None
        return replace(found, clock=self.clock)


@pytest.fixture
def house(registry: dict[str, Any], tmp_path: Path) -> Iterator[House]:
    port = free_ports().base
    url, clock = f"http://127.0.0.1:{port}", Clock()
    server = uvicorn.Server(
        uvicorn.Config(create_app(registry, url, clock=clock), host="127.0.0.1", port=port, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the issuer did not start"
        time.sleep(0.01)
    with httpx.Client() as http:
        yield House(url, registry, clock, Profiles(tmp_path / "config", Files(tmp_path / "config" / "tokens")), http)
    server.should_exit = True
    thread.join(10)


# --- signing in -----------------------------------------------------------------------------------


async def test_a_code_that_is_typed_gives_a_token_for_every_service(house: House) -> None:
    tokens = house.signs_in("lead-scientist")
    public = ECKey.import_key(house.registry["key"]).as_dict(private=False)

    async def keys() -> KeySet:
        return KeySet.import_key_set({"keys": [public]})

    for service in SERVICES:
        verifier = TokenVerifier(issuer=house.url, audience=f"moneyer-{service}", fetch_keys=keys)
        assert (await verifier.verify(tokens.access)).subject == "lead-scientist"
    assert tokens.refresh


def test_a_refusal_and_a_code_that_nobody_types_are_told(house: House) -> None:
    waiting = house.issuer().begin()
    with pytest.raises(NotSignedIn, match="said no"):
        house.issuer(house.decides(waiting, refuse="yes")).wait(waiting)
    waiting = house.issuer().begin()
    with pytest.raises(NotSignedIn, match=r"(in time|too old).*moneyer login"):
        house.issuer().wait(waiting)


def test_an_issuer_that_does_not_know_us_is_told_in_its_own_words(house: House) -> None:
    with pytest.raises(NotSignedIn, match=r"401.*invalid_client"):
        house.issuer(client_id="nobody").begin()
    with pytest.raises(NotSignedIn, match="invalid_client"):
        house.issuer(client_id="console").begin()


# --- issuers as they should not be -----------------------------------------------------------------


GOOD = {
    "issuer": "https://id.test", "token_endpoint": "https://id.test/token",
    "device_authorization_endpoint": "https://id.test/device", "scopes_supported": ["openid", "profile"],
}  # fmt: skip
BEGUN = {"device_code": "d", "user_code": "ABCD", "verification_uri": "https://id.test/device", "expires_in": 60}


def at(
    answers: dict[str, Any], told: dict[str, Any] | bytes = GOOD, name: str = "https://id.test", sleep: Any = None
) -> Issuer:
    """An issuer that says what a test wrote down: by path an answer, or a list of them, one after another."""
    clock = Clock()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("openid-configuration"):
            return httpx.Response(200, content=told if isinstance(told, bytes) else json.dumps(told))
        said = answers[request.url.path]
        said = said.pop(0) if isinstance(said, list) else said
        if isinstance(said, Exception):
            raise said
        status, body = said
        return httpx.Response(status, content=body if isinstance(body, bytes) else json.dumps(body))

    def passes(seconds: float) -> None:
        clock.now += seconds
        if sleep is not None:
            sleep(seconds)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    return Issuer.discover(name, "cli", http, clock=clock, sleep=passes)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (GOOD | {"issuer": "https://evil.test"}, "says that it is"),
        (GOOD | {"issuer": "https://id.test/"}, "as it calls itself"),
        (GOOD | {"token_endpoint": "http://id.test/token"}, "https"),
        (GOOD | {"device_authorization_endpoint": "http://id.test/device"}, "https"),
        ({"issuer": "https://id.test"}, "token endpoint"),
        (b"<html>", "says that it is"), (b"[]", "says that it is"), (b"", "says that it is"),
    ],
    ids=lambda told: str(told)[-60:],
)  # fmt: skip
def test_an_issuer_that_cannot_be_trusted_is_not_asked(told: Any, why: str) -> None:
    with pytest.raises(NotSignedIn, match=why):
        at({}, told)


@pytest.mark.parametrize(
    "address", ["http://id.test", "ftp://id.test", "id.test", "", "https://", "javascript:alert(1)"]
)
def test_tokens_go_nowhere_in_clear(address: str) -> None:
    with pytest.raises(NotSignedIn):
        at({}, GOOD | {"issuer": address}, address)


def test_an_issuer_without_device_grant_says_so() -> None:
    plain = {name: value for name, value in GOOD.items() if not name.startswith("device")}
    with pytest.raises(NotSignedIn, match="device authorization endpoint"):
        at({}, plain).begin()


def test_scopes_are_asked_for_as_the_issuer_has_them() -> None:
    assert at({})._scope("api://moneyer/.default openid") == "openid profile api://moneyer/.default"
    anything = {name: value for name, value in GOOD.items() if name != "scopes_supported"}
    assert at({}, anything)._scope("") == "openid profile offline_access"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", {}, BEGUN | {"user_code": 7}, BEGUN | {"verification_uri": ""}]
)
def test_an_answer_that_is_none_is_told(body: Any) -> None:
    with pytest.raises(NotSignedIn, match="answer has no"):
        at({"/device": (200, body)}).begin()


def test_an_issuer_that_is_away_for_a_while_is_asked_again_less_often() -> None:
    pauses: list[float] = []
    away = httpx.ConnectError("away")
    answers: list[Any] = [
        away, (503, b""), away, (400, {"error": "slow_down"}), (200, {"access_token": "t", "refresh_token": "r"}),
    ]  # fmt: skip
    issuer = at({"/device": (200, BEGUN | {"expires_in": 900}), "/token": answers}, sleep=pauses.append)
    assert issuer.wait(issuer.begin()).access == "t"
    assert pauses == [5, 10, 10, 20, 25]


def test_what_ends_is_told_and_what_is_away_is_not_taken_for_it() -> None:
    kept = Tokens("a", 0, "r")
    with pytest.raises(NotSignedIn, match="has ended"):
        at({"/token": (400, {"error": "invalid_grant"})}).renew(kept)
    with pytest.raises(NotSignedIn, match="does not answer"):
        at({"/token": httpx.ConnectError("away")}).renew(kept)
    with pytest.raises(NotSignedIn, match="no refresh token"):
        at({}).renew(Tokens("a", 0, None))
    renewed = at({"/token": (200, {"access_token": "b"})}).renew(kept)
    assert (renewed.access, renewed.refresh) == ("b", "r"), "an issuer that does not turn them lets the old one stand"
    assert at({}).revoke(kept) is False


# --- what is kept -----------------------------------------------------------------------------------


def test_a_token_renews_itself_and_what_is_kept_goes_with_it(house: House) -> None:
    signed_in = house.signed_in()
    first = signed_in.token()
    assert signed_in.token() == first
    house.clock.now += 600
    second = signed_in.token()
    assert second != first
    assert house.profiles.tokens("default").access == second
    house.clock.now += 600
    assert SignedIn.found(profiles=house.profiles).token() != "", "another process goes on with what was kept"


def test_processes_that_renew_at_once_show_each_refresh_token_once(house: House) -> None:
    signed_in = house.signed_in()
    house.clock.now += 600
    with ThreadPoolExecutor(4) as pool:
        tokens = set(pool.map(lambda _: replace(signed_in).token(), range(8)))
    assert len(tokens) == 1
    house.clock.now += 600
    assert signed_in.token() not in tokens, "no reuse was seen, and the sign-in lives"


def test_who_signed_out_is_signed_out_at_the_issuer_too(house: House) -> None:
    signed_in = house.signed_in()
    kept = house.profiles.tokens("default")
    assert house.issuer().revoke(kept)
    house.clock.now += 600
    with pytest.raises(NotSignedIn, match="has ended"):
        signed_in.token()
    house.profiles.forget("default")
    assert SignedIn.found(profiles=house.profiles) is None
    with pytest.raises(NotSignedIn, match="Nobody is signed in"):
        signed_in.token()


def test_a_file_is_its_owners_alone_and_whole(tmp_path: Path) -> None:
    files = Files(tmp_path / "tokens")
    before = os.umask(0)
    try:
        files.write("default", "secret")
    finally:
        os.umask(before)
    path = tmp_path / "tokens" / "default.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files.write("default", "other")
    assert files.read("default") == "other"
    assert [entry.name for entry in path.parent.iterdir()] == ["default.json"]
    path.chmod(0o644)
    with pytest.raises(NotSignedIn, match="chmod 600"):
        files.read("default")
    files.forget("default")
    files.forget("default")
    assert files.read("default") is None


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00"])
def test_what_was_cut_short_is_told(tmp_path: Path, content: str) -> None:
    profiles = Profiles(tmp_path, Files(tmp_path / "tokens"))
    profiles.keeper.write("default", content)
    with pytest.raises(NotSignedIn, match="sign in again"):
        profiles.tokens("default")


@pytest.mark.parametrize("name", ["../x", "", ".", "a/b", "x" * 65, "a b", "é"])
def test_a_profile_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotSignedIn, match="letters"):
        Profiles(tmp_path, Files(tmp_path)).find(name)


class Ring:
    """A keyring as the package of that name presents one."""

    class errors:  # noqa: N801 - a module there
        class KeyringError(Exception):
            pass

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def _open(self) -> dict[tuple[str, str], str]:
        if self.locked:
            raise self.errors.KeyringError("locked")
        return self.kept

    def get_password(self, service: str, name: str) -> str | None:
        return self._open().get((service, name))

    def set_password(self, service: str, name: str, text: str) -> None:
        self._open()[service, name] = text

    def delete_password(self, service: str, name: str) -> None:
        del self._open()[service, name]


def test_a_keyring_keeps_tokens_and_no_file_does(tmp_path: Path) -> None:
    ring = Ring()
    profiles = Profiles(tmp_path, Keyring(ring))
    profiles.keep("default", Tokens("secret", 1.5, "r"))
    assert profiles.tokens("default") == Tokens("secret", 1.5, "r")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "secret" in path.read_text()]
    profiles.forget("default")
    profiles.forget("default")
    assert profiles.tokens("default") is None
    ring.locked = True
    with pytest.raises(NotSignedIn, match="locked"):
        profiles.tokens("default")


# --- both clients -------------------------------------------------------------------------------------


async def test_both_clients_speak_for_who_signed_in(house: House) -> None:
    signed_in, seen = house.signed_in(), list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    with Moneyer(signed_in) as client:
        client._http = httpx.Client(transport=httpx.MockTransport(answer))
        client.send(calls.get_me())
    async with AsyncMoneyer(signed_in) as waiting:
        waiting._http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        await waiting.send(calls.get_me())
    assert {request.headers["authorization"] for request in seen} == {f"Bearer {signed_in.token()}"}
    assert {str(request.url) for request in seen} == {"https://policy.test/v1/me"}
