"""On what an asset was made, as it stood when its permit was given."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from moneyer_shared.contracts.documents import AmountText, Document, Moment


class CharterThen(Document):
    """The version of a charter that a permit was given under."""

    id: UUID
    version: int
    digest: str
    title: str
    state: str
    in_force_at: Moment | None


class Vote(Document):
    """A vote as it was cast."""

    voter: str
    on_behalf_of: str | None
    function: str
    verdict: str
    digest: str
    reason: str
    stage: int
    committee_version: int
    cast_at: datetime


class VoteThen(Vote):
    """A vote that had been cast by then, ``on`` the charter's version or on the plan."""

    on: Literal["charter", "plan"]
    review_id: UUID


class AssessmentThen(Document):
    """An assessment of that version that had not expired."""

    id: UUID
    assessor: str
    acceptable: bool
    made_at: Moment
    valid_until: Moment


class DecisionThen(Document):
    id: UUID
    verdict: str
    requester: str
    permit: UUID


class BudgetThen(Document):
    """An account that paid: how large it was, and how much of it was reserved or spent, this run's part among it.

    Both ε are at the Rényi ``order`` the account is held to.
    """

    account: UUID
    population_id: UUID
    of: Literal["population", "charter"]
    partition: str
    version: int
    epsilon: AmountText
    delta: AmountText
    order: str
    approximate_delta: AmountText
    epsilon_held: AmountText
    epsilon_of_this: AmountText
    delta_held: AmountText
    delta_of_this: AmountText
    releases_held: int


class Provenance(Document):
    """On what an asset was made, as it stood ``at`` the moment its permit was given."""

    asset_id: UUID
    at: Moment
    charter: CharterThen
    votes: list[VoteThen]
    assessments: list[AssessmentThen]
    decision: DecisionThen
    budgets: list[BudgetThen]
