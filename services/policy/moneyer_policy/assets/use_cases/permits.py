"""Permits: redeemed once and paid for in the same transaction that hands out the key (I1)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.keyring import Opening
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.budgets.store import BudgetStore
from moneyer_policy.budgets.use_cases.charges import charge_of, movement
from moneyer_policy.charters.rules.looks import telling_of
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.rules.permit import check_redemption, made_an_asset
from moneyer_policy.gate.store.decisions import as_permit
from moneyer_policy.gate.use_cases import looks
from moneyer_policy.gate.use_cases.reservations import give_back
from moneyer_policy.metadata import journal
from moneyer_shared.contracts.policy import AssayKeysRequest, KeyRequest, RedeemRequest
from moneyer_shared.errors import Conflict, Forbidden, Gone, Invalid
from moneyer_shared.journal import AuditEvent, job_of_runs, openlineage_event
from moneyer_shared.leaves import Word


async def new_source_key(office: Office, request: KeyRequest, *, by: str) -> dict[str, str]:
    """A fresh key for a source version that has none; it is handed out in clear this once.

    Raises:
        Conflict: the version has its key; only a redeemed permit opens it again. Or the source is suspended.
    """
    now = office.clock()
    async with office.opening() as connection:
        population = await BudgetStore(connection).population(request.population_id)
        unknown = sorted(set(request.partitions) - set(population.partitions))
        if unknown:
            raise Invalid(
                f"The population has no partition {', '.join(unknown)}; it has {', '.join(population.partitions)}.",
                code="partition-unknown",
            )
        if await AssetStore(connection).key_of(request.resource) is not None:
            raise Conflict("This source version has its key.", code="key-exists")
        whose = request.model_dump(include={"population_id", "partitions", "owner"})
        key_id, key = await office.keyring.make(connection, request.resource, now, **whose)
        await journal.record(connection, now, AuditEvent(by, "key.create", request.resource))
    return {"id": str(key_id), "key": key}


Keys = dict[str, str | None]


async def redeem(office: Office, permit_id: UUID, request: RedeemRequest, *, by: str, key: str) -> Keys:
    """Spend the reservation and open the source's key, or repeat the answer to the run that did.

    A plan that samples an earlier model opens that model instead: the source stays shut.

    Raises:
        Forbidden: the token is not this permit's, or for another plan.
        Conflict: redeemed by another run, ended, or expired; or something is stopped, also what was redeemed before.
        Gone: the source's key was destroyed, or the model's.
    """
    office.signer.check(request.token, permit_id=str(permit_id), plan_digest=request.plan_digest)
    now = office.clock()
    async with office.opening() as connection:
        store = AssetStore(connection)
        row = await store.lock_permit(permit_id)
        if check_redemption(as_permit(row), plan_digest=request.plan_digest, redemption_key=key, now=now):
            await _spend(office, connection, row, by, key, now)
            row = await store.lock_permit(permit_id)
        decision = await store.decision(row.decision_id)
        model = decision.request["plan"].get("model")
        if model is not None:
            await looks.refuse_rejected(connection, row.run_id, decision)
        kept = None if model is None else (await store.permit_of_run(UUID(model))).asset_key_id
        learnt_from = row.source_key_id if model is None else kept
        opened, asset = await office.keyring.open(connection, [learnt_from, row.asset_key_id], Opening(row.run_id, now))
    keys: Keys = {"permit_id": str(row.id), "asset_key_id": str(row.asset_key_id), "asset_key": asset}
    return keys | ({"source_key": opened} if model is None else {"source_key": None, "model_key": opened})


async def _spend(office: Office, connection: Any, row: Any, by: str, key: str, now: datetime) -> None:
    store, budgets = AssetStore(connection), BudgetStore(connection)
    cost = await budgets.cost(row.mechanism)
    await budgets.move("spend", row.account_ids, row.id, row.mechanism, cost, now)
    asset_key_id = await office.keyring.make_closed(connection, f"asset:{row.run_id}", now)
    await store.set_permit(row.id, state="redeemed", redemption_key=key, asset_key_id=asset_key_id)
    charge = charge_of(cost, await budgets.delta_of(row.account_ids))
    details = {"run": str(row.run_id)} | charge
    shown = {"spend": movement("spend", row.account_ids, row.mechanism, cost, now)}
    event = AuditEvent(by, "permit.redeem", f"permit:{row.id}", details=details, shown=shown)
    facets = {"moneyer_charge": {"permit": str(row.id), **charge}}
    job = job_of_runs((await store.decision(row.decision_id)).request["plan"])
    lineage = openlineage_event(at=now, event_type="START", run_id=str(row.run_id), job=job, facets=facets)
    await journal.record(connection, now, event, lineage=[lineage])


async def settle(office: Office, permit_id: UUID, outcome: str, *, by: str) -> None:
    """Close a redeemed permit: its keys are not handed to the run again. The charge stands."""
    now = office.clock()
    async with office.database.transaction() as connection:
        store = AssetStore(connection)
        row = await store.lock_permit(permit_id)
        if row.state == "settled":
            return
        if row.state != "redeemed":
            raise Conflict(f"The permit is {row.state}; only a redeemed one is settled.", code="not-redeemed")
        await store.set_permit(permit_id, state="settled", outcome=outcome)
        if not made_an_asset("settled", outcome):
            await looks.give_back(connection, permit_id, now)
        await journal.record(connection, now, AuditEvent(by, "permit.settle", f"permit:{permit_id}", outcome))


async def cancel(office: Office, permit_id: UUID, *, by: str) -> None:
    """Give an unredeemed reservation back before it expires.

    Raises:
        Conflict: it was redeemed; a charge is never returned.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        store = AssetStore(connection)
        row = await store.lock_permit(permit_id)
        if row.state == "returned":
            return
        if row.state != "reserved":
            raise Conflict("The permit has been redeemed; its charge stands.", code="permit-redeemed")
        await give_back(store, BudgetStore(connection), connection, row, now, outcome="cancelled", by=by)


