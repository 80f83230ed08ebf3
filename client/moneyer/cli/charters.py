"""``moneyer charter``."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from moneyer import calls
from moneyer.cli.console import say, table
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer_shared.documents import read_json

app = typer.Typer(help="The written purposes that plans are held against.", no_args_is_help=True)


@app.command("draft")
def draft(
    document: Annotated[Path, typer.Argument(help="The charter as JSON.")],
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """Draft a charter from a JSON document."""
    written = read_json(document.read_bytes())
    with speak(data, person) as client:
        made = client.send(calls.draft_charter(written))
    say(made["id"])


@app.command("submit")
def submit(charter: str, data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """Hand the draft to the committee."""
    with speak(data, person) as client:
        shown = client.send(calls.submit_charter(charter))
    say(f"version {shown['version']} is {shown['state']}: {shown['digest']}")


@app.command("vote")
def vote(
    charter: str,
    function: Annotated[str, typer.Option(help="The function you vote in, e.g. privacy.")],
    reason: Annotated[str, typer.Option()],
    person: Person,
    reject: Annotated[bool, typer.Option("--reject")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Vote on the submitted version as it stands now."""
    with speak(data, person) as client:
        digest = client.send(calls.get_charter(charter))["digest"]
        verdict = "reject" if reject else "approve"
        ballot = calls.vote(charter, function=function, verdict=verdict, digest=digest, reason=reason)
        shown = client.send(ballot)
    say(f"version {shown['version']} is {shown['state']}")


@app.command("assess")
def assess(
    charter: str,
    summary: Annotated[str, typer.Option()],
    days: Annotated[int, typer.Option(help="How long the assessment is valid.")] = 365,
    unacceptable: Annotated[bool, typer.Option("--unacceptable")] = False,
    data: Data = DEFAULT_DATA,
    person: Person = "assessor",
) -> None:
    """Record a privacy impact assessment of the newest version."""
    until = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    with speak(data, person) as client:
        digest = client.send(calls.get_charter(charter))["digest"]
        client.send(
            calls.assess_charter(
                charter, digest=digest, acceptable=not unacceptable, summary=summary, valid_until=until
            )
        )
    say(f"assessed {digest}")


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """All charters, newest version each."""
    with speak(data, person) as client:
        found = client.send(calls.list_charters())
    rows = [(entry["id"], entry["document"]["title"], entry["version"], entry["state"]) for entry in found]
    table("Charters", ("id", "title", "version", "state"), rows)


@app.command("show")
def show(charter: str, data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """A charter's newest version."""
    with speak(data, person) as client:
        say(json.dumps(client.send(calls.get_charter(charter)), indent=2))
