"""Reservations that nobody redeemed go back to the budgets they were set aside on."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.budgets.use_cases.charges import movement
from moneyer_policy.gate.store.decisions import DecisionStore, StoredPermit
from moneyer_policy.gate.use_cases import looks
from moneyer_policy.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.journal import AuditEvent


async def return_expired(work: Work, account_ids: Sequence[UUID] | None = None) -> int:
    """Give back reservations nobody redeemed in time: on these accounts, or on all where none are named.

    Returns:
        How many.
    """
    expired = await DecisionStore(work.connection).expired(work.now, account_ids=account_ids)
    # All at once and in the order of their ids, as every other place locks them.
    await BudgetStore(work.connection).lock({key for permit in expired for key in permit.account_ids})
    for permit in expired:
        await return_reservation(work, permit, "expired")
    return len(expired)


async def return_reservation(work: Work, permit: StoredPermit, outcome: str) -> None:
    """Return an unredeemed reservation. Callers hold the permit's row and have seen it reserved (I5)."""
    budgets = BudgetStore(work.connection)
    await DecisionStore(work.connection).set_permit(permit.id, state="returned", outcome=outcome)
    cost = await budgets.cost(permit.mechanism)
    await budgets.move("return", permit.account_ids, permit.id, permit.mechanism, cost, work.now)
    await looks.give_back(work.connection, permit.id, work.now)
    shown = {"return": movement("return", permit.account_ids, permit.mechanism, cost, work.now)}
    await work.tell(AuditEvent(work.by, Action.PERMIT_RETURN, f"permit:{permit.id}", outcome, shown=shown))
