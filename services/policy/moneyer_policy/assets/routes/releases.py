"""Keys, permits, releases and grants: what the other services call, and what people may see."""

from moneyer_policy.assets.use_cases import copies, destruction, grants, permits, releases
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import IdempotencyKey
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="gate")
READ, REDEEM = "policy:read", "policy:permits:redeem"

routes.add(
    "POST",
    "/keys",
    permits.create_source_key,
    "A key for a new source version",
    scope="policy:keys:write",
    status=201,
)
routes.add(
    "POST",
    "/keys:give-back",
    permits.give_back_source_key,
    "Destroy the key of a source version that never came to be",
    scope="policy:keys:write",
    status=204,
)
routes.add(
    "POST",
    "/permits/{permit_id}:redeem",
    permits.redeem_permit,
    "Spend the reservation, get the keys",
    scope=REDEEM,
    given={"redemption_key": IdempotencyKey},
)
routes.add("POST", "/permits/{permit_id}:settle", permits.settle_permit, "The run has ended", scope=REDEEM, status=204)
routes.add(
    "POST",
    "/permits/{permit_id}:cancel",
    permits.cancel_permit,
    "Return an unredeemed reservation",
    scope=REDEEM,
    status=204,
)
routes.add(
    "POST",
    "/permits/{permit_id}:open-for-assay",
    permits.open_for_assay,
    "Keys for judging the asset a permit paid for",
    scope="policy:permits:assay",
)
routes.add(
    "POST",
    "/releases",
    releases.decide_release,
    "Hold an assay against the charter",
    scope="policy:releases:write",
    status=201,
    once="must",
    extra={"openapi_extra": {LARGEST_BODY: 8 * 2**20}},
)
routes.add("GET", "/assets/{asset_id}/release", releases.get_release, "What was decided on an asset", scope=READ)
routes.add(
    "POST",
    "/assets/{asset_id}/grants",
    grants.grant_access,
    "Let somebody read a released asset",
    scope="policy:grants:write",
    status=201,
    once="may",
    waits="/v1/reviews/{review_id}",
    extra={"response_model_exclude_none": True},
)
routes.add(
    "GET", "/certificate-key", destruction.get_certificate_key, "The key certificates are signed with", scope=READ
)
routes.add("GET", "/assets/{asset_id}/grants", grants.list_grants, "Who may read an asset", scope=READ)
routes.add(
    "POST",
    "/assets/{asset_id}:unlock",
    grants.unlock_asset,
    "The key, for a holder of a grant",
    scope="policy:assets:unlock",
)
routes.add(
    "POST",
    "/assets/{asset_id}:check-reader",
    copies.check_reader,
    "See that somebody may read an asset now; nothing is opened",
    scope="policy:assets:unlock",
    status=204,
)
routes.add(
    "GET", "/assets/{asset_id}/copies", copies.list_copies, "What of an asset was opened for deliveries", scope=READ
)
routes.add(
    "POST",
    "/assets/{asset_id}/copies/{delivery_id}:void",
    copies.void_copy,
    "A delivery left nothing outside custody",
    scope="policy:assets:unlock",
    status=204,
)
