"""``moneyer login``, ``logout`` and ``whoami``."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer

from moneyer import calls
from moneyer.cli.console import harmless, say, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, ProfileName, speak
from moneyer.profiles import USUAL, Profile, Profiles
from moneyer.signed_in import PATIENCE
from moneyer.signing_in import Issuer, NotSignedIn, Waiting, check_address
from moneyer_shared.documents import read_json

SERVICES = ("policy", "generation", "evaluation", "lineage")
LOCAL_CLIENT = "cli"


def add_to(app: typer.Typer) -> None:
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)


def login(
    issuer: Annotated[str | None, typer.Option(envvar="MONEYER_ISSUER", help="Your OpenID Connect issuer.")] = None,
    url: Annotated[
        str | None,
        typer.Option(envvar="MONEYER_URL", help="Where the services are, each below its name."),
    ] = None,
    client_id: Annotated[str, typer.Option(help="This command line's name at the issuer.")] = "moneyer-cli",
    scope: Annotated[str, typer.Option(help="Further scopes, where the issuer wants one for our audience.")] = "",
    audience: Annotated[str, typer.Option(help="The audience, where the issuer wants it named.")] = "",
    profile: ProfileName = USUAL,
    data: Data = DEFAULT_DATA,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Sign in by a code that you type in a browser; without --issuer where you signed in last, else on this machine."""
    profiles = Profiles()
    where = _where(profiles.find(profile), data, issuer, url, client_id, scope, audience)
    with httpx.Client(timeout=PATIENCE) as http:
        found = Issuer.discover(where.issuer, where.client_id, http)
        waiting = found.begin(scope=where.scope, audience=where.audience)
        _show(waiting, browser=browser)
        tokens = found.wait(waiting)
    with profiles.alone(profile):
        profiles.save(profile, where)
        profiles.keep(profile, tokens)
    tell("green", "Signed in", f"The tokens are kept in {profiles.keeper.place}.")


def logout(profile: ProfileName = USUAL) -> None:
    """Forget the tokens, and have the issuer forget them; a browser's own sign-in there stays."""
    profiles = Profiles()
    where, tokens = profiles.find(profile), profiles.tokens(profile)
    if where is None or tokens is None:
        say("Nobody is signed in here.")
        return
    profiles.forget(profile)
    try:
        with httpx.Client(timeout=PATIENCE) as http:
            ended = Issuer.discover(where.issuer, where.client_id, http).revoke(tokens)
    except NotSignedIn as error:
        raise NotSignedIn(
            f"Signed out here, but the issuer was not told and goes on taking the token: {error}"
        ) from error
    say("Signed out." if ended else "Signed out here; the issuer has no place to give tokens back.")


def whoami(data: Data = DEFAULT_DATA, person: Person = "steward", profile: ProfileName = USUAL) -> None:
    """Who speaks, by which functions and with which rights, as policy sees it."""
    with speak(data, person, profile) as client:
        me = client.send(calls.get_me())
        tell("bold", me["subject"], f"through {me['client']}, at {client.connection.services['policy']}")
    for power in me["functions"]:
        lent = "" if power["principal"] == me["subject"] else f", lent by {power['principal']}"
        tell("", f"  votes for {power['function']}{lent}")
    tell("", "  may", ", ".join(me["scopes"]) or "do nothing: ask for a role at the identity provider")
    tell("", "  until", datetime.fromisoformat(me["expires_at"]).astimezone().isoformat(" ", "minutes"))


def _where(
    known: Profile | None, data: Path, issuer: str | None, url: str | None, client_id: str, scope: str, audience: str
) -> Profile:
    """Where to sign in, and where the services are then.

    Raises:
        NotSignedIn: too little is said, or a token would go over the network in clear.
    """
    if issuer is None:
        local = data / "client.json"
        if data != DEFAULT_DATA or (known is None and local.exists()):
            return _on_this_machine(local)
        if known is None:
            raise NotSignedIn("Say where to sign in: moneyer login --issuer https://… --url https://…")
        return known
    services = _services(url) or (known.services if known and known.issuer == issuer else {})
    if set(services) != set(SERVICES):
        raise NotSignedIn("Say where the services are: --url https://…, or MONEYER_POLICY_URL and so on, one for each.")
    for name, address in services.items():
        check_address(address, name)
    return Profile(issuer, client_id, services, scope, audience)


def _services(url: str | None) -> Mapping[str, str]:
    if url is not None:
        return {name: f"{url.rstrip('/')}/{name}" for name in SERVICES}
    told = {name: os.environ.get(f"MONEYER_{name.upper()}_URL") for name in SERVICES}
    return {name: address.rstrip("/") for name, address in told.items() if address}


def _on_this_machine(local: Path) -> Profile:
    if not local.exists():
        raise NotSignedIn(f"No moneyer was started in {local.parent}; run: moneyer up --data {local.parent}")
    said = read_json(local.read_bytes())
    issuer = said.get("issuer") or said["token_url"].removesuffix("/token")
    return Profile(issuer, LOCAL_CLIENT, said["services"])


def _show(waiting: Waiting, *, browser: bool) -> None:
    page = waiting.page_with_code or waiting.page
    check_address(waiting.page, "the page to sign in at")
    tell("bold", "Open", waiting.page)
    tell("bold", "and type", waiting.user_code)
    if browser and sys.stdout.isatty():
        check_address(page, "the page to sign in at")
        webbrowser.open(page)
    say(f"[dim]waiting until {harmless(datetime.fromtimestamp(waiting.ends_at).astimezone().strftime('%H:%M'))}[/]")
