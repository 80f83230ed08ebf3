"""What lineage says on the wire to the services that tell it things."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document

MOST_DELIVERED = 500


class Delivery(Document):
    """One row of a service's outbox: an audit event's leaf, or an OpenLineage event."""

    id: UUID
    kind: Literal["audit", "openlineage"]
    payload: dict[str, Any]


class Deliveries(Document):
    items: Annotated[list[Delivery], Field(min_length=1, max_length=MOST_DELIVERED)]


class Refusal(Document):
    """Why one delivery was not taken, as a problem; all others of its batch were."""

    id: UUID
    problem: dict[str, Any]


class Receipt(Document):
    refused: list[Refusal]
