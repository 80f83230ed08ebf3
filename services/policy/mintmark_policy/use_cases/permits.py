"""Permits: redeemed once and paid for in the same transaction that hands out the key (I1)."""

import uuid
from base64 import b64encode
from datetime import datetime
from typing import Any
from uuid import UUID

from mintmark_policy.domain.permit import check_redemption, made_an_asset
from mintmark_policy.store.budgets import BudgetStore
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.store.decisions import DecisionStore, as_permit
from mintmark_policy.tables import journal
from mintmark_policy.use_cases.facts import charge_of, stop_of
from mintmark_policy.use_cases.office import Office
from mintmark_policy.use_cases.reservations import give_back
from mintmark_shared.contracts.policy import AssayKeysRequest, KeyRequest, RedeemRequest
from mintmark_shared.errors import Conflict, Forbidden, Gone, Invalid
from mintmark_shared.journal import AuditEvent, job_of_runs, openlineage_event


async def new_source_key(office: Office, request: KeyRequest, *, by: str) -> dict[str, str]:
    """A fresh key for a source version that has none; it is handed out in clear this once.

    Raises:
        Conflict: the version has its key; only a redeemed permit opens it again.
    """
    now = office.clock()
    key, key_id = office.keyring.new_key(), uuid.uuid4()
    async with office.database.transaction() as connection:
        population = await BudgetStore(connection).population(request.population_id)
        unknown = sorted(set(request.partitions) - set(population.partitions))
        if unknown:
            raise Invalid(
                f"The population has no partition {', '.join(unknown)}; it has {', '.join(population.partitions)}.",
                code="partition-unknown",
            )
        store = DecisionStore(connection)
        if await store.key_of(request.resource) is not None:
            raise Conflict("This source version has its key.", code="key-exists")
        wrapped = await office.keyring.wrap(key, key_id=key_id, resource=request.resource)
        whose = request.model_dump(include={"population_id", "partitions", "owner"})
        await store.add_key({**wrapped, **whose, "created_at": now})
        await journal.record(connection, now, AuditEvent(by, "key.create", request.resource))
    return {"id": str(key_id), "key": b64encode(key).decode()}


Keys = dict[str, str | None]


async def redeem(office: Office, permit_id: UUID, request: RedeemRequest, *, by: str, key: str) -> Keys:
    """Spend the reservation and open the source's key, or repeat the answer to the run that did.

    A plan that samples an earlier model opens that model instead: the source stays shut.

    Raises:
        Forbidden: the token is not this permit's, or for another plan.
        Conflict: redeemed by another run, ended, or expired, or its charter is suspended.
        Gone: the source's key was destroyed, or the model's.
    """
    office.signer.check(request.token, permit_id=str(permit_id), plan_digest=request.plan_digest)
    now = office.clock()
    async with office.database.transaction() as connection:
        store = DecisionStore(connection)
        row = await store.lock_permit(permit_id)
        spends = check_redemption(as_permit(row), plan_digest=request.plan_digest, redemption_key=key, now=now)
        if spends:
            await _refuse_suspended(connection, row)
            await _spend(office, connection, row, by, key, now)
        row = await store.lock_permit(permit_id)
        model = (await store.decision(row.decision_id)).request["plan"].get("model")
        if model is not None:
            return await _open_model(office, connection, row, UUID(model))
        return await _open_keys(office, store, row)


async def _open_model(office: Office, connection: Any, row: Any, model: UUID) -> Keys:
    store = DecisionStore(connection)
    if (stop := await stop_of(connection, model)) is not None:
        code = "suspended" if stop.state == "suspended" else "asset-withdrawn"
        raise Conflict(f"Asset {stop.asset_id} is {stop.state}; nothing is made from its model while it is.", code=code)
    made, asset = await store.permit_of_run(model), await store.key(row.asset_key_id)
    kept = await store.key(made.asset_key_id)
    if kept is None or asset is None:
        raise Gone("The keys of this permit are gone.", code="key-destroyed")
    return {
        "permit_id": str(row.id),
        "source_key": None,
        "asset_key_id": str(asset.id),
        "asset_key": office.keyring.unwrap(asset),
        "model_key": office.keyring.unwrap(kept),
    }


async def _refuse_suspended(connection: Any, row: Any) -> None:
    """A permit given before a suspension opens nothing while it lasts."""
    if await CharterStore(connection).is_suspended("charter", row.charter_id):
        raise Conflict("The charter is suspended; the permit opens nothing until it is resumed.", code="suspended")


