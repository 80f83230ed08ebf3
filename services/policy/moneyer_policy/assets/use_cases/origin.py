"""Under what an asset was made, and what policy says of it to lineage."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.store.decisions import StoredPermit
from moneyer_policy.work import Work
from moneyer_shared.contracts.events import dataset, job_of_runs, run_event
from moneyer_shared.contracts.policy import Plan


class Terms(NamedTuple):
    """The charter version an asset was made under, and how long it says that assets are kept."""

    charter: Charter
    retention: timedelta


async def terms_of(work: Work, permit: StoredPermit) -> Terms:
    """Under what a permit was given, whatever was amended since.

    Raises:
        NotFound: the charter had no such version in force then.
    """
    store, digest = CharterStore(work.connection), permit.charter_digest
    row = await store.by_digest(permit.charter_id, digest, work.now, decided_at=permit.made_at)
    return Terms(row.read(), timedelta(days=row.document["retention_days"]))


async def plan_of(store: AssetStore, permit: StoredPermit) -> Plan:
    """The plan a permit was given for."""
    return (await store.read(permit.decision_id)).request.plan


async def say_of(
    work: Work, asset_id: UUID, *facets: BaseModel, dataset_facets: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """What policy says of an asset, as an OpenLineage event of the run that made it.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    store = AssetStore(work.connection)
    plan = await plan_of(store, await store.permit_of_run(asset_id))
    return run_event(
        at=work.now,
        event_type="OTHER",
        run_id=str(asset_id),
        job=job_of_runs(vars(plan)),
        outputs=[dataset("asset", str(asset_id), dataset_facets)],
        facets=facets,
    )
