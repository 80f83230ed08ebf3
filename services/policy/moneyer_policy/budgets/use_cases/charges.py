"""What a mechanism costs, and how a charge is told."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from moneyer_policy.budgets.rules.accounting import ORDERS, SCALE, Cost, Mechanism, epsilon_of, event_of, in_words
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import Mechanism as StatedMechanism


def mechanism_of(stated: StatedMechanism) -> Mechanism:
    return Mechanism(
        kind=stated.kind,
        rho=decimal_of(stated.rho),
        epsilon=decimal_of(stated.epsilon),
        delta=decimal_of(stated.delta),
        noise_multiplier=decimal_of(stated.noise_multiplier),
        sampling_probability=decimal_of(stated.sampling_probability),
        steps=stated.steps,
        group_size=stated.group_size,
    )


def decimal_of(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


@lru_cache(maxsize=4_096)
def known_as(mechanism: Mechanism) -> tuple[str, dict[str, Any]]:
    """(digest, document) of a mechanism as the ledger names it."""
    stated = {name: str(value) for name, value in asdict(mechanism).items() if value is not None}
    document: dict[str, Any] = {"mechanism": stated, "dp_event": event_of(mechanism)}
    return digest(document), document


EXACT_ORDERS = [str(order) for order in ORDERS]


def movement(kind: str, accounts: Iterable[UUID], mechanism: str, cost: Cost, at: datetime) -> dict[str, Any]:
    """What is moved in every account of a permit, in exact numbers; as text, for no JSON reader keeps them all."""
    return {
        "kind": kind,
        "accounts": sorted(map(str, accounts)),
        "mechanism": mechanism,
        "orders": EXACT_ORDERS,
        "scale": str(SCALE),
        "renyi": [str(value) for value in cost.renyi],
        "releases": cost.releases,
        "delta": in_words(cost.delta),
        "at": at.isoformat(),
    }


def charge_of(cost: Cost, delta: Decimal) -> dict[str, Any]:
    """A charge as the record tells it: ε at the budget's δ, of which a mechanism's own is a part, and releases counted.

    A mechanism is permitted only where its own δ is less than the budget's.
    """
    own = Decimal(in_words(cost.delta))
    return {
        "epsilon": str(epsilon_of(cost.renyi, delta - own)),
        "delta": str(delta.normalize()),
        "releases": cost.releases,
    }
