"""What was built on an asset, whose it is, and how they are told what becomes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.domain.changes import RECALLED, AssetChange, standing
from moneyer_lineage.domain.graph import ASSET, MODEL
from moneyer_lineage.domain.webhooks import cloud_event
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.store.webhooks import WebhookStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import record_act
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent


@dataclass(frozen=True)
class Impact:
    """What an asset is, what became of it, and all that was built on it: other assets, versions of models, the rest."""

    asset: str
    changes: Sequence[AssetChange]
    assets: Sequence[str]
    versions: Sequence[Row[Any]]
    others: Sequence[tuple[str, str]]
    listeners: Mapping[str, int]
    """Webhooks by owner of a version."""


async def impact(archive: Archive, asset: UUID, as_of: datetime | None) -> Impact:
    """Everything downstream of an asset, as it was known by a time.

    Raises:
        NotFound: nothing was decided on the asset by then.
    """
    async with archive.database.transaction() as connection:
        store = ImpactStore(connection)
        changes = (await store.changes([str(asset)], as_of)).get(str(asset))
        if not changes:
            raise NotFound(f"Nothing was decided on asset {asset} by then.")
        reached = await store.reach([(ASSET, str(asset))], "downstream", as_of)
        versions = await store.versions(_named(reached, MODEL))
        listeners = await store.listeners({row.owner for row in versions})
    known = {row.dataset for row in versions}
    others = sorted(one for one in reached if one[0] != ASSET and not (one[0] == MODEL and one[1] in known))
    owners = {row.owner: sum(one.owner == row.owner for one in listeners) for row in versions}
    return Impact(str(asset), changes, sorted(_named(reached, ASSET) - {str(asset)}), versions, others, owners)


def _named(datasets: Iterable[tuple[str, str]], namespace: str) -> set[str]:
    return {name for space, name in datasets if space == namespace}


# --- telling ---------------------------------------------------------------------------------


async def announce(archive: Archive) -> int:
    """Put every change that is new up for delivery to whoever built on the asset; how many there were."""
    announced = 0
    while await _announce_one(archive):
        announced += 1
    return announced


async def _announce_one(archive: Archive) -> bool:
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = ImpactStore(connection)
        change = await store.unannounced()
        if change is None:
            return False
        await store.wait_for_trainings()
        reached = await store.reach([(ASSET, change.asset_id)], "downstream", None)
        versions = await store.versions(_named(reached, MODEL))
        told = await _put(connection, archive, change, versions, now)
        await store.mark_announced(change, now)
        details = {"owners": len({row.owner for row in versions}), "webhooks": told}
        event = AuditEvent("lineage", "asset.announce", f"asset:{change.asset_id}", change.change, details)
        await record_act(connection, event, now)
        return True


async def tell_late(
    connection: AsyncConnection, archive: Archive, model: Row[Any], version: str, now: datetime
) -> None:
    """Tell the owner of a version that was just registered what became of its assets before."""
    store = ImpactStore(connection)
    name = f"{model.name}@{version}"
    behind = _named(await store.reach([(MODEL, name)], "upstream", None), ASSET)
    for changes in (await store.changes(behind, None)).values():
        known = standing(changes)
        if known.state in RECALLED:
            last = replace(known.change, substitute=known.substitute)
            await _put(connection, archive, last, await store.versions([name]), now)


async def _put(
    connection: AsyncConnection, archive: Archive, change: AssetChange, versions: Sequence[Row[Any]], now: datetime
) -> int:
    """Have a change delivered to every webhook of the versions' owners; each hears of its own models only."""
    listeners = await ImpactStore(connection).listeners({row.owner for row in versions})
    rows: list[dict[str, Any]] = []
    for webhook in listeners:
        own = [row for row in versions if row.owner == webhook.owner]
        event = _event(archive, change, own)
        rows.append({"webhook_id": webhook.id, "event_id": event["id"], "event": event, "made_at": now, "due_at": now})
    await WebhookStore(connection).put(rows)
    return len(rows)


def _event(archive: Archive, change: AssetChange, versions: Sequence[Row[Any]]) -> dict[str, Any]:
    named = sorted(f"{row.model}@{row.version}" for row in versions)
    key = "\n".join([archive.signer.origin, change.asset_id, change.at.isoformat(), change.change, *named])
    return cloud_event(
        event_id=str(uuid5(NAMESPACE_URL, key)),
        kind=f"asset.{change.change}",
        source=f"https://{archive.signer.origin}",
        subject=change.asset_id,
        at=change.at,
        data={
            "asset": change.asset_id,
            "state": change.state,
            "because": change.because,
            "substitute": change.substitute,
            "models": [{"name": row.model, "version": row.version} for row in versions],
        },
    )
