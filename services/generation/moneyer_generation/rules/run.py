"""A run as an explicit state machine, and what to do when a worker finds one half-way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RunState = Literal[
    "denied", "in_review", "queued", "redeemed", "fitting", "fitted", "quarantined", "assaying",
    "released", "rejected", "failed", "cancelled", "measured",
]  # fmt: skip
Step = Literal["await-votes", "make", "settle", "assay", "conclude", "fail-interrupted", "cancel", "rest"]

MOVES: Mapping[str, frozenset[str]] = {
    "in_review": frozenset({"queued", "denied", "cancelled"}),
    "queued": frozenset({"redeemed", "failed", "cancelled"}),
    "redeemed": frozenset({"fitting", "failed", "cancelled"}),
    "fitting": frozenset({"fitted", "failed", "cancelled"}),
    "fitted": frozenset({"quarantined", "measured", "failed", "cancelled"}),
    "quarantined": frozenset({"assaying", "failed"}),
    "assaying": frozenset({"released", "rejected", "failed"}),
}
"""Where each state may go; a state that is not named is an end."""

DECIDED: frozenset[RunState] = frozenset({"released", "rejected"})
"""States in which a run has ended and its asset goes on: what that is is policy's to say."""
UNPAID = frozenset({"denied", "in_review", "queued"})
CANCELLABLE = frozenset({"in_review", "queued", "redeemed", "fitting", "fitted"})


@dataclass(frozen=True)
class Progress:
    """What is known of a run when a worker takes it up."""

    state: RunState
    guarantee: str
    redeemed: bool
    settled: bool
    model_sealed: bool
    cancel_requested: bool


def may_move(before: str, after: str) -> bool:
    return after in MOVES.get(before, frozenset())


def next_step(run: Progress) -> Step:  # noqa: PLR0911 - one return a state reads as the table it is
    """The one thing to do now; asked again after every step and after every crash."""
    if run.cancel_requested and run.state in CANCELLABLE:
        return "cancel"
    match run.state:
        case "in_review":
            return "await-votes"
        case "queued" | "redeemed" | "fitted":
            return "make"
        case "fitting":
            return "make" if may_fit_again(run) else "fail-interrupted"
        case "quarantined":
            return "assay" if run.settled else "settle"
        case "assaying":
            return "conclude"
        case "failed" | "cancelled" | "measured" if run.redeemed and not run.settled:
            return "settle"
        case _:
            return "rest"


def may_fit_again(run: Progress) -> bool:
    """Whether a fit that was cut short may run once more.

    A charge pays for one execution of a private mechanism, and a crash may itself depend on the data:
    so a proven or claimed mechanism is never run twice. A model sealed before the crash is that one
    execution's result, and sampling it is post-processing. Without a guarantee a second fit costs nobody.
    """
    return run.model_sealed or run.guarantee == "none"


def outcome_of(state: str) -> Literal["quarantined", "failed", "cancelled", "measured"]:
    """What policy is told when the permit is settled."""
    match state:
        case "failed" | "cancelled" | "measured":
            return state
        case _:
            return "quarantined"
