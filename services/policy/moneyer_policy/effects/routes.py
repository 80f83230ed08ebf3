"""Votes: the one that decides also does what was decided."""

from moneyer_policy.effects.use_cases import votes
from moneyer_shared.routes import Routes

reviews = Routes(prefix="/v1", tag="committee")
charters = Routes(prefix="/v1", tag="charters")
VOTE = "policy:votes:write"

reviews.add(
    "POST",
    "/reviews/{review_id}/votes",
    votes.vote_on_review,
    "Vote on exactly one digest",
    scope=VOTE,
    status=201,
    once="may",
)
reviews.add(
    "POST",
    "/reviews/{review_id}/conditions/{condition_id}:meet",
    votes.meet_condition,
    "Confirm that a condition of one's own is met",
    scope=VOTE,
)
charters.add(
    "POST",
    "/charters/{charter_id}/votes",
    votes.vote_on_charter,
    "Vote on a submitted version",
    scope=VOTE,
    status=201,
    once="may",
)
