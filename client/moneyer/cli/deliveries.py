"""``moneyer asset deliver`` and ``moneyer asset deliveries``."""

from typing import Annotated
from uuid import uuid4

import typer

from moneyer import calls
from moneyer.cli.connections import connection_named, until_ended
from moneyer.cli.console import error_console, harmless, table, tell
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak


def add_to(app: typer.Typer) -> None:
    """Have the commands stand among those of assets."""
    app.command("deliver")(deliver)
    app.command("deliveries")(deliveries)


def deliver(
    asset: str,
    connection: Annotated[str, typer.Option(help="Name or id of a connection that is for delivering.")],
    into: Annotated[str | None, typer.Option("--table", help="A new table of PostgreSQL, or SCHEMA.TABLE.")] = None,
    path: Annotated[str | None, typer.Option(help="A new file of a store or folder.")] = None,
    form: Annotated[str | None, typer.Option(help="parquet, csv or arrow, where its name does not say.")] = None,
    watch: Annotated[bool, typer.Option(help="Wait until it has ended.")] = True,
    wait_seconds: Annotated[float, typer.Option(help="Wait so long at most; it goes on without you.")] = 3600,
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """Have a released table you hold a grant for brought to a store or a database; nothing is written over."""
    named = {"table": into, "path": path, "form": form}
    wanted = {name: value for name, value in named.items() if value is not None}
    with speak(data, person) as client:
        through = connection_named(client, connection)
        made = client.send(calls.deliver_asset(asset, through, key=uuid4().hex, **wanted))
        if watch:
            later = f"moneyer asset deliveries {asset} shows how delivery {made['id']} ended"
            made = until_ended(lambda: client.send(calls.get_delivery(made["id"])), wait_seconds, later)
    _show(made)


def deliveries(asset: str, data: Data = DEFAULT_DATA, person: Person = "scientist") -> None:
    """An asset's deliveries, the latest first."""
    with speak(data, person) as client:
        found = client.send(calls.list_asset_deliveries(asset))
    rows = [
        (one["id"], one["state"], one["requested_by"], one["form"], _place(one), (one["problem"] or {}).get("code"))
        for one in found
    ]
    table("Deliveries", ("id", "state", "for", "form", "to", "problem"), rows)


def _place(delivery: calls.Json) -> str:
    wanted = delivery["wanted"] or {}
    return harmless(wanted.get("table") or wanted.get("path") or "")


def _show(delivery: calls.Json) -> None:
    """How it stands; exit status 1 where it did not come to lie there."""
    problem = delivery["problem"]
    if problem is None:
        tell("green", delivery["state"], f"delivery {delivery['id']}: {_place(delivery)}, {delivery['digest']}")
        return
    tell("red", problem["code"], problem["detail"], to=error_console)
    for reason in problem["reasons"]:
        tell("red", str(reason["code"]), harmless(str(reason.get("path", ""))), to=error_console)
    raise typer.Exit(1)
