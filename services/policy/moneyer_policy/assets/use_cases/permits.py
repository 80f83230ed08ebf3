"""Permits: redeemed once and paid for in the same transaction that hands out the key (I1)."""

from uuid import UUID

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.keyring import Opening
from moneyer_policy.assets.use_cases.origin import plan_of, terms_of
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.budgets.use_cases.charges import charge_of, movement
from moneyer_policy.charters.rules.looks import precision_of
from moneyer_policy.gate.rules.permit import check_redemption, made_an_asset
from moneyer_policy.gate.store.decisions import StoredPermit, as_permit
from moneyer_policy.gate.use_cases import looks
from moneyer_policy.gate.use_cases.reservations import return_reservation
from moneyer_policy.work import OpeningKeys, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import ChargeFacet, job_of_runs, run_event
from moneyer_shared.contracts.policy import (
    AssayKeys,
    AssayKeysRequest,
    DataKey,
    KeyRequest,
    KeyReturn,
    RedeemRequest,
    Redemption,
    SettleRequest,
)
from moneyer_shared.errors import Conflict, Forbidden, Gone, Invalid
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word


async def create_source_key(work: OpeningKeys, asked: KeyRequest) -> DataKey:
    """A fresh key for a source version that has none; it is handed out in clear this once.

    Raises:
        NotFound: there is no such population.
        Invalid: it has no such partition.
        Conflict: the version has its key; only a redeemed permit opens it again. Or it was given back already, or the
            source is suspended.
    """
    population = await BudgetStore(work.connection).population(asked.population_id)
    unknown = sorted(set(asked.partitions) - set(population.partitions))
    if unknown:
        raise Invalid(
            f"The population has no partition {', '.join(unknown)}; it has {', '.join(population.partitions)}.",
            code="partition-unknown",
        )
    store = AssetStore(work.connection)
    await store.lock_version(asked.resource)
    if await store.has_key(asked.resource):
        raise Conflict("This source version has its key, or gave it back.", code="key-exists")
    key_id, key = await work.dependencies.keyring.make(work.connection, asked, work.now)
    await work.tell(AuditEvent(work.by, Action.KEY_CREATE, asked.resource))
    return DataKey(id=key_id, key=key)


async def give_back_source_key(work: Work, asked: KeyReturn) -> None:
    """Destroy the key of a source version that never came to be: its worker was lost, or its table was refused.

    Asked again, it changes nothing. Where no key was made yet none is made from now on: who asks for one may be slower
    than who clears up after them.

    Raises:
        Conflict: the key was opened, or a decision names it.
    """
    store = AssetStore(work.connection)
    await store.lock_version(asked.resource)
    key_id = await store.unused_key(asked.resource)
    if key_id is not None:
        await work.dependencies.keyring.give_back(work.connection, key_id, work.now)
        await work.tell(AuditEvent(work.by, Action.KEY_GIVE_BACK, asked.resource))
    elif not await store.has_key(asked.resource):
        await store.note_return(asked.resource, work.now)


async def redeem_permit(work: OpeningKeys, permit_id: UUID, asked: RedeemRequest, redemption_key: str) -> Redemption:
    """Spend the reservation and open the source's key, or repeat the answer to the run that did.

    A plan that samples an earlier model opens that model instead: the source stays shut. ``redemption_key`` is the
    run's own: with it the run is answered again.

    Raises:
        Forbidden: the token is not this permit's, or for another plan.
        NotFound: there is no such permit.
        Conflict: redeemed by another run, ended, or expired; or something is stopped, also what was redeemed before.
        Gone: the source's key was destroyed, or the model's.
    """
    now = work.now
    work.dependencies.signer.check(asked.token, permit_id=str(permit_id), plan_digest=asked.plan_digest)
    store = AssetStore(work.connection)
    row = await store.lock_permit(permit_id)
    if check_redemption(as_permit(row), plan_digest=asked.plan_digest, redemption_key=redemption_key, now=now):
        await _spend(work, row, redemption_key)
        row = await store.lock_permit(permit_id)
    decision = await store.read(row.decision_id)
    model = decision.request.plan.model
    if model is not None:
        await looks.refuse_rejected(work.connection, row.run_id, decision)
    kept = None if model is None else (await store.permit_of_run(model)).asset_key_id
    learnt_from = row.source_key_id if model is None else kept
    opened, asset = await work.dependencies.keyring.open(
        work.connection, [learnt_from, row.asset_key_id], Opening(row.run_id, now)
    )
    assert row.asset_key_id is not None, "it was opened"
    return Redemption(
        permit_id=row.id,
        source_key=opened if model is None else None,
        asset_key_id=row.asset_key_id,
        asset_key=asset,
        model_key=opened if model is not None else None,
    )


