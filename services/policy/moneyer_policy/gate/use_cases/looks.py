"""Looks at real rows: reserved with the permit, given back where nothing was opened, entered whenever one is taken."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.rules.looks import DEFAULT_LOOKS
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.store.looks import HotLookStore, LookStore, Pair
from moneyer_policy.gate.use_cases.facts import Brief
from moneyer_policy.gate.use_cases.office import Office
from moneyer_shared.database import driver_connection
from moneyer_shared.errors import Conflict

OPENED = frozenset({"open", "again"})
REJECTED = "model.rejected"


@dataclass
class Looks:
    """What plans that are decided together may take from, locked until they commit, and what they took."""

    store: HotLookStore
    accounts: dict[Pair, Any]
    taken: dict[Pair, int]
    entries: list[tuple[UUID, UUID, UUID, datetime]] = field(default_factory=list[tuple[UUID, UUID, UUID, datetime]])

    @classmethod
    async def lock(cls, connection: AsyncConnection, briefs: Iterable[Brief]) -> "Looks":
        """After the accounts of the budget, as everywhere."""
        store = HotLookStore(await driver_connection(connection))
        pairs = {prepared.look for prepared in briefs if prepared.version is not None}
        accounts = await store.lock(sorted(pairs)) if pairs else {}
        return cls(store, accounts, {pair: row["held"] for pair, row in accounts.items()})

    def take(self, prepared: Brief, permit_id: UUID, run_id: UUID, now: datetime) -> None:
        model = prepared.facts.model
        fitted = UUID(model.fitted_by) if model is not None else run_id
        self.taken[prepared.look] += 1
        self.entries.append((self.accounts[prepared.look]["id"], permit_id, fitted, now))

    async def write(self) -> None:
        """Once the permits stand."""
        if self.entries:
            await self.store.take(self.entries)


async def give_back(connection: AsyncConnection, permit_id: UUID, now: datetime) -> None:
    """Free the look of a permit whose table was never opened for an assay. Callers hold the permit's row."""
    store = LookStore(connection)
    entries = await store.of_permit(permit_id)
    kinds = {entry.kind for entry in entries}
    if "reserve" in kinds and not kinds & (OPENED | {"return"}):
        await store.enter(entries[0], "return", now)


async def enter_opening(connection: AsyncConnection, permit_id: UUID, purpose: str, now: datetime) -> None:
    """Source and asset are opened to be held against each other.

    A look after the release is entered and not held against the limit: whoever answers for the people asks for it, at
    a table nobody can change any more, and a monitor must not go blind because a requester used up the looks.
    """
    store = LookStore(connection)
    entries = await store.of_permit(permit_id)
    if entries:
        await store.enter(entries[0], "open" if purpose == "release" else "again", now)


async def rejected_sibling(connection: AsyncConnection, run_id: UUID, decision: Any) -> UUID | None:
    """A table of the same model that was rejected, unless a vote let this one be drawn nevertheless."""
    if any(entry["code"] == REJECTED for entry in decision.document.get("waived", [])):
        return None
    store = LookStore(connection)
    return await store.rejected_of(await store.model_of(run_id))


async def refuse_rejected(connection: AsyncConnection, run_id: UUID, decision: Any) -> None:
    """Raises Conflict: a table of this run's model was rejected since the permit was given."""
    if (rejected := await rejected_sibling(connection, run_id, decision)) is not None:
        raise Conflict(
            f"Asset {rejected} of the same model was rejected since; ask for an exception to {REJECTED}, or fit anew.",
            code="model-rejected",
        )


async def shown(office: Office, charter_id: UUID) -> list[dict[str, Any]]:
    """A charter's looks by source: how many it has, how many are taken, and every entry.

    Raises:
        NotFound: there is no such charter.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        await CharterStore(connection).creator(charter_id)
        page = await (await office.rulebook.open(connection)).page(connection, charter_id, now)
        store = LookStore(connection)
        accounts = await store.accounts(charter_id)
        entries = await store.entries([account.id for account in accounts])
    governs = page.governing(now) if page else None
    limit = governs.charter.looks if governs else DEFAULT_LOOKS
    return [
        {
            "source_id": str(account.source_id), "limit": limit, "taken": account.held,
            "entries": [
                {"run_id": str(one.run_id), "kind": one.kind, "model": str(one.model), "at": one.at.isoformat()}
                for one in entries
                if one.account_id == account.id
            ],
        }
        for account in accounts
    ]  # fmt: skip
