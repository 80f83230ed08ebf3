"""Searches and their trials."""

from datetime import datetime
from uuid import UUID

from moneyer_generation.rules.search import SearchState, TrialState
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import Parameter
from moneyer_shared.contracts.search import SearchRequest


class SearchTrial(Document):
    """One fit of a search; its run tells the rest. ``shortfall`` is how far its bounds lay beyond the criteria."""

    number: int
    run_id: UUID
    state: TrialState
    generator: str
    parameters: dict[str, Parameter]
    epsilon: str
    charged: bool
    shortfall: str | None


class Search(Document):
    """A search and where it stands; ``epsilon_spent`` is Σε of the trials charged or under way."""

    id: UUID
    state: SearchState
    requester: str
    request: SearchRequest
    epsilon_spent: str
    asset_id: UUID | None
    because: str | None
    trials: list[SearchTrial]
    requested_at: datetime
    changed_at: datetime
