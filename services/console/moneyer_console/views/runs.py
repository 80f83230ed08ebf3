"""Runs and the tables they made: lists with filters, and one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moneyer_console.views.facts import Fact, facts_of
from moneyer_console.views.names import Names
from moneyer_console.views.words import State, percent, state_of

Json = Mapping[str, Any]
RUN_STATES = ("in_review", "queued", "fitting", "quarantined", "assaying", "released", "rejected", "denied", "failed",
              "cancelled", "measured")  # fmt: skip
ASSET_STATES = ("quarantined", "assaying", "released", "rejected", "suspended", "withdrawn", "retired")
MOVING = frozenset({"in_review", "queued", "redeemed", "fitting", "fitted", "quarantined", "assaying"})


@dataclass(frozen=True)
class RunRow:
    """A run in a list."""

    id: str
    title: str
    state: State
    progress: str | None
    charter: str
    charter_id: str
    source: str
    generator: str
    guarantee: State
    requester: str
    requested_at: str
    changed_at: str


@dataclass(frozen=True)
class Filters:
    """What a list was asked for, as its form shows it again."""

    state: str = ""
    generator: str = ""
    requester: str = ""
    charter: str = ""
    source: str = ""

    @property
    def are_set(self) -> bool:
        return any(vars(self).values())


@dataclass(frozen=True)
class RunList:
    rows: Sequence[RunRow]
    states: Sequence[tuple[str, str]]
    filters: Filters
    next: str | None
    is_cut: bool
    """Whether more of the page were left aside by a filter that policy's word decides."""


def run_row(told: Json, names: Names) -> RunRow:
    plan = told["plan"]
    return RunRow(
        id=told["id"],
        title=f"{plan['rows']:,} rows for {plan['use_case']}",
        state=state_of(told["state"]),
        progress=percent(told["progress"]) if told["state"] in {"redeemed", "fitting", "fitted"} else None,
        charter=names.charter(plan["charter_id"]),
        charter_id=plan["charter_id"],
        source=names.source(plan["source_id"]),
        generator=plan["generator"],
        guarantee=state_of(told["offer"]["guarantee"]["level"]),
        requester=told["requester"],
        requested_at=told["requested_at"],
        changed_at=told["changed_at"],
    )


def choices(states: Sequence[str]) -> list[tuple[str, str]]:
    """The states a list can be asked for, and what they are called."""
    return [(one, state_of(one).word) for one in states]


@dataclass(frozen=True)
class RunView:
    """A run as its page shows it."""

    row: RunRow
    has_asset: bool
    is_moving: bool
    share_done: int
    guarantee: Json
    cautions: Sequence[str]
    clauses: Sequence[Json]
    review_id: str | None
    failure: str | None
    charged: bool
    plan: Sequence[Fact]


def run_view(told: Json, names: Names) -> RunView:
    return RunView(
        row=run_row(told, names),
        has_asset=told["asset"] is not None,
        is_moving=told["state"] in MOVING,
        share_done=round(100 * told["progress"]),
        guarantee=told["offer"]["guarantee"],
        cautions=told["offer"].get("cautions", []),
        clauses=told["decision"]["clauses"],
        review_id=told["decision"].get("review_id"),
        failure=told["failure"],
        charged=told["charged"],
        plan=plan_facts(told["plan"], names),
    )


def plan_facts(plan: Json, names: Names) -> list[Fact]:
    hidden = {"charter_id", "source_id"}
    given = {name: value for name, value in plan.items() if name not in hidden and value not in (None, {}, [])}
    return facts_of({"charter": names.charter(plan["charter_id"]), "source": names.source(plan["source_id"]), **given})
