"""Decisions as they are looked for, and what would make a refused plan pass."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.people import Whose
from moneyer_shared.contracts.policy import Clause, Decision


class DecisionSearch(Document, extra="ignore"):
    """Which decisions are asked for: those that meet everything that is stated here."""

    charter: UUID | None = None
    requester: Whose | None = None
    verdict: Literal["permit", "deny", "review"] | None = None
    code: Annotated[Name | None, Field(description="A rule that failed")] = None
    since: Moment | None = None
    until: Moment | None = None
    after: UUID | None = None


class DecisionSummary(Decision):
    requester: str
    charter_id: UUID


class Suggestion(Document):
    """One change: a place in the plan, a value that passes there, and what else would.

    ``cost`` is the largest part of the plan's cost, from 0 to 1, that the budgets still admit.
    """

    code: str
    path: str
    value: Any
    choices: list[Any]


class Explanation(Document):
    """What would make a plan pass today; ``plan`` has the changes made, ``still_failing`` is what they leave."""

    decision_id: UUID
    verdict_now: Literal["permit", "deny"]
    clauses: list[Clause]
    suggestions: list[Suggestion]
    plan: dict[str, Any] | None
    still_failing: list[Clause]
