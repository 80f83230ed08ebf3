"""``generate`` and ``watch``."""

import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from moneyer import calls
from moneyer.calls.wire import Json
from moneyer.cli.console import console, say, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer.client import Moneyer
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.documents import read_json


def add_to(app: typer.Typer) -> None:
    app.command()(generate)
    app.command()(watch)


def generate(
    plan: Annotated[Path, typer.Argument(help="The plan as JSON.")],
    key: Annotated[str | None, typer.Option(help="Repeat with the same key and nothing happens twice.")] = None,
    follow: Annotated[bool, typer.Option("--watch", help="Stay until the run ends.")] = False,
    only_offer: Annotated[
        bool, typer.Option("--offer", help="Say what the plan would get and lose, and ask for nothing.")
    ] = False,
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """Ask for a synthetic table."""
    asked = Plan.model_validate(read_json(plan.read_bytes()))
    with speak(data, person) as client:
        if only_offer:
            _say_offer(client.send(calls.offer_generation(asked))["offer"])
            return
        run = client.send(calls.request_generation(asked, key=key or str(uuid.uuid4())))
        for caution in run["offer"]["cautions"]:
            tell("yellow", "caution", caution)
        say(run["id"])
        if follow:
            follow_run(client, run["id"])


def _say_offer(offer: Json) -> None:
    tell("bold", offer["guarantee"]["level"], offer["guarantee"]["statement"])
    for caution in offer["cautions"]:
        tell("yellow", "caution", caution)


def watch(run: str, data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """Follow a run until it ends."""
    with speak(data, person) as client:
        follow_run(client, run)


def follow_run(client: Moneyer, run_id: str) -> str:
    """Draw a run's progress; returns the state it ended in."""
    state, failure = "", None
    bar = Progress(TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn(), console=console)
    with bar:
        task = bar.add_task("queued", total=1.0)
        for told in client.watch(run_id):
            state, failure = told["state"], told["failure"]
            bar.update(task, completed=told["progress"], description=state)
    say(f"the run is [bold]{state}[/]" + (f": {failure}" if failure else ""))
    return state
