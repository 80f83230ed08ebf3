"""From a request and the rules in force to what the gate judges by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.rules.accounting import (
    Account,
    Mechanism,
    cost_of,
    epsilon_of,
    in_words,
)
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.budgets.store.records import as_account
from moneyer_policy.budgets.use_cases.charges import decimal_of, known_as, mechanism_of
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.rules import facts as stated
from moneyer_policy.gate.rules.permit import made_an_asset
from moneyer_policy.gate.rules.waiver import WaiverInEffect
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.store.looks import LookStore, Pair
from moneyer_policy.gate.use_cases.rulebook import (
    Allotment,
    CharterSnapshot,
    RulebookSnapshot,
    SourceKey,
    Version,
)
from moneyer_shared.contracts.policy import DecisionRequest, Plan, SourceUnit


@dataclass(frozen=True)
class GateInput:
    """A plan ready to be judged, but for the balances of its accounts and the looks that were taken."""

    facts: stated.Facts
    version: Version | None
    waivers: tuple[WaiverInEffect, ...]
    closed: Mapping[str, str]
    """Rules that the house takes no exceptions from, and why."""
    own: tuple[UUID, ...]
    allocated: tuple[UUID, ...]
    mechanism: str
    """Digest of the mechanism."""
    is_written: bool
    """That the mechanism is known to be written down."""

    @property
    def look(self) -> Pair:
        """The charter and the source whose looks it takes from."""
        return UUID(self.facts.plan.charter_id), UUID(self.facts.plan.source_id)

    @property
    def account_ids(self) -> tuple[UUID, ...]:
        return (*self.own, *self.allocated)

    def with_balances(self, accounts: Mapping[UUID, Account], looks: Mapping[Pair, int]) -> stated.Facts:
        """The facts with how full each account is and how many looks were taken."""
        return replace(
            self.facts,
            looks_taken=looks.get(self.look, 0),
            populations=[accounts[key] for key in self.own],
            allocations=[accounts[key] for key in self.allocated],
        )


@lru_cache(maxsize=4_096)
def _epsilon(mechanism: Mechanism, delta: Decimal | None) -> Decimal | None:
    """What the charge amounts to at a label's δ, of which the mechanism's own is a part."""
    if mechanism.epsilon is not None:
        return mechanism.epsilon * mechanism.group_size
    cost = cost_of(mechanism)
    converted = (delta or Decimal(0)) - Decimal(in_words(cost.delta))
    return epsilon_of(cost.renyi, converted) if converted > 0 and not cost.releases else None


@dataclass(frozen=True)
class _Read:
    """What the rules in force, and the key that the plan offers to learn from, say of a plan."""

    charter: CharterSnapshot | None
    judged: Version | None
    key: SourceKey | None
    allotment: Allotment
    model: stated.Model | None


async def read_gate_input(
    connection: AsyncConnection,
    rules: RulebookSnapshot,
    request: DecisionRequest,
    now: datetime,
    *,
    version: Version | None = None,
) -> GateInput:
    """What the gate needs; of a charter nothing but the version that governs, or ``version`` in its place."""
    plan, offer = request.plan, request.offer
    charter = await rules.charter(connection, plan.charter_id, now)
    found = _Read(
        charter=charter,
        judged=version or (charter.governing(now) if charter else None),
        key=await rules.key(connection, offer.source_key_id),
        allotment=await rules.allotment(connection, offer.population_id, plan.charter_id),
        model=await _model(connection, plan.model) if plan.model else None,
    )
    own, allocated = found.allotment.of(found.key.partitions if found.key else ())
    known = known_as(mechanism_of(offer.mechanism))[0]
    facts, waivers = _facts(rules, request, now, found), charter.waivers if charter else ()
    return GateInput(facts, found.judged, waivers, rules.closed, own, allocated, known, known in rules.mechanisms)


def _facts(rules: RulebookSnapshot, request: DecisionRequest, now: datetime, found: _Read) -> stated.Facts:
    """The plan and its offer as the rules take them; how full the accounts are is not among them yet."""
    plan, offer = request.plan, request.offer
    mechanism, delta = mechanism_of(offer.mechanism), decimal_of(offer.guarantee.delta)
    judged, charter = found.judged, found.charter
    return stated.Facts(
        now=now,
        requester=request.requester,
        plan=_judged(plan),
        offered_guarantee=offer.guarantee.level,
        offered_mechanism=offer.mechanism.kind,
        offered_delta=delta,
        cost=cost_of(mechanism),
        charter=judged.charter if judged else None,
        charter_state=charter.state(now) if charter else "unknown",
        assessments=charter.assessments if charter else (),
        source_population=_population_of(found.key, plan.source_id),
        offered_population=str(offer.population_id),
        populations=(),
        allocations=(),
        in_force_at=judged.standing.in_force_at if judged else None,
        approved_until=judged.approved_until if judged else None,
        trained_in=rules.trained_in(request.requester, now),
        library=rules.library,
        rejections=rules.rejections,
        offered_version=offer.engine_version,
        offered_epsilon=_epsilon(mechanism, delta),
        stated_epsilon=decimal_of(offer.guarantee.epsilon),
        offered_unit=_unit(offer.privacy_unit),
        offered_group=mechanism.group_size,
        population_unit=found.allotment.unit,
        model=found.model,
        stops=rules.stops,
        data_domains=tuple(offer.data_domains),
    )


async def balances_of(connection: AsyncConnection, prepared: GateInput) -> dict[UUID, Account]:
    """The accounts that pay for a plan as they are now, nothing locked: nothing may rest on them."""
    return {row.id: as_account(row) for row in await BudgetStore(connection).read(prepared.account_ids)}


def _judged(plan: Plan) -> stated.Plan:
    return stated.Plan(
        charter_id=str(plan.charter_id),
        use_case=plan.use_case,
        audience=plan.audience,
        source_id=str(plan.source_id),
        generator=plan.generator,
        parameters=plan.parameters,
        rows=plan.rows,
        requested_guarantee=plan.requested_guarantee,
        configuration=plan.configuration,
        model=str(plan.model) if plan.model else None,
        blend_share=Decimal(plan.blend.share) if plan.blend else None,
        priority=plan.priority,
    )


def _unit(stated_unit: SourceUnit | None) -> stated.OfferedUnit | None:
    if stated_unit is None:
        return None
    return stated.OfferedUnit(stated_unit.identified_by, stated_unit.maximum_rows)


async def _model(connection: AsyncConnection, run_id: UUID) -> stated.Model | None:
    """A model as its own run was decided on; None if there was no such run."""
    store = DecisionStore(connection)
    decision = await store.find_last(run_id)
    permit = await store.find_permit_of_run(run_id)
    if decision is None or permit is None:
        return None
    plan, label = decision.request.plan, decision.request.offer.guarantee
    looks = LookStore(connection)
    fitted_by = await looks.model_of(run_id)
    rejected = await looks.rejected_of(fitted_by)
    return stated.Model(
        charter_id=str(plan.charter_id),
        source_id=str(plan.source_id),
        generator=plan.generator,
        parameters=plan.parameters,
        guarantee=label.level,
        paid=made_an_asset(permit.state, permit.outcome),
        epsilon=decimal_of(label.epsilon),
        delta=decimal_of(label.delta),
        stopped=await stop_of(connection, run_id),
        fitted_by=str(fitted_by),
        rejected=str(rejected) if rejected else None,
    )


async def stop_of(connection: AsyncConnection, run_id: UUID) -> stated.Stop | None:
    """The nearest stopped table among that of a run and those of the runs whose model it was sampled from."""
    decisions, charters = DecisionStore(connection), CharterStore(connection)
    run: UUID | None = run_id
    # Each was permitted after the one before it, so this comes to an end.
    while run is not None:
        if await decisions.withdrawal(run) is not None:
            return stated.Stop("asset", str(run), "withdrawn")
        if await charters.is_suspended("asset", run):
            return stated.Stop("asset", str(run))
        decision = await decisions.find_last(run)
        run = decision.request.plan.model if decision is not None else None
    return None


def _population_of(key: SourceKey | None, source_id: UUID) -> str | None:
    """The population a source's key was made for; None if it is unknown, another source's, or destroyed."""
    if key is None or not key.resource.startswith(f"source:{source_id}:"):
        return None
    return str(key.population_id)
