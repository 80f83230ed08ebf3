"""What was built on an asset, whose it is, and how they are told what becomes of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import NAMESPACE_URL, UUID, uuid5

from moneyer_lineage.dependencies import ITSELF, Dependencies, Work
from moneyer_lineage.models.documents import impact as documents
from moneyer_lineage.models.documents.impact import AffectedVersion, Impact
from moneyer_lineage.models.store.impact import ImpactStore, OwnedVersion
from moneyer_lineage.record.documents.graph import DatasetNode
from moneyer_lineage.record.rules.changes import RECALLED, AssetChange, standing
from moneyer_lineage.record.rules.graph import ASSET, MODEL
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.store.edges import EdgeStore
from moneyer_lineage.webhooks.rules.signing import cloud_event
from moneyer_lineage.webhooks.store import WebhookStore
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.errors import NotFound
from moneyer_shared.journal import AuditEvent


async def get_impact(work: Work, asset: UUID, as_of: Moment | None = None) -> Impact:
    """Everything downstream of an asset, as it was known by a time.

    Raises:
        NotFound: nothing was decided on the asset by then.
    """
    changes = (await ChangeStore(work.connection).changes([str(asset)], as_of)).get(str(asset))
    if not changes:
        raise NotFound(f"Nothing was decided on asset {asset} by then.")
    reached = await EdgeStore(work.connection).reach([(ASSET, str(asset))], "downstream", as_of)
    versions = await ImpactStore(work.connection).versions(_named(reached, MODEL))
    listeners = await WebhookStore(work.connection).listeners({one.owner for one in versions})
    webhooks, known = Counter(one.owner for one in listeners), {one.dataset for one in versions}
    others = sorted(one for one in reached if one[0] != ASSET and not (one[0] == MODEL and one[1] in known))
    now = standing(changes)
    return Impact(
        asset=asset,
        state=now.state,
        substitute=UUID(now.substitute) if now.substitute else None,
        changes=[documents.AssetChange.model_validate(one) for one in changes],
        assets=[UUID(one) for one in sorted(_named(reached, ASSET) - {str(asset)})],
        models=[
            AffectedVersion(
                model=one.model, version=one.version, owner=one.owner, trained_at=one.trained_at,
                webhooks=webhooks[one.owner],
            )
            for one in versions
        ],
        others=[DatasetNode(namespace=space, name=name) for space, name in others],
    )  # fmt: skip


def _named(datasets: Iterable[tuple[str, str]], namespace: str) -> set[str]:
    return {name for space, name in datasets if space == namespace}


# --- telling ---------------------------------------------------------------------------------


async def announce(dependencies: Dependencies) -> int:
    """Put every change that is new up for delivery to whoever built on the asset; how many there were."""
    announced = 0
    while await _announce_one(dependencies):
        announced += 1
    return announced


async def _announce_one(dependencies: Dependencies) -> bool:
    async with dependencies.begin(Work, ITSELF) as work:
        store, changes = ImpactStore(work.connection), ChangeStore(work.connection)
        change = await changes.unannounced()
        if change is None:
            return False
        await store.wait_for_trainings()
        reached = await EdgeStore(work.connection).reach([(ASSET, change.asset_id)], "downstream", None)
        versions = await store.versions(_named(reached, MODEL))
        told = await _put(work, change, versions)
        await changes.mark_announced(change, work.now)
        details = {"owners": len({one.owner for one in versions}), "webhooks": told}
        await work.tell(
            AuditEvent("lineage", Action.ASSET_ANNOUNCE, f"asset:{change.asset_id}", change.change, details)
        )
        return True


async def tell_late(work: Work, model: str, version: str) -> None:
    """Tell the owner of a version that was just registered what became of its assets before."""
    name = f"{model}@{version}"
    behind = _named(await EdgeStore(work.connection).reach([(MODEL, name)], "upstream", None), ASSET)
    for changes in (await ChangeStore(work.connection).changes(behind, None)).values():
        known = standing(changes)
        if known.state in RECALLED:
            last = replace(known.change, substitute=known.substitute)
            await _put(work, last, await ImpactStore(work.connection).versions([name]))


async def _put(work: Work, change: AssetChange, versions: Sequence[OwnedVersion]) -> int:
    """Have a change delivered to every webhook of the versions' owners; each hears of its own models only."""
    store = WebhookStore(work.connection)
    rows: list[Json] = []
    for webhook in await store.listeners({one.owner for one in versions}):
        own = [one for one in versions if one.owner == webhook.owner]
        event = _event(work.setup.origin, change, own)
        rows.append(
            {"webhook_id": webhook.id, "event_id": event["id"], "event": event, "made_at": work.now, "due_at": work.now}
        )
    await store.put(rows)
    return len(rows)


def _event(origin: str, change: AssetChange, versions: Sequence[OwnedVersion]) -> Json:
    named = sorted(one.dataset for one in versions)
    key = "\n".join([origin, change.asset_id, change.at.isoformat(), change.change, *named])
    return cloud_event(
        event_id=str(uuid5(NAMESPACE_URL, key)),
        kind=f"asset.{change.change}",
        source=f"https://{origin}",
        subject=change.asset_id,
        at=change.at,
        data={
            "asset": change.asset_id,
            "state": change.state,
            "because": change.because,
            "substitute": change.substitute,
            "models": [{"name": one.model, "version": one.version} for one in versions],
        },
    )
