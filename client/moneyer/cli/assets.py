"""``moneyer asset``."""

import json
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from moneyer import calls
from moneyer.cli.console import say, show_assay, table
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak

app = typer.Typer(help="Synthetic tables: their assay, their record, and the table itself.", no_args_is_help=True)
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
    form = cast("Literal['parquet', 'arrow', 'csv']", FORMS.get(to.suffix.lower(), "parquet"))
    with speak(data, person) as client:
        content = client.send(calls.download(asset, form=form))
    to.write_bytes(content)
    say(f"{len(content)} bytes in {to}")


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
