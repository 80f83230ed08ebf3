"""What was built on an asset, and whose it is."""

from datetime import datetime
from uuid import UUID

from moneyer_lineage.record.documents.graph import DatasetNode
from moneyer_lineage.record.rules.changes import AssetState
from moneyer_shared.contracts.documents import Document


class AssetChange(Document):
    """What became of an asset; ``substitute`` is the asset to use instead."""

    at: datetime
    change: str
    because: str | None
    substitute: str | None


class AffectedVersion(Document):
    """A version of a model that was trained on the asset, or on what was made of it; its owner has ``webhooks``."""

    model: str
    version: str
    owner: str
    trained_at: datetime
    webhooks: int


class Impact(Document):
    """What an asset is and was, and everything downstream of it: assets, models, other datasets.

    Of assets and models the house vouches; ``others`` are tables elsewhere, as whoever made them tells.
    """

    asset: UUID
    state: AssetState
    substitute: UUID | None
    changes: list[AssetChange]
    assets: list[UUID]
    models: list[AffectedVersion]
    others: list[DatasetNode]