async def _spend(office: Office, connection: Any, row: Any, by: str, key: str, now: datetime) -> None:
    store, budgets = DecisionStore(connection), BudgetStore(connection)
    cost = await budgets.cost(row.mechanism)
    await budgets.move("spend", row.account_ids, row.id, row.mechanism, cost, now)
    asset_key_id, resource = uuid.uuid4(), f"asset:{row.run_id}"
    wrapped = await office.keyring.wrap(office.keyring.new_key(), key_id=asset_key_id, resource=resource)
    await store.add_key({**wrapped, "created_at": now})
    await store.set_permit(row.id, state="redeemed", redemption_key=key, asset_key_id=asset_key_id)
    charge = charge_of(cost, await budgets.delta_of(row.account_ids))
    event = AuditEvent(by, "permit.redeem", f"permit:{row.id}", details={"run": str(row.run_id)} | charge)
    facets = {"mintmark_charge": {"permit": str(row.id), **charge}}
    job = job_of_runs((await store.decision(row.decision_id)).request["plan"])
    lineage = openlineage_event(at=now, event_type="START", run_id=str(row.run_id), job=job, facets=facets)
    await journal.record(connection, now, event, lineage=[lineage])


async def _open_keys(office: Office, store: DecisionStore, row: Any) -> Keys:
    source, asset = await store.key(row.source_key_id), await store.key(row.asset_key_id)
    if source is None or asset is None:
        raise Gone("The keys of this permit are gone.", code="key-destroyed")
    return {
        "permit_id": str(row.id),
        "source_key": office.keyring.unwrap(source),
        "asset_key_id": str(asset.id),
        "asset_key": office.keyring.unwrap(asset),
    }


async def settle(office: Office, permit_id: UUID, outcome: str, *, by: str) -> None:
    """Close a redeemed permit: its keys are not handed to the run again. The charge stands."""
    now = office.clock()
    async with office.database.transaction() as connection:
        store = DecisionStore(connection)
        row = await store.lock_permit(permit_id)
        if row.state == "settled":
            return
        if row.state != "redeemed":
            raise Conflict(f"The permit is {row.state}; only a redeemed one is settled.", code="not-redeemed")
        await store.set_permit(permit_id, state="settled", outcome=outcome)
        await journal.record(connection, now, AuditEvent(by, "permit.settle", f"permit:{permit_id}", outcome))


async def cancel(office: Office, permit_id: UUID, *, by: str) -> None:
    """Give an unredeemed reservation back before it expires.

    Raises:
        Conflict: it was redeemed; a charge is never returned.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        store = DecisionStore(connection)
        row = await store.lock_permit(permit_id)
        if row.state == "returned":
            return
        if row.state != "reserved":
            raise Conflict("The permit has been redeemed; its charge stands.", code="permit-redeemed")
        await give_back(store, BudgetStore(connection), connection, row, now, outcome="cancelled", by=by)


async def open_for_assay(office: Office, permit_id: UUID, request: AssayKeysRequest, *, by: str) -> dict[str, Any]:
    """Evaluation's own look at source and asset, under the permit that paid for the asset.

    Raises:
        Conflict: the permit was not redeemed; the asset was decided on, or for a re-assay not released.
        Forbidden: another key was asked for than of the same source or of a register.
        Gone: a key was destroyed.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        store = DecisionStore(connection)
        row = await store.lock_permit(permit_id)
        if not made_an_asset(row.state, row.outcome) or row.run_id != request.asset_id:
            raise Conflict("This permit paid for no such asset.", code="not-redeemed")
        await _check_purpose(store, request)
        keys = await _open_keys(office, store, row)
        others = {str(key_id): await _open_other(office, store, row, key_id) for key_id in request.others}
        charter = await CharterStore(connection).by_digest(row.charter_id, row.charter_digest, now)
        details = {"purpose": request.purpose, "others": sorted(others)}
        event = AuditEvent(by, "permit.open-for-assay", f"permit:{permit_id}", details=details)
        await journal.record(connection, now, event)
    return {
        "source_key": keys["source_key"],
        "asset_key": keys["asset_key"],
        "others": others,
        "suite": charter.document.get("suite"),
    }


async def _check_purpose(store: DecisionStore, request: AssayKeysRequest) -> None:
    if request.purpose == "release":
        if await store.is_decided(request.asset_id):
            raise Conflict("The asset has been decided on.", code="already-decided")
    elif (await store.release_of(request.asset_id)).verdict != "released":
        raise Conflict("Only a released asset is assayed again.", code="not-released")


async def _open_other(office: Office, store: DecisionStore, permit: Any, key_id: UUID) -> str:
    """A later version of what the permit paid to learn from, or a register; no other source is opened unpaid (I1)."""
    key, paid = await store.key(key_id), await store.key(permit.source_key_id)
    if key is None or paid is None:
        raise Gone("The keys of this permit are gone.", code="key-destroyed")
    source = paid.resource.rpartition(":")[0]
    if not key.resource.startswith((f"{source}:", "register:")):
        raise Forbidden("The permit opens versions of its own source, and registers.", code="other-source")
    return office.keyring.unwrap(key)
