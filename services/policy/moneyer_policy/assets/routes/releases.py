"""Keys, permits, releases and grants: what the other services call, and what people may see."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from moneyer_policy.assets.documents import CertificateKey, GrantMade, GrantRequest, GrantShown
from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases import permits, releases
from moneyer_policy.reviews.documents import RAW
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.policy import (
    AssayKeys,
    AssayKeysRequest,
    DataKey,
    KeyRequest,
    RedeemRequest,
    Redemption,
    Release,
    ReleaseRequest,
    SettleRequest,
    UnlockRequest,
)
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import IdempotencyKey, KeyedAttempt, ThisAttempt

router = APIRouter(prefix="/v1", tags=["gate"])


@router.post("/keys", status_code=201, operation_id="createSourceKey", summary="A key for a new source version")
async def new_key(request: KeyRequest, office: InOffice, caller: Caller = requires("policy:keys:write")) -> DataKey:
    return DataKey.model_validate(await permits.new_source_key(office, request, by=caller.subject))


@router.post("/permits/{permit_id}:redeem", operation_id="redeemPermit", summary="Spend the reservation, get the keys")
async def redeem(
    permit_id: UUID,
    request: RedeemRequest,
    office: InOffice,
    key: IdempotencyKey,
    caller: Caller = requires("policy:permits:redeem"),
) -> Redemption:
    return Redemption.model_validate(await permits.redeem(office, permit_id, request, by=caller.subject, key=key))


@router.post("/permits/{permit_id}:settle", status_code=204, operation_id="settlePermit", summary="The run has ended")
async def settle(
    permit_id: UUID,
    request: SettleRequest,
    office: InOffice,
    caller: Caller = requires("policy:permits:redeem"),
) -> None:
    await permits.settle(office, permit_id, request.outcome, by=caller.subject)


@router.post(
    "/permits/{permit_id}:cancel",
    status_code=204,
    operation_id="cancelPermit",
    summary="Return an unredeemed reservation",
)
async def cancel(permit_id: UUID, office: InOffice, caller: Caller = requires("policy:permits:redeem")) -> None:
    await permits.cancel(office, permit_id, by=caller.subject)


@router.post(
    "/permits/{permit_id}:open-for-assay",
    operation_id="openForAssay",
    summary="Keys for judging the asset a permit paid for",
)
async def open_for_assay(
    permit_id: UUID,
    request: AssayKeysRequest,
    office: InOffice,
    caller: Caller = requires("policy:permits:assay"),
) -> AssayKeys:
    opened = await permits.open_for_assay(office, permit_id, request, by=caller.subject)
    return AssayKeys.model_validate(opened)


@router.post(
    "/releases",
    status_code=201,
    response_model=Release,
    operation_id="decideRelease",
    summary="Hold an assay against the charter",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def decide_release(
    request: ReleaseRequest,
    office: InOffice,
    attempt: KeyedAttempt,
    caller: Caller = requires("policy:releases:write"),
) -> JSONResponse:
    return (await releases.decide_release(office, request, by=caller.subject, attempt=attempt)).response()


@router.get("/assets/{asset_id}/release", operation_id="getRelease", summary="What was decided on an asset")
async def get_release(asset_id: UUID, office: InOffice, caller: Caller = requires("policy:read")) -> Release:
    return Release.model_validate(await releases.release_of(office, asset_id, raw=caller.holds(RAW)))


@router.post(
    "/assets/{asset_id}/grants",
    status_code=201,
    response_model=GrantMade,
    operation_id="grantAccess",
    summary="Let somebody read a released asset",
)
async def grant(
    asset_id: UUID,
    request: GrantRequest,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = requires("policy:grants:write"),
) -> JSONResponse:
    reply = await releases.grant(
        office,
        asset_id=asset_id,
        subject=request.subject,
        use_case=request.use_case,
        valid_until=request.valid_until,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("/certificate-key", operation_id="getCertificateKey", summary="The key certificates are signed with")
async def certificate_key(office: InOffice, _: Caller = requires("policy:read")) -> CertificateKey:
    return CertificateKey(key_id=office.signer.key_id, ed25519=office.signer.public_key)


@router.get("/assets/{asset_id}/grants", operation_id="listGrants", summary="Who may read an asset")
async def grants(asset_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> list[GrantShown]:
    async with office.database.transaction() as connection:
        rows = await AssetStore(connection).grants(asset_id)
    return [
        GrantShown(
            subject=row.subject, use_case=row.use_case, granted_by=row.granted_by,
            granted_at=row.granted_at, valid_until=row.valid_until,
        )
        for row in rows
    ]  # fmt: skip


@router.post("/assets/{asset_id}:unlock", operation_id="unlockAsset", summary="The key, for a holder of a grant")
async def unlock(
    asset_id: UUID,
    request: UnlockRequest,
    office: InOffice,
    caller: Caller = requires("policy:assets:unlock"),
) -> DataKey:
    opened = await releases.unlock(office, asset_id, subject=request.subject, by=caller.subject)
    return DataKey.model_validate(opened)