async def _spend(work: Work, row: StoredPermit, redemption_key: str) -> None:
    store, budgets = AssetStore(work.connection), BudgetStore(work.connection)
    cost = await budgets.cost(row.mechanism)
    await budgets.move("spend", row.account_ids, row.id, row.mechanism, cost, work.now)
    asset_key_id = await work.dependencies.keyring.make_closed(work.connection, f"asset:{row.run_id}", work.now)
    await store.set_permit(row.id, state="redeemed", redemption_key=redemption_key, asset_key_id=asset_key_id)
    charge = ChargeFacet(permit=str(row.id), **charge_of(cost, await budgets.delta_of(row.account_ids)))
    # The log and the record tell it alike, or the verifier of evidence holds it for another one.
    details = {"run": str(row.run_id)} | charge.model_dump(mode="json", exclude={"permit"})
    shown = {"spend": movement("spend", row.account_ids, row.mechanism, cost, work.now)}
    job = job_of_runs(vars(await plan_of(store, row)))
    lineage = run_event(at=work.now, event_type="START", run_id=str(row.run_id), job=job, facets=[charge])
    event = AuditEvent(work.by, Action.PERMIT_REDEEM, f"permit:{row.id}", details=details, shown=shown)
    await work.tell(event, lineage=[lineage])


async def settle_permit(work: Work, permit_id: UUID, asked: SettleRequest) -> None:
    """Close a redeemed permit: its keys are not handed to the run again. The charge stands.

    Raises:
        NotFound: there is no such permit.
        Conflict: it was not redeemed.
    """
    store = AssetStore(work.connection)
    row = await store.lock_permit(permit_id)
    if row.state == "settled":
        return
    if row.state != "redeemed":
        raise Conflict(f"The permit is {row.state}; only a redeemed one is settled.", code="not-redeemed")
    await store.set_permit(permit_id, state="settled", outcome=asked.outcome)
    if not made_an_asset("settled", asked.outcome):
        await looks.give_back(work.connection, permit_id, work.now)
    await work.tell(AuditEvent(work.by, Action.PERMIT_SETTLE, f"permit:{permit_id}", asked.outcome))


async def cancel_permit(work: Work, permit_id: UUID) -> None:
    """Give an unredeemed reservation back before it expires.

    Raises:
        NotFound: there is no such permit.
        Conflict: it was redeemed; a charge is never returned.
    """
    store = AssetStore(work.connection)
    row = await store.lock_permit(permit_id)
    if row.state == "returned":
        return
    if row.state != "reserved":
        raise Conflict("The permit has been redeemed; its charge stands.", code="permit-redeemed")
    await return_reservation(work, row, "cancelled")


async def open_for_assay(work: OpeningKeys, permit_id: UUID, asked: AssayKeysRequest) -> AssayKeys:
    """Evaluation's own look at source and asset, under the permit that paid for the asset.

    Raises:
        NotFound: there is no such permit.
        Conflict: the permit was not redeemed; the asset was decided on, or for a re-assay not released; or something
            is stopped.
        Forbidden: another key was asked for than of the same source or of a register.
        Gone: a key was destroyed.
    """
    store = AssetStore(work.connection)
    row = await store.lock_permit(permit_id)
    if not made_an_asset(row.state, row.outcome) or row.run_id != asked.asset_id:
        raise Conflict("This permit paid for no such asset.", code="not-redeemed")
    standing = await store.standing(asked.asset_id)
    if asked.purpose == "release":
        standing.check_undecided()
    else:
        standing.check_out("assayed")
    for key_id in asked.others:
        await _check_other(store, row, key_id)
    wanted = [row.source_key_id, row.asset_key_id, *asked.others]
    opening = Opening(row.run_id, work.now, released=asked.purpose == "re-assay")
    source_key, asset_key, *opened = await work.dependencies.keyring.open(work.connection, wanted, opening)
    others = dict(zip(map(str, asked.others), opened, strict=True))
    await looks.enter_opening(work.connection, permit_id, asked.purpose, work.now)
    details = {"purpose": Word(asked.purpose), "others": sorted(others)}
    await work.tell(AuditEvent(work.by, Action.PERMIT_OPEN_FOR_ASSAY, f"permit:{permit_id}", details=details))
    suite, plan = (await terms_of(work, row)).charter.suite, await plan_of(store, row)
    figures = precision_of(vars(plan))
    return AssayKeys(source_key=source_key, asset_key=asset_key, others=others, suite=suite, figures=figures)


async def _check_other(store: AssetStore, permit: StoredPermit, key_id: UUID) -> None:
    """A later version of what the permit paid to learn from, or a register; no other source is opened unpaid (I1)."""
    key, paid = await store.key(key_id), await store.key(permit.source_key_id)
    if key is None or paid is None:
        raise Gone("The keys of this permit are gone.", code="key-destroyed")
    source = paid.resource.rpartition(":")[0]
    if not key.resource.startswith((f"{source}:", "register:")):
        raise Forbidden("The permit opens versions of its own source, and registers.", code="other-source")
