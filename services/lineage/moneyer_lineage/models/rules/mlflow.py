"""What MLflow's model registry says in its webhooks of the assets that models were trained on."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from moneyer_lineage.record.rules.shapes import Json

ASSET_TAG = "moneyer.asset."
"""A tag of a model version: ``moneyer.asset.<id>``, so that MLflow too is asked for an asset by one tag."""
OWNER_TAG = "moneyer.owner"
TOLERATED = timedelta(minutes=5)


@dataclass(frozen=True)
class RegistryNews:
    """A model, whose it is, and what a version of it was trained on; no version where only the model was registered."""

    name: str
    owner: str | None
    description: str
    version: str | None = None
    assets: tuple[str, ...] = ()
    uri: str | None = None


def is_signed(secret: str, delivery: str, timestamp: str, body: bytes, given: str) -> bool:
    """Whether a webhook comes from who has the secret (MLflow, "Webhooks", signature verification)."""
    made = hmac.digest(secret.encode(), f"{delivery}.{timestamp}.".encode() + body, hashlib.sha256)
    return hmac.compare_digest(given.encode(), b"v1," + base64.b64encode(made))


def is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether it was sent lately: what somebody kept is not to be played again."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:  # noqa: PLR2004
        return False
    return abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= TOLERATED


def heard(entity: str, action: str, data: Json) -> RegistryNews | None:
    """What an event says of models and assets; None where it says nothing of them."""
    tagged = data.get("tags")
    tags: Json = tagged if isinstance(tagged, dict) else {}
    name, version = str(data.get("name") or ""), str(data.get("version") or "")
    owner, description = tags.get(OWNER_TAG), str(data.get("description") or "")
    match entity, action:
        case ("registered_model", "created") if owner:
            return RegistryNews(name, owner, description)
        case ("model_version", "created"):
            assets = _assets(tags)
            return RegistryNews(name, owner, "", version, assets, data.get("source")) if assets else None
        case ("model_version_tag", "set"):
            assets = _assets({str(data.get("key")): ""})
            return RegistryNews(name, None, "", version, assets) if assets else None
        case _:
            return None


def _assets(tags: Json) -> tuple[str, ...]:
    return tuple(sorted(_id(key.removeprefix(ASSET_TAG)) for key in tags if key.startswith(ASSET_TAG)))


def _id(text: str) -> str:
    """An asset's id as it is written everywhere; whatever else stands there stays, and is found unknown."""
    try:
        return str(UUID(text))
    except ValueError:
        return text
