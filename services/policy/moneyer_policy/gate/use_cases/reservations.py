"""Reservations that nobody redeemed go back to the budgets they were set aside on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.store import BudgetStore
from moneyer_policy.budgets.use_cases.charges import movement
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.use_cases import looks
from moneyer_policy.gate.use_cases.office import Office
from moneyer_policy.metadata import journal
from moneyer_shared.journal import AuditEvent


async def return_expired(office: Office) -> int:
    """Give back reservations nobody redeemed in time; returns how many."""
    now = office.clock()
    async with office.database.transaction() as connection:
        return await return_expired_on(connection, now, None)


async def return_expired_on(connection: AsyncConnection, now: datetime, account_ids: Sequence[UUID] | None) -> int:
    """The same for some accounts, or for all where none are named."""
    store, budgets = DecisionStore(connection), BudgetStore(connection)
    rows = await store.expired(now, account_ids=account_ids)
    # All at once and in the order of their ids, as every other place locks them.
    await budgets.lock({key for row in rows for key in row.account_ids})
    for row in rows:
        await give_back(store, budgets, connection, row, now, outcome="expired", by="policy")
    return len(rows)


async def give_back(
    store: DecisionStore,
    budgets: BudgetStore,
    connection: AsyncConnection,
    row: Any,
    now: datetime,
    *,
    outcome: str,
    by: str,
) -> None:
    """Return an unredeemed reservation. Callers hold the permit's row and have seen it reserved (I5)."""
    await store.set_permit(row.id, state="returned", outcome=outcome)
    cost = await budgets.cost(row.mechanism)
    await budgets.move("return", row.account_ids, row.id, row.mechanism, cost, now)
    await looks.give_back(connection, row.id, now)
    shown = {"return": movement("return", row.account_ids, row.mechanism, cost, now)}
    await journal.record(connection, now, AuditEvent(by, "permit.return", f"permit:{row.id}", outcome, shown=shown))
