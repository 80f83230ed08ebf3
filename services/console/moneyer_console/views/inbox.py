"""The inbox: what waits for somebody, their latest runs, and what they were told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moneyer_console.views.runs import RunRow
from moneyer_console.views.words import State

Json = Mapping[str, Any]
KINDS: Mapping[str, tuple[str, State]] = {
    "vote": ("votes", State("vote", "◔", "waiting")),
    "condition": ("conditions", State("condition", "◔", "waiting")),
    "duty": ("duties", State("duty", "▲", "bad")),
    "action": ("actions", State("corrective action", "▲", "bad")),
    "expiry": ("ends soon", State("ends soon", "–", "waiting")),
    "request": ("your requests", State("your request", "○", "quiet")),
    "refusal": ("refusals", State("refusal", "✕", "bad")),
}
PLACES: Mapping[str, str] = {
    "/v1/reviews/": "/reviews/",
    "/v1/generations/": "/runs/",
    "/v1/runs/": "/runs/",
    "/v1/assets/": "/assets/",
}
"""Where a thing of the API is shown here; what has no page yet is told without a link."""
WAITING = ("vote", "condition", "duty", "action", "expiry", "refusal")
"""What the one number in the navigation counts: what somebody can do something about."""
LATEST = 5


@dataclass(frozen=True)
class Entry:
    title: str
    state: State
    because: str
    since: str
    due_by: str | None
    to: str | None


@dataclass(frozen=True)
class Count:
    kind: str
    title: str
    waiting: int


@dataclass(frozen=True)
class InboxView:
    entries: Sequence[Entry]
    counts: Sequence[Count]
    total: int
    kind: str
    next: str | None
    runs: Sequence[RunRow]
    told: Sequence[Json]
    absent: Sequence[str]


def waiting_in(inbox: Json) -> int:
    return sum(inbox["counts"].get(kind, 0) for kind in WAITING)


def counts_of(inbox: Json) -> list[Count]:
    return [
        Count(kind, title, inbox["counts"][kind]) for kind, (title, _) in KINDS.items() if inbox["counts"].get(kind)
    ]


def entries_of(inbox: Json, kind: str) -> list[Entry]:
    return [_entry(one) for one in inbox["entries"] if kind in {"", one["kind"]}]


def _entry(told: Json) -> Entry:
    _, state = KINDS.get(told["kind"], ("", State(told["kind"], "·", "quiet")))
    return Entry(told["title"], state, told["because"], told["since"], told["due_by"], _place(told["href"]))


def _place(href: str) -> str | None:
    for there, here in PLACES.items():
        if href.startswith(there):
            return here + href.removeprefix(there).partition("/")[0]
    return None
