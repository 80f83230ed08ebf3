"""``moneyer source``."""

import json
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from moneyer import calls
from moneyer.calls.wire import Streamed
from moneyer.cli import measuring
from moneyer.cli.connections import connection_named, show_pull, show_replaced, until_ended
from moneyer.cli.console import error_console, harmless, say, show_refusal, table, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer.client import Refused
from moneyer.files import check_table, encoding_of_file, media_type_of_file
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.documents import read_json
from moneyer_shared.errors import MoneyerError

app = typer.Typer(help="Real tables that generation may learn from.", no_args_is_help=True)
measuring.add_to(app)
WORDS = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())


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
    file: Annotated[Path, typer.Argument(help="A .csv, .parquet or .arrow file, also with .gz or .zst behind it.")],
    dry_run: Annotated[bool, typer.Option(help="Have all of it checked, and nothing kept.")] = False,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Upload a source's table; it is checked against the declaration, split, and sealed."""
    with speak(data, person) as client, Progress(*WORDS, console=error_console, transient=True) as progress:
        sending = progress.add_task("sent", total=file.stat().st_size)
        content = Streamed(file, told=lambda size: progress.advance(sending, size))
        media_type, encoding = media_type_of_file(file), encoding_of_file(file)
        made = client.send(calls.upload(source, content, media_type=media_type, encoding=encoding, dry_run=dry_run))
    if dry_run:
        _show(TableReport.model_validate(made))
        return
    say(f"version {made['id']}: {made['train_rows']} rows to learn from, {made['holdout_rows']} held out")
    show_replaced(made["replaced"])


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A .csv, .parquet or .arrow file, also with .gz or .zst behind it.")],
    declaration: Annotated[Path | None, typer.Option("--declaration", help="The declaration as JSON.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="A registered source, for its declaration.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Check a table where it lies, exactly as an upload is checked; exit status 1 where it has faults."""
    if (declaration is None) == (source is None):
        message = "give --declaration or --source, one of them"
        raise typer.BadParameter(message)
    if declaration is not None:
        declared = SourceDeclaration.model_validate(read_json(declaration.read_bytes()))
    else:
        with speak(data, person) as client:
            declared = SourceDeclaration.model_validate(client.send(calls.get_source(str(source)))["declaration"])
    try:
        report = check_table(file, declared)
    except ImportError:
        message = "checking tables needs pyarrow: pip install 'moneyer[tables]'"
        raise typer.BadParameter(message) from None
    except MoneyerError as refused:
        show_refusal(Refused(refused.status, refused.problem()))
        raise typer.Exit(1) from None
    _show(report)


def _show(report: TableReport) -> None:
    """A report as tables; exit status 1 where the table has faults."""
    units = "not counted" if report.units is None else report.units
    say(f"{report.format}: {report.rows} rows, {units} privacy units checked")
    columns = [(harmless(c.name), c.kind, c.physical_type, c.missing, c.replaced, c.faulty) for c in report.columns]
    table("Columns", ("name", "declared", "read from", "missing", "replaced", "faulty"), columns)
    show_replaced(report.replaced, {c.name: c.rule for c in report.columns})
    for one in report.broken:
        tell("yellow", one.relation, f"{one.rows} rows do not keep it, as they would be kept")
    if report.fits:
        say("It fits the declaration.")
        return
    faults = [
        (harmless(f.column), f.code, f.rows, ", ".join(map(str, f.first_rows)), f.expected, f.actual, f.remedy)
        for f in report.faults
    ]
    table("Faults", ("column", "code", "rows", "first rows", "expected", "actual", "remedy"), faults)
    raise typer.Exit(1)


@app.command("pull")
def pull(
    source: str,
    connection: Annotated[str, typer.Option(help="Name or id of the connection.")],
    query: Annotated[str | None, typer.Option(help="One SELECT.")] = None,
    read_table: Annotated[str | None, typer.Option("--table", help="A table, or SCHEMA.TABLE.")] = None,
    path: Annotated[str | None, typer.Option(help="A file of a store or folder.")] = None,
    delta: Annotated[str | None, typer.Option(help="A Delta table of a store or folder.")] = None,
    iceberg: Annotated[str | None, typer.Option(help="An Iceberg table's metadata in a store or folder.")] = None,
    form: Annotated[str | None, typer.Option(help="csv, parquet, arrow-stream or arrow-file.")] = None,
    every: Annotated[str | None, typer.Option(help="Again so often: an ISO 8601 duration, as P1D.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it has ended.")] = True,
    wait_seconds: Annotated[float, typer.Option(help="Wait so long at most; the pull goes on without you.")] = 3600,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Have a version fetched through a connection; it is checked, split and sealed like an upload."""
    named = {
        "query": query,
        "table": read_table,
        "path": path,
        "delta": delta,
        "iceberg": iceberg,
        "form": form,
        "every": every,
    }
    asked = {name: value for name, value in named.items() if value is not None}
    with speak(data, person) as client:
        through = connection_named(client, connection)
        made = client.send(calls.request_pull(source, through, key=uuid4().hex, **asked))
        if wait:
            later = f"moneyer source pulls {source} shows how pull {made['id']} ended"
            made = until_ended(lambda: client.send(calls.get_pull(made["id"])), wait_seconds, later)
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
