"""Deliveries: released tables that the house brings to a store, a folder or a database."""

from moneyer_generation.use_cases.deliveries import (
    cancel_delivery,
    check_delivery,
    get_delivery,
    list_deliveries,
    request_delivery,
)
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="deliveries")
READ, WRITE = "generation:read", "generation:deliveries:write"

routes.add(
    "POST", "/assets/{asset_id}/deliveries", request_delivery, "Have a released table brought where a connection leads",
    scope=WRITE, status=202, once="must", first=check_delivery, location="/v1/deliveries/{id}",
    headers={"Retry-After": "2"},
)  # fmt: skip
routes.add(
    "GET", "/assets/{asset_id}/deliveries", list_deliveries, "An asset's deliveries, the latest first", scope=READ,
    operation="listAssetDeliveries", page="id",
)  # fmt: skip
routes.add("GET", "/deliveries/{delivery_id}", get_delivery, "Where a delivery stands", scope=READ)
routes.add(
    "POST", "/deliveries/{delivery_id}:cancel", cancel_delivery, "End a delivery", scope=WRITE, status=202, once="may",
)  # fmt: skip
