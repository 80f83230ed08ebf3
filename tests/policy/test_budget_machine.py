"""Budget operations in any order against a naive reference: a Hypothesis state machine.

Every rule runs the real use cases over HTTP on a real Postgres. The reference remembers only which
plans were permitted and what became of each; what is held is composed anew with dp-accounting alone.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import log, log1p
from typing import Any

import dp_accounting
import pytest
from conftest import Caller, Cluster
from dp_accounting import rdp
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from policy.conftest import World, make_world

from moneyer_shared.service import Surroundings

MECHANISMS: dict[str, dict[str, Any]] = {
    "small": {"kind": "zcdp", "rho": "0.004"},
    "large": {"kind": "zcdp", "rho": "0.03"},
    "pure": {"kind": "pure", "epsilon": "0.3"},
    "group": {"kind": "zcdp", "rho": "0.002", "group_size": 3},
    "gaussian": {"kind": "gaussian", "noise_multiplier": "12"},
    "subsampled": {
        "kind": "subsampled-gaussian", "noise_multiplier": "2", "sampling_probability": "0.01", "steps": 200,
    },
}  # fmt: skip
UNBOUNDED = 10**25
ENDED = ("redeemed", "settled")


@dataclass
class Run:
    """What the reference remembers of a permitted plan."""

    decision: dict[str, Any]
    charter: str
    state: str = "reserved"

    def late(self, now: datetime) -> bool:
        return now >= datetime.fromisoformat(self.decision["permit"]["expires_at"])


def event(told: dict[str, Any]) -> Any:
    match told["name"]:
        case "ZCDpEvent":
            return dp_accounting.ZCDpEvent(float(told["rho"]))
        case "GaussianDpEvent":
            return dp_accounting.GaussianDpEvent(float(told["noise_multiplier"]))
        case "RandomizedResponseDpEvent":
            return dp_accounting.RandomizedResponseDpEvent(float(told["noise_parameter"]), told["num_buckets"])
        case "PoissonSampledGaussian":
            noise = dp_accounting.GaussianDpEvent(float(told["noise_multiplier"]))
            step = dp_accounting.PoissonSampledDpEvent(float(told["sampling_probability"]), noise)
            return dp_accounting.SelfComposedDpEvent(step, told["steps"])
        case _:
            raise AssertionError(told)


def times(charge: dict[str, Any], column: str) -> int:
    return charge["spent"] if column == "spent" else charge["reserved"] - charge["returned"]


@lru_cache
def divergence(told: str, orders: tuple[float, ...]) -> tuple[float, ...]:
    """One execution's Rényi divergence at each order, as dp-accounting has it."""
    stated = json.loads(told)
    relation = dp_accounting.NeighboringRelation[stated["relation"]]
    accountant = rdp.RdpAccountant(list(orders), neighboring_relation=relation)
    accountant.compose(event(stated))
    return tuple(map(float, accountant._rdp))


def composed(charges: list[dict[str, Any]], orders: list[float], column: str) -> list[float]:
    """The Rényi divergence of a statement's charges at each order, by dp-accounting alone."""
    total = [0.0] * len(orders)
    for charge in (charge for charge in charges if times(charge, column)):
        one = divergence(json.dumps(charge["event"]["dp_event"]), tuple(orders))
        total = [a + times(charge, column) * b for a, b in zip(total, one, strict=True)]
    return total


def check_account(account: dict[str, Any], orders: list[float], scale: int) -> None:
    """Ledger sums equal balances, dp-accounting agrees, and the budget is not overspent."""
    for column in ("held", "spent"):
        sums = [
            sum(charge["renyi"][order] * times(charge, column) for charge in account["charges"])
            for order in range(len(orders))
        ]
        assert sums == account[column]
        bounded = [(kept, value) for kept, value in zip(sums, composed(account["charges"], orders, column), strict=True)
                   if kept < UNBOUNDED]  # fmt: skip
        assert all(abs(kept / scale - value) <= 1e-9 * max(1, value) for kept, value in bounded)
    assert account["delta_held"] == account["delta_spent"] == "0"
    order = float(Fraction(account["order"]))
    held = account["held"][orders.index(order)] / scale
    # The conversion at one order, as docs/statement.md has it.
    overhead = log1p(-1 / order) - (log(float(account["delta"])) + log(order)) / (order - 1)
    spent = held + overhead if held else 0.0
    assert spent <= float(account["epsilon"]) + 1e-9, "never overspent"
    assert abs(spent - float(account["epsilon_held"])) <= 2e-6, "and told to the auditor as it is"


