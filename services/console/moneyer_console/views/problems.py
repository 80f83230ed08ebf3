"""What went wrong, in the API's own words and with its remedies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moneyer.client import Refused
from moneyer_shared.errors import MoneyerError

NEEDS: Mapping[str, str] = {
    "policy": "reviews, votes, charters, budgets and grants; runs and assets, whose state policy tells",
    "generation": "sources, runs, and the tables themselves",
    "evaluation": "assays and their figures, monitors",
    "lineage": "provenance, cards, models and the audit log",
}
"""What cannot be shown or done while a service is away."""


@dataclass(frozen=True)
class Problem:
    """A refusal: its words, and each reason with what would mend it."""

    title: str
    detail: str
    code: str
    status: int
    reasons: Sequence[Mapping[str, Any]] = ()


def problem_of(error: Refused | MoneyerError) -> Problem:
    code = error.code if isinstance(error, Refused) else error.problem_code
    return Problem(error.title or "It was refused.", error.detail, code, error.status, error.reasons)


@dataclass(frozen=True)
class Service:
    name: str
    answers: bool
    needed_for: str


@dataclass(frozen=True)
class AwayView:
    """Which service a page needed, and what still works."""

    needed: str
    services: Sequence[Service]


def away_view(needed: str, answering: Mapping[str, bool]) -> AwayView:
    return AwayView(needed, [Service(name, answers, NEEDS[name]) for name, answers in answering.items()])
