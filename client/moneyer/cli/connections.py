"""``moneyer connection``, and what ``moneyer source pull`` shows."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, cast

import typer

from moneyer import calls
from moneyer.calls.generation import Use
from moneyer.cli.console import error_console, say, table, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer.client import Moneyer
from moneyer_shared.documents import read_json

app = typer.Typer(help="Places that tables are pulled from and delivered to.", no_args_is_help=True)
ENDS = {"done", "failed", "refused", "cancelled"}
LOOK_SECONDS = 0.5
MOST_LOOKS = 120
NOT_ENDED = 3
"""The exit status where something goes on after the caller has waited long enough: nothing failed."""


@app.command("add")
def add(
    name: str,
    target: Annotated[str, typer.Argument(help="Where it leads, as JSON or as @FILE; it has a kind.")],
    secret_ref: Annotated[str | None, typer.Option(help="env:NAME or file:NAME, where the worker finds it.")] = None,
    user: Annotated[list[str] | None, typer.Option(help="Who else may use it.")] = None,
    use: Annotated[list[str] | None, typer.Option(help="pull or deliver, or both; pull unless said.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Register a connection; nothing is reached yet."""
    text = Path(target[1:]).read_bytes() if target.startswith("@") else target.encode()
    with speak(data, person) as client:
        uses = cast("list[Use]", use or ["pull"])
        call = calls.add_connection(name, read_json(text), secret_ref=secret_ref, users=user or [], uses=uses)
        made = client.send(call)
    say(made["id"])


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """All connections."""
    with speak(data, person) as client:
        found = client.send(calls.list_connections())
    rows = [
        (one["id"], one["name"], one["kind"], ", ".join(one["uses"]), one["owner"], _standing(one)) for one in found
    ]
    table("Connections", ("id", "name", "kind", "for", "owner", "standing"), rows)


@app.command("show")
def show(connection: str, data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """A connection, by name or id."""
    with speak(data, person) as client:
        found = client.send(calls.get_connection(connection_named(client, connection)))
    say(json.dumps(found, indent=2))


@app.command("test")
def probe(connection: str, data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """Have a worker see whether the place can be spoken with, and wait for what it says."""
    with speak(data, person) as client:
        before = client.send(calls.test_connection(connection_named(client, connection)))
        for _ in range(MOST_LOOKS):
            seen = client.send(calls.get_connection(before["id"]))
            if seen["tested_at"] != before["tested_at"]:
                break
            time.sleep(LOOK_SECONDS)
        else:
            tell("yellow", "No answer yet", "a worker takes it up when it has time", to=error_console)
            raise typer.Exit(NOT_ENDED)
    if seen["problem"] is not None:
        tell("red", seen["problem"]["code"], seen["problem"]["detail"], to=error_console)
        raise typer.Exit(1)
    tell("green", "It can be reached.")


@app.command("retire")
def retire(connection: str, data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """Let a connection be used no more."""
    with speak(data, person) as client:
        client.send(calls.retire_connection(connection_named(client, connection)))
    tell("green", "Retired.")


def connection_named(client: Moneyer, named: str) -> str:
    """The id of a connection that was named by its name or its id.

    Raises:
        KeyError: there is none.
    """
    for one in client.send(calls.list_connections()):
        if named in {one["id"], one["name"]}:
            return str(one["id"])
    raise KeyError(named)


def until_ended(
    look: Callable[[], calls.Json], seconds: float, later: str, sleep: Callable[[float], None] = time.sleep
) -> calls.Json:
    """A pull or a delivery once it has ended; ``later`` says how one sees that without waiting.

    Raises:
        Exit: it has not ended after so many seconds, which its owner is told.
    """
    for _ in range(max(1, round(seconds / LOOK_SECONDS))):
        found = look()
        if found["state"] in ENDS:
            return found
        sleep(LOOK_SECONDS)
    tell("yellow", "Not ended yet", f"it goes on without you: {later}", to=error_console)
    raise typer.Exit(NOT_ENDED)


def show_replaced(replaced: Mapping[str, int], rules: Mapping[str, str] | None = None) -> None:
    """How many values of which columns their rules changed; nothing where none did."""
    for name, count in replaced.items():
        by = f" by its rule, {rules[name]}" if rules else " by its rule"
        tell("yellow", name, f"{count} values outside its domain were replaced{by}")


def show_pull(pull: calls.Json) -> None:
    """How a pull stands, with every column that is not as declared."""
    problem = pull["problem"]
    if problem is None:
        what = f"version {pull['version_id']}: {pull['rows']} rows" if pull["state"] == "done" else f"pull {pull['id']}"
        tell("green", pull["state"], what)
        show_replaced(pull["replaced"] or {})
        return
    tell("red", problem["code"], problem["detail"], to=error_console)
    if problem["reasons"]:
        names = list(problem["reasons"][0])
        table("Reasons", names, [[reason.get(name, "") for name in names] for reason in problem["reasons"]])
    raise typer.Exit(1)


def _standing(connection: calls.Json) -> str:
    if connection["retired_at"] is not None:
        return "retired"
    if connection["tested_at"] is None:
        return "not tested"
    return connection["problem"]["code"] if connection["problem"] else "reached"
