"""Cards of assets and charters as anybody may read them, and what anybody may say.

Fields are those of the Differential Privacy Deployments Registry (registry.opendp.org); a card at ``full`` disclosure
has all that one at ``summary`` has. Ids, times and amounts are as the services told them.
"""

from pydantic import JsonValue, TypeAdapter

from moneyer_lineage.record.rules.changes import AssetState
from moneyer_shared.contracts.documents import Document, Text


class IntendedUse(Document):
    name: str
    description: str | None


class Privacy(Document):
    """ε at the budget's δ, both None where no budget was spent."""

    guarantee: str
    statement: str
    flavor: str
    unit: str
    epsilon: str | None
    delta: str | None
    deployment_model: str


class Quality(Document):
    verdict: str | None
    criteria: int
    criteria_met: int


class Governance(Document):
    """``approvals`` are counted by function; ``assessed``: somebody accepts the charter and nobody refuses it."""

    charter_version: int
    approvals: dict[str, int]
    assessed: bool


class AssetCard(Document):
    """What is published of an asset whose charter discloses a summary."""

    asset: str
    charter: str
    curator: str
    title: str
    intended_use: IntendedUse
    purpose: str
    data_product: str
    published_at: str | None
    state: AssetState
    substitute: str | None
    privacy: Privacy
    quality: Quality
    governance: Governance


class FullAssetCard(AssetCard):
    """What is published of an asset whose charter discloses all."""

    privacy_detail: dict[str, JsonValue]
    accounting: dict[str, str]
    implementation: dict[str, JsonValue]
    limits: dict[str, JsonValue]
    figures: list[dict[str, str]]
    evidence: dict[str, str]


class CharterCard(Document):
    """What is published of a charter that discloses a summary."""

    charter: str
    version: int
    curator: str
    title: str
    purpose: str
    use_cases: list[IntendedUse]
    audiences: list[str]
    prohibited_uses: list[str]
    minimum_guarantee: str
    in_force_at: str | None
    expires_at: str | None


class FullCharterCard(CharterCard):
    """What is published of a charter that discloses all."""

    benefits: JsonValue
    trade_offs: JsonValue
    performance_goals: JsonValue
    legal_basis: JsonValue
    risk_assessment: JsonValue
    error_margins: JsonValue
    acceptance: list[dict[str, JsonValue]]
    review_triggers: list[JsonValue]
    quorum: dict[str, JsonValue]
    digest: str


AnyAssetCard = FullAssetCard | AssetCard
AnyCharterCard = FullCharterCard | CharterCard
ASSET_CARD: TypeAdapter[AnyAssetCard] = TypeAdapter(AnyAssetCard)
CHARTER_CARD: TypeAdapter[AnyCharterCard] = TypeAdapter(AnyCharterCard)


class Figures(Document):
    """Counts; null where so few that it is not told."""

    plans: dict[str, int | None]
    assets: dict[str, int | None]


class Feedback(Document):
    message: Text


class PublicPage(Document):
    """The latest cards, those of charters, and figures; ``more`` if there are further cards."""

    cards: list[AnyAssetCard]
    charters: list[AnyCharterCard]
    figures: Figures
    more: bool


class CardPage(Document):
    """A card; ``heard`` where somebody has just said something of it."""

    card: AnyAssetCard
    heard: bool
