"""What an asset is, what stops it, and what to use instead."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from moneyer_policy.assets.use_cases import destruction, lifecycle
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/assets", tag="assets")
READ, STEWARD = "policy:read", "policy:grants:write"
REVIEW = "/v1/reviews/{review_id}"
MOST_ASSETS = 200

routes.add(
    "GET",
    "",
    lifecycle.list_asset_states,
    "What each of these assets is now",
    scope=READ,
    given={"asset": Annotated[list[UUID], Query(min_length=1, max_length=MOST_ASSETS)]},
)
routes.add("GET", "/{asset_id}", lifecycle.get_asset, "What an asset is now, and what to use instead", scope=READ)
routes.add(
    "POST",
    "/{asset_id}:withdraw",
    lifecycle.withdraw_asset,
    "Ask for an asset to be read no more and its users told; a vote decides",
    scope=STEWARD,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "POST",
    "/{asset_id}:substitute",
    lifecycle.substitute_asset,
    "Say what to use instead of a withdrawn asset",
    scope=STEWARD,
    status=204,
)
routes.add(
    "POST",
    "/{asset_id}:suspend",
    lifecycle.suspend_asset,
    "Stop it at once",
    scope="policy:charters:suspend",
    status=204,
)
routes.add(
    "POST",
    "/{asset_id}:resume",
    lifecycle.resume_asset,
    "Ask for a suspended asset to be read again; a vote decides",
    scope=STEWARD,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "POST",
    "/{asset_id}:retire",
    lifecycle.retire_asset,
    "Ask for an asset's key to be destroyed; a vote decides",
    scope=STEWARD,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "GET",
    "/{asset_id}/certificates",
    destruction.list_certificates,
    "Signed certificates of an asset's destruction; provisional until no backup of its key is left",
    scope=READ,
)
