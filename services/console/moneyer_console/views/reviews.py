"""Reviews: what is put up in words, who has voted, and what is missing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moneyer_console.views.facts import Fact
from moneyer_console.views.matters import Matter
from moneyer_console.views.names import Names
from moneyer_console.views.words import FUNCTIONS, State, kind_of, read_moment, state_of

Json = Mapping[str, Any]


@dataclass(frozen=True)
class ReviewRow:
    """A review in a list."""

    id: str
    kind: str
    title: str
    state: State
    stage: str
    opened_by: str
    opened_at: str
    expires_at: str
    votes: int


@dataclass(frozen=True)
class ReviewList:
    rows: Sequence[ReviewRow]
    kinds: Sequence[tuple[str, str]]
    kind: str
    state: str
    next: str | None


def review_row(told: Json, names: Names) -> ReviewRow:
    return ReviewRow(
        id=told["id"],
        kind=kind_of(told["kind"]),
        title=title_of(told, names),
        state=state_of(told["state"]),
        stage=told["stage"],
        opened_by=told["opened_by"],
        opened_at=told["opened_at"],
        expires_at=told["expires_at"],
        votes=len(told["votes"]),
    )


Title = Callable[[Json, Names, str], str]
TITLES: Mapping[str, Title] = {
    "charter": lambda told, _, charter: f"{charter}, version {told.get('version', '')}",
    "plan": lambda told, _, __: plan_title(told.get("plan", {})),
    "release": lambda _, __, charter: f"A table made under {charter}",
    "blended-release": lambda _, __, charter: f"A table with real rows, made under {charter}",
    "finding": lambda _, __, charter: f"What was found of a table made under {charter}",
    "grant": lambda told, _, __: f"{told.get('subject', '')} reads a table for {told.get('use_case', '')}",
    "configuration": lambda told, _, __: str(told.get("name", "")),
    "exception": lambda told, _, charter: f"{told.get('rule', '')} set aside under {charter}",
    "break-glass": lambda told, _, charter: f"Glass broken for {told.get('requester', '')} under {charter}",
    "model": lambda told, _, __: str(told.get("model", "")),
    "incident": lambda told, _, __: str(told.get("title", "")),
    "budget": lambda told, names, _: f"A budget of ε {told.get('epsilon', '')} for {population_of(told, names)}",
    "transfer": lambda told, names, _: f"ε {told.get('epsilon', '')} of {population_of(told, names)} moves",
}
LONGEST_TITLE = 160


def title_of(told: Json, names: Names) -> str:
    """What a review is about, by name where there is one; else the reason that was given."""
    charter = names.charter(told["charter_id"]) if told.get("charter_id") else "no charter"
    document = told["document"]
    title = TITLES.get(told["kind"], _by_reason)(document, names, charter)
    return title[:LONGEST_TITLE] or str(told["subject"])


def _by_reason(told: Json, _: Names, charter: str) -> str:
    what = charter if told.get("kind") == "charter" else f"a {told.get('kind', 'thing')}"
    return f"{what}: {told.get('reason', '')}"


def plan_title(plan: Json) -> str:
    return f"{plan.get('rows', '')} rows by {plan.get('generator', '')} for {plan.get('use_case', '')}"


def population_of(document: Json, names: Names) -> str:
    return names.population(str(document.get("population_id", "")))


# --- one review --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seat:
    """How many approvals of a function a stage asks for, and how many there are."""

    function: str
    needed: int
    approvals: Sequence[str]

    @property
    def is_filled(self) -> bool:
        return len(self.approvals) >= self.needed

    @property
    def missing(self) -> int:
        return max(0, self.needed - len(self.approvals))


@dataclass(frozen=True)
class Stage:
    """A stage of the quorum; ``missing`` says in words what it still takes."""

    name: str
    is_now: bool
    seats: Sequence[Seat]
    minimum_total: int
    minimum_functions: int
    approvals: int
    missing: Sequence[str]
    denials: int
    deny_threshold: int


@dataclass(frozen=True)
class Power:
    """A function that whoever looks may vote with; ``value`` is what the form sends."""

    function: str
    label: str
    on_behalf_of: str | None

    @property
    def value(self) -> str:
        return f"{self.function}|{self.on_behalf_of or ''}"


@dataclass(frozen=True)
class ReviewView:
    """A review as its page shows it."""

    row: ReviewRow
    digest: str
    charter_id: str | None
    charter: str | None
    subject: str
    decided_at: str | None
    outcome: Sequence[Fact]
    matter: Matter
    stages: Sequence[Stage]
    votes: Sequence[Json]
    conditions: Sequence[Json]
    powers: Sequence[Power]
    why_no_vote: str | None
    is_confirmed: bool
    conditions_allowed: bool
    typed: Mapping[str, str]
    once: str
    problem: Json | None
    reader: str
    said: str | None


def stages_of(told: Json) -> list[Stage]:
    """The stages of the quorum, each with the approvals of the present digest that it has."""
    return [_stage(stage, number, told) for number, stage in enumerate(told["quorum"]["stages"])]


def _stage(stage: Json, number: int, told: Json) -> Stage:
    cast = [vote for vote in told["votes"] if vote["stage"] == number and vote["digest"] == told["digest"]]
    approvals = [vote for vote in cast if vote["verdict"] == "approve"]
    seats = [_seat(function, needed, approvals) for function, needed in stage["counts"].items()]
    functions = {vote["function"] for vote in approvals}
    missing = [f"{seat.missing} of {seat.function}" for seat in seats if seat.missing]
    named = sum(seat.missing for seat in seats)
    if (more := stage["minimum_total"] - len(approvals) - named) > 0:
        missing.append(f"{more} more of any function")
    if (others := stage["minimum_functions"] - len(functions | set(stage["counts"]))) > 0:
        missing.append(f"{others} of another function")
    return Stage(
        name=stage["name"],
        is_now=told["state"] == "open" and told["stage"] == stage["name"],
        seats=seats,
        minimum_total=stage["minimum_total"],
        minimum_functions=stage["minimum_functions"],
        approvals=len(approvals),
        missing=missing,
        denials=sum(vote["verdict"] == "reject" for vote in cast),
        deny_threshold=stage.get("deny_threshold") or 1,
    )


def _seat(function: str, needed: int, approvals: Sequence[Json]) -> Seat:
    held = [vote["on_behalf_of"] or vote["voter"] for vote in approvals if vote["function"] == function]
    return Seat(FUNCTIONS.get(function, function), needed, held)


def powers_of(reader: str, members: Sequence[Json], delegations: Sequence[Json], now: str) -> list[Power]:
    """The functions that somebody may vote with: their own, and those lent to them now."""
    own = [Power(one["function"], _word(one), None) for one in members if one["subject"] == reader]
    lent = [one for one in delegations if one["delegate"] == reader and _is_lent(one, now)]
    return own + [Power(one["function"], f"{_word(one)}, for {one['delegator']}", one["delegator"]) for one in lent]


def _word(told: Json) -> str:
    return FUNCTIONS.get(told["function"], told["function"])


def _is_lent(delegation: Json, now: str) -> bool:
    begins, ends = read_moment(delegation["valid_from"]), read_moment(delegation["valid_until"])
    return delegation["revoked_at"] is None and begins <= read_moment(now) < ends


def why_no_vote(told: Json, reader: str, powers: Sequence[Power]) -> str | None:
    """Why no form is shown; None where one is. What is decided is policy's to say, once it is sent."""
    if told["state"] != "open":
        return "This review is over."
    if any(
        reader in {vote["voter"], vote["on_behalf_of"]} for vote in told["votes"] if vote["digest"] == told["digest"]
    ):
        return "You have voted on this, or your vote was cast for you."
    if told["opened_by"] == reader:
        return "You put this up: others decide."
    if not powers:
        return "You hold no function of the committee. Its keeper can give you one."
    return None
