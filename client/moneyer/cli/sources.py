"""``moneyer source``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from moneyer import calls
from moneyer.cli import measuring
from moneyer.cli.console import say, table
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.documents import read_json

app = typer.Typer(help="Real tables that generation may learn from.", no_args_is_help=True)
measuring.add_to(app)
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
