"""A pull as a state machine, and what to do when a worker finds one half-way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

PullState = Literal["waiting", "fetching", "sealing", "done", "failed", "cancelled"]
Step = Literal["rest", "cancel", "clear", "wait", "give-up", "fetch"]
ENDS = frozenset({"done", "failed", "cancelled"})
DATABASES = frozenset({"postgres", "mysql", "snowflake", "bigquery", "duckdb", "sqlite", "iceberg"})
"""Kinds of connections that are asked by a query or the name of a table; others are by a path."""
MOST_ATTEMPTS = 3
"""A table that took its worker with it so often takes no other."""


@dataclass(frozen=True)
class PullProgress:
    """What is known of a pull when a worker takes it up; ``planned``: a version was begun that nobody finished."""

    state: PullState
    planned: bool
    cancel_requested: bool
    attempt: int
    due_at: datetime


def next_step(pull: PullProgress, now: datetime) -> Step:
    """The one thing to do now. Whatever a lost worker began is cleared first, whatever comes of the pull then."""
    if pull.state in ENDS:
        return "rest"
    if pull.planned:
        return "clear"
    if pull.cancel_requested:
        return "cancel"
    if pull.due_at > now:
        return "wait"
    return "give-up" if pull.attempt > MOST_ATTEMPTS else "fetch"