class Budgets(RuleBasedStateMachine):
    """Reserve, redeem, cancel, settle, expire, transfer, crash."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fresh: Callable[[], Coroutine[Any, Any, World]]) -> None:
        super().__init__()
        self.wait, self.fresh = loop.run_until_complete, fresh
        self.runs: list[Run] = []

    @initialize()
    def begin(self) -> None:
        self.world = self.wait(self.fresh())
        self.wait(self.two_charters())

    async def two_charters(self) -> None:
        await self.world.set_up(epsilon="1.5", allocated="0.7", delta="0.000004")
        self.charters = [self.world.charter_id]
        await self.world.make_charter()
        self.charters.append(self.world.charter_id)
        path = f"/v1/populations/{self.world.population_id}/allocations"
        body = {"charter_id": self.world.charter_id, "epsilon": "0.7", "delta": "0.000004"}
        await self.world.post("steward", path, 201, body)

    def request(self, mechanism: str, charter: int) -> dict[str, Any]:
        self.world.charter_id = self.charters[charter]
        request = self.world.request()
        request["offer"]["mechanism"] = MECHANISMS[mechanism]
        return request

    @rule(mechanism=st.sampled_from(sorted(MECHANISMS)), charter=st.integers(0, 1), together=st.integers(1, 5))
    def reserve(self, mechanism: str, charter: int, together: int) -> None:
        """Some plans at the same moment: they are decided together."""
        requests = [self.request(mechanism, charter) for _ in range(together)]

        async def ask() -> list[Any]:
            return await asyncio.gather(*(self.world.decide(request) for request in requests))

        for answer in self.wait(ask()):
            decision = answer.json()
            codes = {clause["code"] for clause in decision["clauses"]}
            assert codes <= {"budget.population", "budget.allocation"}, codes
            if decision["verdict"] == "permit":
                self.runs.append(Run(decision, self.charters[charter]))

    @rule(index=st.integers(0, 50), again=st.booleans())
    def redeem(self, index: int, again: bool) -> None:
        if not self.runs:
            return
        run = self.runs[index % len(self.runs)]
        statuses = {self.wait(self.world.redeem(run.decision)).status_code for _ in range(1 + again)}
        works = run.state == "redeemed" or (run.state == "reserved" and not run.late(self.world.now))
        assert statuses == ({200} if works else {409})
        run.state = "redeemed" if works else run.state

    @rule(index=st.integers(0, 50))
    def cancel(self, index: int) -> None:
        if not self.runs:
            return
        run = self.runs[index % len(self.runs)]
        path = f"/v1/permits/{run.decision['permit']['id']}:cancel"
        status = self.wait(self.world.call("generation", "POST", path)).status_code
        assert status == (409 if run.state in ENDED else 204)
        run.state = run.state if run.state in ENDED else "returned"

    @rule(index=st.integers(0, 50))
    def settle(self, index: int) -> None:
        redeemed = [run for run in self.runs if run.state == "redeemed"]
        if redeemed:
            run = redeemed[index % len(redeemed)]
            assert self.wait(self.world.settle(run.decision)).status_code == 204
            run.state = "settled"

    @rule(minutes=st.sampled_from([5, 40]))
    def time_passes(self, minutes: int) -> None:
        self.world.now += timedelta(minutes=minutes)
        self.wait(self.world.return_expired())
        for run in self.runs:
            if run.state == "reserved" and run.late(self.world.now):
                run.state = "returned"

    @rule(mechanism=st.sampled_from(sorted(MECHANISMS)))
    def crash(self, mechanism: str) -> None:
        """It dies with everything decided and nothing committed: nothing of it stays."""
        signer = self.world.dependencies.signer

        def die(**_: Any) -> str:
            message = "died"
            raise RuntimeError(message)

        signer.sign = die
        answer = self.wait(self.world.decide(self.request(mechanism, 0)))
        del signer.sign
        assert answer.status_code == 500 or answer.json()["verdict"] == "deny"

    @rule(amount=st.sampled_from(["0.05", "0.3"]), back=st.booleans())
    def transfer(self, amount: str, back: bool) -> None:
        giver, taker = reversed(self.charters) if back else self.charters
        path = f"/v1/populations/{self.world.population_id}/transfers"
        body = {"giver": giver, "taker": taker, "epsilon": amount, "reason": "r"}
        asked = self.wait(self.world.call("steward", "POST", path, json=body))
        if asked.status_code == 202:
            assert self.wait(self.world.approve(asked.json()["review_id"]))["outcome"] == {"applied": True}
        else:
            assert asked.json()["code"] in {"budget-held", "over-allocated"}

    @invariant()
    def the_books_are_true(self) -> None:
        path = f"/v1/populations/{self.world.population_id}/statement"
        statement = self.wait(self.world.get(path))
        orders = [float(Fraction(order)) for order in statement["orders"]]
        given = [Decimal(account["epsilon"]) for account in statement["accounts"] if account["charter_id"]]
        assert sum(given) == Decimal("1.4"), "a transfer makes no budget"
        for account in statement["accounts"]:
            check_account(account, orders, statement["scale"])
            self.compare(account)

    def compare(self, account: dict[str, Any]) -> None:
        """Each account was charged for exactly the reference's runs."""
        runs = [run for run in self.runs if account["charter_id"] in {None, run.charter}]
        charged = {
            kind: sum(charge[kind] for charge in account["charges"]) for kind in ("reserved", "spent", "returned")
        }
        assert charged == {
            "reserved": len(runs),
            "spent": sum(run.state in ENDED for run in runs),
            "returned": sum(run.state == "returned" for run in runs),
        }

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.wait(self.world.dependencies.database.close())


@pytest.mark.timeout(600)
@pytest.mark.long
def test_no_order_of_operations_overspends_or_loses_count(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> None:
    loop = asyncio.new_event_loop()
    try:
        run_state_machine_as_test(
            lambda: Budgets(loop, lambda: make_world(cluster, around, caller)),
            settings=settings(
                max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.close()
