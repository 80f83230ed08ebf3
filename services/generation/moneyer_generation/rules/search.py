"""A search for a table that is accepted, under a total ε: what to do next, and what a trial was worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

TrialState = Literal["running", "released", "rejected", "failed", "denied"]
SearchState = Literal["searching", "found", "spent", "exhausted", "denied", "failed", "cancelled"]
Move = Literal["await", "try", "found", "spent", "exhausted", "denied", "cancelled"]
MOST_DENIALS = 3
"""So many plans denied one after another mean that the charter does not want this search."""

TRIAL_STATES: dict[str, TrialState] = {
    "released": "released",
    "rejected": "rejected",
    "failed": "failed",
    "cancelled": "failed",
    "denied": "denied",
}
"""A trial's state, by its run's; a run in any other state is running."""


@dataclass(frozen=True)
class Trial:
    """One fit of a search: what it cost one privacy unit, and how far its table was from being accepted."""

    number: int
    state: TrialState
    epsilon: Decimal
    charged: bool
    shortfall: Decimal | None = None


def spent(trials: Sequence[Trial]) -> Decimal:
    """Σε of the fits that were charged or still may be; basic composition, so never less than the truth."""
    return sum((trial.epsilon for trial in trials if trial.charged or trial.state == "running"), Decimal(0))


def next_move(  # noqa: PLR0911 - one return a move reads as the table it is
    trials: Sequence[Trial], *, epsilon: Decimal, cheapest: Decimal, most_trials: int, cancelled: bool
) -> Move:
    """What a search does now; asked again whenever a trial has ended, and after every crash.

    Args:
        trials: in order of their numbers.
        epsilon: what all trials together may cost.
        cheapest: the least that another trial could cost.
        most_trials: how many trials there may be.
        cancelled: whether its requester wants it to end.
    """
    if any(trial.state == "released" for trial in trials):
        return "found"
    if any(trial.state == "running" for trial in trials):
        return "await"
    if cancelled:
        return "cancelled"
    if len(trials) >= most_trials:
        return "exhausted"
    if len(trials) >= MOST_DENIALS and all(trial.state == "denied" for trial in trials[-MOST_DENIALS:]):
        return "denied"
    if spent(trials) + cheapest > epsilon:
        return "spent"
    return "try"
