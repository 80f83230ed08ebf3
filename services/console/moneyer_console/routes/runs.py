"""Runs: the list with its filters, and one run."""

from typing import Any
from uuid import UUID

from moneyer import calls
from moneyer_console.asking import found
from moneyer_console.pages import Page
from moneyer_console.views import runs as view
from moneyer_console.views.absent import Absent
from moneyer_console.views.names import Names, titles_of
from moneyer_console.views.words import is_id
from moneyer_console.visits import Pages, Visit, Visitor

pages = Pages()


@pages.get("/runs")
async def list_runs(
    visit: Visitor,
    state: str = "",
    generator: str = "",
    requester: str = "",
    charter: str = "",
    source: str = "",
    after: UUID | None = None,
) -> Page:
    filters = view.Filters(
        state if state in view.RUN_STATES else "", generator, requester, charter.strip(), source.strip()
    )
    return Page("runs.html.jinja", await listed(visit, filters, after, view.RUN_STATES, with_asset=False))


async def listed(
    visit: Visit, filters: view.Filters, after: UUID | None, states: tuple[str, ...], *, with_asset: bool
) -> view.RunList:
    """A page of runs, or of those that made a table, with the names of their charters and sources."""
    call = calls.list_generations(
        state=filters.state or None,
        generator=filters.generator or None,
        requested_by=filters.requester or None,
        charter=filters.charter if is_id(filters.charter) else None,
        source=filters.source if is_id(filters.source) else None,
        with_asset=with_asset,
        after=after,
    )
    told = await visit.ask(calls.paged(call))
    charters, sources = await visit.look_all(
        calls.list_charters(charters=_named(told.rows, "charter_id")),
        calls.list_sources(sources=_named(told.rows, "source_id")),
    )
    declared = {one["id"]: one["declaration"]["name"] for one in found(sources, [])}
    names = Names(titles_of(found(charters, [])), declared)
    rows = [view.run_row(one, names) for one in told.rows]
    return view.RunList(rows, view.choices(states), filters, told.after, is_cut=told.after is not None and not rows)


@pages.get("/runs/{run_id}")
async def show_run(visit: Visitor, run_id: UUID) -> Page:
    run = await visit.ask(calls.get_generation(run_id))
    return Page("run.html.jinja", view.run_view(run, await names_of_run(visit, run["plan"])))


async def names_of_run(visit: Visit, plan: dict[str, str]) -> Names:
    """What a plan's charter and source are called."""
    charter, source = await visit.look_all(calls.get_charter(plan["charter_id"]), calls.get_source(plan["source_id"]))
    return Names(
        {} if isinstance(charter, Absent) else titles_of([charter]),
        {} if isinstance(source, Absent) else {source["id"]: source["declaration"]["name"]},
    )


def _named(runs: list[dict[str, Any]], name: str) -> list[str]:
    """What a page of runs is of, each once."""
    return sorted({run["plan"][name] for run in runs})
