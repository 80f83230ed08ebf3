"""``moneyer source measure`` and ``measured``: domains that nobody knows, found under budget."""

import uuid
from collections.abc import Sequence
from typing import Annotated

import typer

from moneyer import calls
from moneyer.cli.console import error_console, harmless, say, table, tell
from moneyer.cli.generate import follow_run
from moneyer.cli.session import DEFAULT_DATA, Data, Person, speak
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.drafting.answers import read_answers
from moneyer_shared.drafting.rules import with_rules
from moneyer_shared.origins import in_short

ENGINE = "domain-discovery"


def add_to(app: typer.Typer) -> None:
    app.command("measure")(measure)
    app.command("measured")(measured)


def measure(
    source: str,
    charter: Annotated[str, typer.Option(help="The charter that allows domain-discovery and pays for it.")],
    use_case: Annotated[str, typer.Option(help="One of the charter's use cases.")],
    audience: Annotated[str, typer.Option(help="One of the charter's audiences.")],
    epsilon: Annotated[str, typer.Option(help="What one privacy unit pays, for all columns together.")] = "0.5",
    delta: Annotated[str, typer.Option(help="The δ beside it.")] = "0.000001",
    values_per_unit: Annotated[int, typer.Option(help="In how many values of a column one unit is counted.")] = 1,
    rationale: Annotated[str, typer.Option(help="Why, for the record.")] = "bounds and categories nobody knows",
    key: Annotated[str | None, typer.Option(help="Repeat with the same key and nothing is charged twice.")] = None,
    follow: Annotated[bool, typer.Option("--watch", help="Stay until the run ends.")] = False,
    data: Data = DEFAULT_DATA,
    person: Person = "scientist",
) -> None:
    """Measure the columns that a source declares as unmeasured: charged once, logged, and read as often as you like."""
    plan = Plan.model_validate({
        "charter_id": charter, "use_case": use_case, "audience": audience, "source_id": source, "generator": ENGINE,
        "parameters": {"epsilon": epsilon, "delta": delta, "values_per_unit": values_per_unit},
        "rows": 1, "rationale": rationale,
    })  # fmt: skip
    with speak(data, person) as client:
        run = client.send(calls.request_generation(plan, key=key or str(uuid.uuid4())))
        say(run["id"])
        if follow:
            follow_run(client, run["id"])


def measured(
    run: str,
    draft: Annotated[str | None, typer.Option(help="Write the declaration of a source of this name instead.")] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="With --draft, as 'cost=outside nearest', 'ward=unlisted other'.")
    ] = None,
    data: Data = DEFAULT_DATA,
    person: Person = "steward",
) -> None:
    """What a run measured, or with ``--draft`` the declaration that follows from it, and what is yet to be decided."""
    with speak(data, person) as client:
        found = client.send(calls.get_measured_domain(run))
        if draft is not None:
            declared = SourceDeclaration.model_validate(client.send(calls.draft_measured_source(run, name=draft)))
            _write(with_rules(declared, read_answers(answer or ())), found["questions"])
            return
    say(found["guarantee"]["statement"])
    rows = [
        (harmless(column["name"]), harmless(one["what"]), one["units"])
        for column in found["columns"]
        for one in column["found"]
    ]
    table("Measured domain", ("column", "value", "about so many units"), rows)
    for column in found["columns"]:
        if column["domain"] is None:
            tell(
                "yellow", column["name"], f"nothing is held by so many units ({column['least']}) that it could be told"
            )


def _write(declared: SourceDeclaration, questions: Sequence[calls.Json]) -> None:
    """The declaration alone where a file may take it; beside it what nobody has answered."""
    # As it is: whoever keeps it in a file reads every letter again.
    typer.echo(declared.model_dump_json(indent=2, exclude_none=True))
    answered = {column.name for column in declared.columns if column.replaces}
    for one in questions:
        columns = [name for name in one["columns"] if name not in answered]
        if columns:
            tell("yellow", in_short(columns), f"{one['asks']} Until then: {one['default']}.", to=error_console)
