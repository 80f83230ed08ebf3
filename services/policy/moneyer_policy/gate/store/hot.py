"""The statements of the decision path: many rows in one statement, straight to the driver.

Rows travel as one array per column. Vectors and inner arrays travel as text: 97 exact integers are parsed
ten times faster so than as Decimals, and unnest flattens arrays of arrays.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from moneyer_policy.budgets.rules.accounting import NAMED_ORDERS, Account, Cost, Costs

_KNOWN = """
    SELECT caller, key, fingerprint, status, body::text, headers::text FROM idempotency_keys
    WHERE (caller, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_DECIDED = "SELECT run_id FROM decisions WHERE run_id = ANY($1::uuid[])"
_CLAIM = """
    SELECT pg_try_advisory_xact_lock(hashtextextended(name, 0))
    FROM unnest($1::text[]) WITH ORDINALITY AS t(name, n) ORDER BY n
"""
_LOCK = """
    SELECT id, charter_id IS NULL AS own, partition, epsilon, delta, caps::text, held::text,
           releases_limit, releases_held, renyi_order, approximate_delta, delta_held::text
    FROM accounts WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
"""
_EXPIRED = """
    SELECT EXISTS (SELECT FROM permits WHERE state = 'reserved' AND expires_at <= $1 AND account_ids <@ $2::uuid[])
"""
_HOLD = """
    UPDATE accounts SET held = t.held::numeric[], releases_held = t.releases, delta_held = t.delta::numeric
    FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[]) AS t(id, held, releases, delta)
    WHERE accounts.id = t.id
"""
_MECHANISM = """
    INSERT INTO mechanisms (digest, document, renyi, releases, delta)
    SELECT digest, document::jsonb, renyi::numeric[], releases, delta::numeric
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[])
         AS t(digest, document, renyi, releases, delta)
    ON CONFLICT DO NOTHING
"""
_DECISION = """
    INSERT INTO decisions (id, run_id, round, charter_id, requester, verdict, failed, document, request, decided_at)
    SELECT id, run_id, round, charter_id, requester, verdict, failed::text[], document::jsonb, request::jsonb, at
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::timestamptz[])
         AS t(id, run_id, round, charter_id, requester, verdict, failed, document, request, at)
"""
_PERMIT = """
    INSERT INTO permits (id, decision_id, run_id, requester, plan_digest, charter_digest, charter_id, account_ids,
                         mechanism, source_key_id, state, made_at, expires_at)
    SELECT id, decision_id, run_id, requester, plan_digest, charter_digest, charter_id, account_ids::uuid[],
           mechanism, source_key_id, 'reserved', made_at, expires_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[],
                $9::text[], $10::uuid[], $11::timestamptz[], $12::timestamptz[])
         AS t(id, decision_id, run_id, requester, plan_digest, charter_digest, charter_id, account_ids,
              mechanism, source_key_id, made_at, expires_at)
"""
_LEDGER = """
    INSERT INTO ledger_entries (account_id, permit_id, kind, mechanism, at)
    SELECT account_id, permit_id, 'reserve', mechanism, at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS t(account_id, permit_id, mechanism, at)
"""
_REMEMBER = """
    INSERT INTO idempotency_keys (caller, key, fingerprint, status, body, headers, created_at)
    SELECT caller, key, fingerprint, status, body::jsonb, headers::jsonb, at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
         AS t(caller, key, fingerprint, status, body, headers, at)
"""
_AUDIT = """
    INSERT INTO audit_events (id, at, actor, actor_salt, leaf)
    SELECT id, at, actor, salt, leaf::jsonb
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bytea[], $5::text[]) AS t(id, at, actor, salt, leaf)
"""
_OUTBOX = """
    INSERT INTO outbox (at, kind, payload)
    SELECT at, kind, payload::jsonb
    FROM unnest($1::timestamptz[], $2::text[], $3::text[]) WITH ORDINALITY AS t(at, kind, payload, n) ORDER BY n
"""


@dataclass(frozen=True)
class Rows:
    """Everything a batch writes, by table; each row in the order of its statement."""

    mechanisms: list[tuple[Any, ...]]
    decisions: list[tuple[Any, ...]]
    permits: list[tuple[Any, ...]]
    ledger: list[tuple[Any, ...]]
    idempotency: list[tuple[Any, ...]]
    audit: list[tuple[Any, ...]]
    outbox: list[tuple[Any, ...]]

    @classmethod
    def none(cls) -> "Rows":
        return cls([], [], [], [], [], [], [])


class HotStore:
    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver

    async def known(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
        """The replies given under these (caller, key) pairs, and a claim on those not yet used.

        A key whose first request is still under way in another process maps to None.
        """
        names = [f"{caller}\n{key}" for caller, key in keys]
        claims = await self._driver.fetch(_CLAIM, names)
        rows = await self._driver.fetch(_KNOWN, [caller for caller, _ in keys], [key for _, key in keys])
        found = {(row["caller"], row["key"]): row for row in rows}
        away = {pair: None for pair, claim in zip(keys, claims, strict=True) if not claim[0]}
        return away | found

    async def decided(self, run_ids: Sequence[UUID]) -> set[UUID]:
        return {row[0] for row in await self._driver.fetch(_DECIDED, run_ids)}

    async def lock(self, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
        """Accounts locked in the order of their ids, as everywhere."""
        rows = await self._driver.fetch(_LOCK, list(set(account_ids)))
        return {row["id"]: _account(row) for row in rows}

    async def has_expired(self, now: datetime, account_ids: Iterable[UUID]) -> bool:
        return bool(await self._driver.fetchval(_EXPIRED, now, list(set(account_ids))))

    async def hold(self, accounts: Mapping[UUID, Account]) -> None:
        rows = [
            (key, array(account.held), account.releases_held, str(account.delta_held))
            for key, account in accounts.items()
        ]
        await self._write(_HOLD, rows)

    async def write(self, rows: Rows) -> None:
        """All rows of a batch, parents before children."""
        for statement, values in (
            (_MECHANISM, rows.mechanisms),
            (_DECISION, rows.decisions),
            (_PERMIT, rows.permits),
            (_LEDGER, rows.ledger),
            (_REMEMBER, rows.idempotency),
            (_AUDIT, rows.audit),
            (_OUTBOX, rows.outbox),
        ):
            await self._write(statement, values)

    async def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self._driver.execute(statement, *(list(column) for column in zip(*rows, strict=True)))


def mechanism_row(digest: str, document: Mapping[str, Any], cost: Cost) -> tuple[Any, ...]:
    return digest, json.dumps(document), array(cost.renyi), cost.releases, str(cost.delta)


def array(values: Iterable[int | UUID]) -> str:
    """A Postgres array as text."""
    return "{" + ",".join(map(str, values)) + "}"


def text_array(values: Iterable[str]) -> str:
    """A Postgres array of texts as text, each quoted."""
    return "{" + ",".join('"' + value.replace("\\", r"\\").replace('"', r"\"") + '"' for value in values) + "}"


def _vector(text: str) -> Costs:
    return tuple(map(int, text[1:-1].split(",")))


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        id=str(row["id"]),
        owner="the population" if row["own"] else "the charter's allocation",
        epsilon=row["epsilon"].normalize(),
        delta=row["delta"].normalize(),
        caps=_vector(row["caps"]),
        held=_vector(row["held"]),
        releases_limit=row["releases_limit"],
        releases_held=row["releases_held"],
        partition=row["partition"],
        order=NAMED_ORDERS[row["renyi_order"]],
        approximate_delta=row["approximate_delta"].normalize(),
        delta_held=int(row["delta_held"]),
    )
