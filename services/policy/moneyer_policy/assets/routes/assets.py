"""What an asset is, what stops it, and what to use instead."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from moneyer_policy.assets.documents import CertificateShown
from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases import destruction, recalls
from moneyer_policy.reviews.documents import Reason, ReviewOpened
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import AssetState, AssetStateName
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1/assets", tags=["assets"])
STEWARD = requires("policy:grants:write")
MOST_ASSETS = 200


class AssetShown(Document):
    """``substitute`` is what to use instead of a withdrawn asset by now."""

    asset_id: UUID
    state: AssetStateName
    substitute: UUID | None
    charter_id: UUID
    requester: str


class Withdrawal(Reason):
    """``substitute``: a released asset to use instead; it can be named later too."""

    substitute: UUID | None = None


class Substitution(Reason):
    substitute: UUID


@router.get("", operation_id="listAssetStates", summary="What each of these assets is now")
async def asset_states(
    asset: Annotated[list[UUID], Query(min_length=1, max_length=MOST_ASSETS)],
    office: InOffice,
    _: Caller = requires("policy:read"),
) -> list[AssetState]:
    """Those that no permit was given for are left out."""
    found = await recalls.states(office, asset)
    return [AssetState.model_validate({"asset_id": one, "state": state}) for one, state in found.items()]


@router.get("/{asset_id}", operation_id="getAsset", summary="What an asset is now, and what to use instead")
async def get_asset(asset_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> AssetShown:
    return AssetShown.model_validate(await recalls.asset(office, asset_id))


@router.post(
    "/{asset_id}:withdraw",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="withdrawAsset",
    summary="Ask for an asset to be read no more and its users told; a vote decides",
)
async def withdraw(
    asset_id: UUID, request: Withdrawal, office: InOffice, attempt: ThisAttempt, caller: Caller = STEWARD
) -> JSONResponse:
    reply = await recalls.propose(
        office,
        kind="withdrawal",
        asset_id=asset_id,
        reason=request.reason,
        substitute=request.substitute,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/{asset_id}:substitute",
    status_code=204,
    operation_id="substituteAsset",
    summary="Say what to use instead of a withdrawn asset",
)
async def substitute(asset_id: UUID, request: Substitution, office: InOffice, caller: Caller = STEWARD) -> None:
    await recalls.substitute_asset(
        office, asset_id=asset_id, substitute=request.substitute, reason=request.reason, by=caller.subject
    )


@router.post("/{asset_id}:suspend", status_code=204, operation_id="suspendAsset", summary="Stop it at once")
async def suspend(
    asset_id: UUID, request: Reason, office: InOffice, caller: Caller = requires("policy:charters:suspend")
) -> None:
    await recalls.suspend_asset(office, asset_id=asset_id, reason=request.reason, incident_id=None, by=caller.subject)


@router.post(
    "/{asset_id}:resume",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="resumeAsset",
    summary="Ask for a suspended asset to be read again; a vote decides",
)
async def resume(
    asset_id: UUID,
    request: Reason,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = STEWARD,
) -> JSONResponse:
    reply = await recalls.propose(
        office, kind="resumption", asset_id=asset_id, reason=request.reason, by=caller.subject, attempt=attempt
    )
    return reply.response()


@router.post(
    "/{asset_id}:retire",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="retireAsset",
    summary="Ask for an asset's key to be destroyed; a vote decides",
)
async def retire(
    asset_id: UUID,
    request: Reason,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = STEWARD,
) -> JSONResponse:
    reply = await recalls.propose(
        office, kind="retirement", asset_id=asset_id, reason=request.reason, by=caller.subject, attempt=attempt
    )
    return reply.response()


@router.get(
    "/{asset_id}/certificates",
    operation_id="listCertificates",
    summary="Signed certificates of an asset's destruction; provisional until no backup of its key is left",
)
async def certificates(asset_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> list[CertificateShown]:
    async with office.database.transaction() as connection:
        await AssetStore(connection).permit_of_run(asset_id)
        rows = await destruction.certificates_of(connection, asset_id)
    return [CertificateShown.model_validate(row) for row in rows]