async def open_for_assay(office: Office, permit_id: UUID, request: AssayKeysRequest, *, by: str) -> dict[str, Any]:
    """Evaluation's own look at source and asset, under the permit that paid for the asset.

    Raises:
        Conflict: the permit was not redeemed; the asset was decided on, or for a re-assay not released; or something
            is stopped.
        Forbidden: another key was asked for than of the same source or of a register.
        Gone: a key was destroyed.
    """
    now = office.clock()
    async with office.opening() as connection:
        store = AssetStore(connection)
        row = await store.lock_permit(permit_id)
        if not made_an_asset(row.state, row.outcome) or row.run_id != request.asset_id:
            raise Conflict("This permit paid for no such asset.", code="not-redeemed")
        await _check_purpose(store, request)
        for key_id in request.others:
            await _check_other(store, row, key_id)
        wanted = [row.source_key_id, row.asset_key_id, *request.others]
        opening = Opening(row.run_id, now, released=request.purpose == "re-assay")
        source_key, asset_key, *opened = await office.keyring.open(connection, wanted, opening)
        others = dict(zip(map(str, request.others), opened, strict=True))
        await looks.enter_opening(connection, permit_id, request.purpose, now)
        plan = (await store.decision(row.decision_id)).request["plan"]
        charters, digest = CharterStore(connection), row.charter_digest
        charter = await charters.by_digest(row.charter_id, digest, now, decided_at=row.made_at)
        details = {"purpose": Word(request.purpose), "others": sorted(others)}
        event = AuditEvent(by, "permit.open-for-assay", f"permit:{permit_id}", details=details)
        await journal.record(connection, now, event)
    return {
        "source_key": source_key,
        "asset_key": asset_key,
        "others": others,
        "suite": charter.document.get("suite"),
        "figures": telling_of(plan),
    }


async def _check_purpose(store: AssetStore, request: AssayKeysRequest) -> None:
    if request.purpose == "release":
        if await store.is_decided(request.asset_id):
            raise Conflict("The asset has been decided on.", code="already-decided")
    elif (await store.release_of(request.asset_id)).verdict != "released":
        raise Conflict("Only a released asset is assayed again.", code="not-released")


async def _check_other(store: AssetStore, permit: Any, key_id: UUID) -> None:
    """A later version of what the permit paid to learn from, or a register; no other source is opened unpaid (I1)."""
    key, paid = await store.key(key_id), await store.key(permit.source_key_id)
    if key is None or paid is None:
        raise Gone("The keys of this permit are gone.", code="key-destroyed")
    source = paid.resource.rpartition(":")[0]
    if not key.resource.startswith((f"{source}:", "register:")):
        raise Forbidden("The permit opens versions of its own source, and registers.", code="other-source")
