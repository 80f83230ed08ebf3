"""How things are said on every page: states by word and shape, names before ids, moments in UTC until a script knows
better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal
from urllib.parse import parse_qs, urlencode
from uuid import UUID

Tone = Literal["good", "bad", "waiting", "busy", "quiet"]
SHORT_ID = 8
FIGURE_DIGITS = 4


@dataclass(frozen=True)
class State:
    """A state as it is shown: a word, a shape beside it, and a tone; none of them is colour alone."""

    word: str
    shape: str
    tone: Tone


STATES: Mapping[str, State] = {
    # runs and their assets
    "denied": State("denied", "✕", "bad"),
    "in_review": State("in review", "◔", "waiting"),
    "queued": State("queued", "○", "quiet"),
    "redeemed": State("paid for", "◐", "busy"),
    "fitting": State("fitting", "◐", "busy"),
    "fitted": State("fitted", "◐", "busy"),
    "quarantined": State("in quarantine", "◐", "busy"),
    "assaying": State("being assayed", "◐", "busy"),
    "released": State("released", "●", "good"),
    "rejected": State("rejected", "✕", "bad"),
    "failed": State("failed", "▲", "bad"),
    "cancelled": State("cancelled", "–", "quiet"),
    "measured": State("domain measured", "●", "good"),
    "suspended": State("suspended", "‖", "bad"),
    "withdrawn": State("withdrawn", "⊘", "bad"),
    "retired": State("retired", "□", "quiet"),
    # reviews
    "open": State("open", "◔", "waiting"),
    "approved": State("approved", "✓", "good"),
    "lapsed": State("lapsed", "–", "quiet"),
    # charters
    "draft": State("draft", "○", "quiet"),
    "submitted": State("submitted", "◔", "waiting"),
    "in_force": State("in force", "●", "good"),
    "superseded": State("superseded", "–", "quiet"),
    "expired": State("expired", "–", "bad"),
    # assays, guarantees, verdicts
    "review": State("waits for votes", "◔", "waiting"),
    "permit": State("permitted", "✓", "good"),
    "deny": State("denied", "✕", "bad"),
    "stands": State("stands", "●", "good"),
    "proven": State("proven", "◆", "good"),
    "claimed": State("claimed", "◇", "waiting"),
    "none": State("no guarantee", "○", "quiet"),
    "met": State("met", "✓", "good"),
    "missed": State("missed", "✕", "bad"),
}

KINDS: Mapping[str, str] = {
    "charter": "Charter",
    "plan": "Plan",
    "configuration": "Configuration",
    "grant": "Grant",
    "release": "Release",
    "blended-release": "Release with real rows",
    "retirement": "Retirement",
    "exception": "Exception to a rule",
    "budget": "Budget",
    "transfer": "Transfer of budget",
    "resumption": "Resumption",
    "break-glass": "Broken glass",
    "model": "Model",
    "finding": "Finding",
    "withdrawal": "Withdrawal",
    "incident": "Incident",
}

FUNCTIONS: Mapping[str, str] = {
    "privacy": "privacy",
    "security": "security",
    "legal": "legal",
    "product": "product",
    "data_science": "data science",
}


def state_of(told: str) -> State:
    """A state in words; one that is not known here is told as it is."""
    return STATES.get(told, State(plainly(told), "·", "quiet"))


def kind_of(told: str) -> str:
    return KINDS.get(told, plainly(told).capitalize())


def plainly(told: str) -> str:
    return told.replace("_", " ")


def short_id(told: str) -> str:
    """The first letters of an id; its whole stands beside it for whoever needs it."""
    bare = told.removeprefix("sha256:")
    return bare[:SHORT_ID]


def is_id(told: str) -> bool:
    try:
        return str(UUID(told)) == told.lower()
    except ValueError:
        return False


def read_moment(told: str) -> datetime:
    return datetime.fromisoformat(told).astimezone(UTC)


def moment(told: str | datetime) -> str:
    """A moment in UTC, to the minute: what is read where no script runs."""
    at = told.astimezone(UTC) if isinstance(told, datetime) else read_moment(told)
    return f"{at:%d %b %Y, %H:%M} UTC"


def iso(told: str | datetime) -> str:
    """A moment exactly, for machines and for a pointer that rests on it."""
    at = told.astimezone(UTC) if isinstance(told, datetime) else read_moment(told)
    return at.isoformat().replace("+00:00", "Z")


def figure(told: object) -> str:
    """A figure to four decimals; what is no number stays as it was told."""
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        return str(told)
    if number == 0:
        return "0"
    if len(str(number).partition(".")[2]) <= FIGURE_DIGITS and "E" not in str(number):
        return f"{number:f}"
    return f"{float(number):.4g}" if abs(number) < Decimal("0.001") else f"{float(number):.{FIGURE_DIGITS}f}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"  # noqa: PLR2004 - digits


def with_query(here: str, **changed: str | None) -> str:
    """The query of an address with some of it changed, or left out where it is None."""
    kept = {name: values[-1] for name, values in parse_qs(here.partition("?")[2]).items()}
    return urlencode({name: value for name, value in {**kept, **changed}.items() if value is not None})
