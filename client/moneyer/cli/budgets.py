"""``moneyer budget``."""

from typing import Annotated

import typer

from moneyer import calls
from moneyer.cli.console import say, show_budget
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak

app = typer.Typer(help="Populations and what is left of their privacy budgets.", no_args_is_help=True)


@app.command("show")
def show(
    population: Annotated[str | None, typer.Argument(help="One population, or all.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """What was spent and what is left."""
    with speak(data, person) as client:
        found = [client.send(calls.get_population(population))] if population else client.send(calls.list_populations())
    for entry in found:
        show_budget(entry)


@app.command("create")
def create(
    name: str,
    privacy_unit: Annotated[str, typer.Option(help="Whom one unit stands for, in words.")],
    epsilon: Annotated[str, typer.Option()],
    delta: Annotated[str, typer.Option()],
    identified_by: Annotated[str | None, typer.Option(help="What tells persons apart; else a unit is a row.")] = None,
    approximate_delta: Annotated[str, typer.Option(help="The part of δ that claimed mechanisms may fail with.")] = "0",
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Name a population and its whole budget."""
    with speak(data, person) as client:
        call = calls.create_population(
            name, privacy_unit=privacy_unit, epsilon=epsilon, delta=delta, identified_by=identified_by,
            approximate_delta=approximate_delta,
        )  # fmt: skip
        made = client.send(call)
    say(made["id"])


@app.command("allocate")
def allocate(
    population: str,
    charter: Annotated[str, typer.Option()],
    epsilon: Annotated[str, typer.Option()],
    delta: Annotated[str, typer.Option()],
    approximate_delta: Annotated[str, typer.Option(help="The part of δ that claimed mechanisms may fail with.")] = "0",
    releases: Annotated[int | None, typer.Option(help="Assets without a guarantee that may be made.")] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """Set budget aside for a charter."""
    with speak(data, person) as client:
        call = calls.allocate(
            population, charter_id=charter, epsilon=epsilon, delta=delta, approximate_delta=approximate_delta,
            releases=releases,
        )  # fmt: skip
        client.send(call)
    say("allocated")
