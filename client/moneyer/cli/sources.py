"""``moneyer source``."""

import json
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from moneyer import calls
from moneyer.cli.connections import connection_named, show_pull, until_ended
from moneyer.cli.console import say, table
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.documents import read_json

app = typer.Typer(help="Real tables that generation may learn from.", no_args_is_help=True)
MEDIA_TYPES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}


@app.command("register")
def register(
    declaration: Annotated[Path, typer.Argument(help="The declaration as JSON.")],
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Declare a source: its columns, their public domain, its privacy unit and population."""
    declared = SourceDeclaration.model_validate(read_json(declaration.read_bytes()))
    with speak(data, person) as client:
        made = client.send(calls.register_source(declared))
    say(made["id"])


@app.command("upload")
def upload(
    source: str,
    file: Annotated[Path, typer.Argument(help="A .csv or .parquet file.")],
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Upload a source's table; it is checked against the declaration, split, and sealed."""
    media_type = MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")
    with speak(data, person) as client:
        made = client.send(calls.upload(source, file.read_bytes(), media_type=media_type))
    say(f"version {made['id']}: {made['train_rows']} rows to learn from, {made['holdout_rows']} held out")


@app.command("pull")
def pull(
    source: str,
    connection: Annotated[str, typer.Option(help="Name or id of the connection.")],
    query: Annotated[str | None, typer.Option(help="One SELECT.")] = None,
    read_table: Annotated[str | None, typer.Option("--table", help="A table, or SCHEMA.TABLE.")] = None,
    path: Annotated[str | None, typer.Option(help="A file of a store or folder.")] = None,
    delta: Annotated[str | None, typer.Option(help="A Delta table of a store or folder.")] = None,
    form: Annotated[str | None, typer.Option(help="csv, parquet, arrow-stream or arrow-file.")] = None,
    every: Annotated[str | None, typer.Option(help="Again so often: an ISO 8601 duration, as P1D.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it has ended.")] = True,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Have a version fetched through a connection; it is checked, split and sealed like an upload."""
    named = {"query": query, "table": read_table, "path": path, "delta": delta, "form": form, "every": every}
    asked = {name: value for name, value in named.items() if value is not None}
    with speak(data, person) as client:
        through = connection_named(client, connection)
        made = client.send(calls.request_pull(source, through, key=uuid4().hex, **asked))
        if wait:
            made = until_ended(client, made["id"])
    show_pull(made)


@app.command("pulls")
def pulls(source: str, data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """A source's pulls, the latest first."""
    with speak(data, person) as client:
        found = client.send(calls.list_pulls(source))
    rows = [(one["id"], one["state"], one["due_at"], one["rows"], (one["problem"] or {}).get("code")) for one in found]
    table("Pulls", ("id", "state", "due", "rows", "problem"), rows)


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """All sources."""
    with speak(data, person) as client:
        found = client.send(calls.list_sources())
    rows = [(entry["id"], entry["declaration"]["name"], entry["registered_by"]) for entry in found]
    table("Sources", ("id", "name", "registered by"), rows)


@app.command("show")
def show(source: str, data: Data = DEFAULT_DATA, person: Person = "steward") -> None:
    """A source's declaration."""
    with speak(data, person) as client:
        found = next(entry for entry in client.send(calls.list_sources()) if entry["id"] == source)
    say(json.dumps(found["declaration"], indent=2))
