"""``moneyer asset``."""

import json
from pathlib import Path
from typing import Annotated, cast

import typer

from moneyer import NotAsStated, calls
from moneyer.calls.generation import Form, Standard
from moneyer.cli import deliveries
from moneyer.cli.console import error_console, say, show_assay, table, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer.evidence.tables import sha256_of

app = typer.Typer(help="Synthetic tables: their assay, their record, and the table itself.", no_args_is_help=True)
deliveries.add_to(app)
FORMS = {".csv": "csv", ".parquet": "parquet", ".arrow": "arrow"}


@app.command("list")
def list_all(data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """Runs and their assets, newest first."""
    with speak(data, person) as client:
        found = client.send(calls.list_generations())
    rows = [(r["id"], r["state"], r["plan"]["generator"], r["plan"]["rows"], r["requester"]) for r in found]
    table("Assets", ("id", "state", "generator", "rows", "requester"), rows)


@app.command("download")
def download(
    asset: str,
    to: Annotated[Path, typer.Argument(help="A .parquet, .arrow or .csv file.")],
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """Download a released table you hold a grant for."""
    form = cast("Form", FORMS.get(to.suffix.lower(), "parquet"))
    with speak(data, person) as client:
        content = client.send(calls.download(asset, form=form))
    to.write_bytes(content)
    say(f"{len(content)} bytes in {to}")


@app.command("table")
def fetch_table(
    asset: str,
    out: Annotated[Path, typer.Option(help="A .parquet, .arrow or .csv file.")],
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """Fetch a released table you hold a grant for, held to the digest that its record states."""
    with speak(data, person) as client:
        try:
            to = client.assets.table(asset).write(out)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        except NotAsStated as error:
            tell("red bold", "NOT as stated", str(error), to=error_console)
            raise typer.Exit(1) from error
    say(f"{to.stat().st_size} bytes in {to}, sha256 {sha256_of(to)}")


@app.command("schema")
def schema(
    asset: str,
    standard: Annotated[Standard, typer.Option("--format", help="odcs, croissant or frictionless.")] = "frictionless",
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """A released table's schema, in JSON: data contract (ODCS), data set (Croissant), data package (Frictionless)."""
    with speak(data, person) as client:
        print(json.dumps(client.send(calls.describe_asset(asset, standard=standard)), indent=2, ensure_ascii=False))


@app.command("show")
def show(asset: str, data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """An asset's assay."""
    with speak(data, person) as client:
        run = client.send(calls.get_generation(asset))
        say(f"{asset} is [bold]{run['state']}[/]")
        if run["assay_id"]:
            show_assay(client.send(calls.get_assay(run["assay_id"])))


@app.command("report")
def report(
    asset: str,
    to: Annotated[Path, typer.Argument(help="An .html file.")],
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """An asset's assay as one page to read and print."""
    with speak(data, person) as client:
        run = client.send(calls.get_generation(asset))
        if not run["assay_id"]:
            raise typer.BadParameter(f"{asset} is {run['state']} and has no assay yet")
        to.write_text(client.send(calls.get_report(run["assay_id"])))
    say(f"open {to} in a browser")


@app.command("record")
def record(asset: str, data: Data = DEFAULT_DATA, person: Person = "auditor") -> None:
    """How an asset came about, as JSON."""
    with speak(data, person) as client:
        say(json.dumps(client.send(calls.get_record(asset)), indent=2))


@app.command("provenance")
def provenance(asset: str, data: Data = DEFAULT_DATA, person: Person = "auditor") -> None:
    """Under which charter version, votes and budget an asset was made, as they stood then."""
    with speak(data, person) as client:
        found = client.send(calls.get_provenance(asset))
    charter = found["charter"]
    say(f"{asset} was permitted at {found['at']} under version {charter['version']} of [bold]{charter['title']}[/]")
    votes = [(one["on"], one["function"], one["voter"], one["verdict"], one["cast_at"]) for one in found["votes"]]
    table("Votes", ("on", "function", "by", "verdict", "at"), votes)
    budgets = [
        (one["of"], one["partition"], one["epsilon"], one["delta"], one["epsilon_held"], one["epsilon_of_this"])
        for one in found["budgets"]
    ]
    table("Budgets then", ("of", "partition", "ε", "δ", "ε held", "ε of this"), budgets)
    say(f"proved by entries {', '.join(map(str, found['log_entries']))} of the audit log")


@app.command("impact")
def impact(asset: str, data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """What was built on an asset, and whose it is."""
    with speak(data, person) as client:
        found = client.send(calls.get_impact(asset))
    instead = f"; use {found['substitute']} instead" if found["substitute"] else ""
    say(f"{asset} is [bold]{found['state']}[/]{instead}")
    rows = [(one["model"], one["version"], one["owner"], one["webhooks"]) for one in found["models"]]
    table("Models trained on it", ("model", "version", "owner", "webhooks"), rows)
    for one in found["assets"]:
        say(f"asset {one} was made of it")
    for one in found["others"]:
        say(f"dataset {one['namespace']}:{one['name']} was made of it")


@app.command("withdraw")
def withdraw(
    asset: str,
    reason: Annotated[str, typer.Option(help="Told to those who built on it.")],
    substitute: Annotated[str | None, typer.Option(help="An asset to use instead.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Ask for an asset to be withdrawn; a vote decides."""
    with speak(data, person) as client:
        opened = client.send(calls.withdraw_asset(asset, reason=reason, substitute=substitute))
    say(f"review {opened['review_id']} is open for votes")
