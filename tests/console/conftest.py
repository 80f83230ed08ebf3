"""The console beside the issuer of one machine and the real policy: a browser that follows redirects and keeps cookies.

Everything speaks HTTP to everything, in one process: hosts are applications, and a host that is none does not answer.
"""

import re
from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ISSUER, KEY, Caller, Cluster
from policy.conftest import World, make_world

from moneyer_console.app import create_app
from moneyer_console.settings import Settings
from moneyer_local import identity
from moneyer_shared.service import Surroundings

CONSOLE = "https://console.test"
CALLBACK = f"{CONSOLE}/sign-in/callback"


class Hosts(httpx.AsyncBaseTransport):
    """Applications by host; ``away`` are those that do not answer."""

    def __init__(self) -> None:
        self.apps: dict[str, Any] = {}
        self.away: set[str] = set()
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        app = self.apps.get(request.url.host)
        if app is None or request.url.host in self.away:
            raise httpx.ConnectError("nobody answers", request=request)
        return await httpx.ASGITransport(app).handle_async_request(request)


def settings_at(folder: Path, **changes: Any) -> Settings:
    told = {
        "issuer": ISSUER,
        "client_id": "console",
        "client_secret": "secret",
        "public_url": CONSOLE,
        "session_key": KEY,
        "ended_sessions": folder / "ended",
        **{f"{name}_url": f"http://{name}.test" for name in ("policy", "generation", "evaluation", "lineage")},
    }
    return Settings.model_validate(told | changes)


class Forms(HTMLParser):
    """The forms of a page: where each goes, and what it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self._area: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given.get("action") or ""})
        elif tag == "input" and self.forms and given.get("name"):
            if given.get("type") != "radio" or "checked" in given:
                self.forms[-1][given["name"] or ""] = given.get("value") or ""
        elif tag == "textarea" and self.forms and given.get("name"):
            self._area = given["name"]
            self.forms[-1][self._area or ""] = ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1][self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None


class Browser:
    """What a person's browser does, and no more: cookies, redirects, forms."""

    def __init__(self, hosts: Hosts) -> None:
        self.http = httpx.AsyncClient(transport=hosts, base_url=CONSOLE, follow_redirects=True)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, **options)

    async def send(self, path: str, fields: dict[str, str], **options: Any) -> httpx.Response:
        headers = {"Origin": CONSOLE} | options.pop("headers", {})
        return await self.http.post(path, data=fields, headers=headers, **options)

    async def submit(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        """The form of a page that goes there, as somebody fills it in."""
        form = next(one for one in Forms(page.text).forms if one["action"].endswith(action))
        fields = {name: value for name, value in form.items() if name != "action"} | typed
        return await self.http.post(
            page.url.join(form["action"]), data=fields, headers={"Origin": f"{page.url.scheme}://{page.url.host}"}
        )

    async def sign_in(self, person: str, to: str = "/") -> httpx.Response:
        """Through the issuer's page; the page that it ends on."""
        page = await self.get(f"/sign-in?to={to}")
        return await self.submit(page, "/sign-in", person=person) if page.url.host == "issuer.test" else page

    @property
    def session(self) -> str:
        """The sealed cookie of the session, put together."""
        found = {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar if cookie.domain == "console.test"}
        pieces = sorted(name for name in found if re.fullmatch(r"__Host-moneyer-session(-\d)?", name))
        return "".join(found[name] for name in pieces)


class Console:
    """The application and what it speaks with."""

    def __init__(self, hosts: Hosts, app: Any, registry: dict[str, Any]) -> None:
        self.hosts = hosts
        self.app = app
        self.registry = registry

    def browser(self) -> Browser:
        return Browser(self.hosts)

    @property
    def signing(self) -> Any:
        return self.app.state.console.signing


@pytest.fixture
async def console(registry: dict[str, Any], tmp_path: Path) -> AsyncIterator[Console]:
    """A console with an issuer, and no service that answers yet."""
    made = make_console(registry, tmp_path)
    yield made
    await made.app.state.console.http.aclose()


def make_console(registry: dict[str, Any], folder: Path, *, hosts: Hosts | None = None, **changes: Any) -> Console:
    hosts = hosts or Hosts()
    secret = registry["clients"]["console"]["secret"]
    settings = settings_at(folder, client_secret=secret, **changes)
    app = create_app(settings, http=httpx.AsyncClient(transport=hosts))
    hosts.apps.setdefault("issuer.test", identity.create_app(registry, ISSUER, console_url=CONSOLE))
    hosts.apps["console.test"] = app
    return Console(hosts, app, registry)


@pytest.fixture
async def policy(
    console: Console, cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> AsyncIterator[World]:
    """The real policy behind the console."""
    made = await make_world(cluster, around, caller)
    console.hosts.apps["policy.test"] = made.app
    yield made
    await made.dependencies.database.close()
