"""Accounts of before the order was fixed are brought forward, and none is loosened."""

import asyncio
from decimal import Decimal

from alembic import command
from policy.conftest import World

from moneyer_policy.budgets.rules.accounting import Mechanism, cost_of, default_order
from moneyer_policy.budgets.store.records import exact
from moneyer_shared.migrations import configuration


async def brought_forward(world: World) -> None:
    """The database taken back to before the revision, and up again with what stands in it."""
    config = configuration("moneyer_policy", world.url.replace("postgresql://", "postgresql+asyncpg://"))
    await world.dependencies.database.close()
    await asyncio.to_thread(command.downgrade, config, "0003")
    await world.sql("INSERT INTO populations (name, privacy_unit, partitions, created_by, created_at) "
                    "VALUES ('p', 'one person, with all visits', '{}', 's', now())")  # fmt: skip
    await asyncio.to_thread(command.upgrade, config, "head")


async def test_old_accounts_get_the_order_of_their_epsilon_and_delta_whatever_was_spent(world: World) -> None:
    await world.set_up(epsilon="3", allocated="1")
    assert (await world.decide(rho="0.004")).json()["verdict"] == "permit"
    before = await world.sql("SELECT id, held, caps, renyi_order FROM accounts ORDER BY id")
    await brought_forward(world)
    after = await world.sql("SELECT id, held, caps, renyi_order, approximate_delta FROM accounts ORDER BY id")
    assert [row["renyi_order"] for row in after] == [row["renyi_order"] for row in before]
    for old, new in zip(before, after, strict=True):
        assert (new["held"], new["caps"], new["approximate_delta"]) == (old["held"], old["caps"], 0)
        assert new["renyi_order"] == str(default_order(exact(new["caps"])))
    units = await world.sql("SELECT privacy_unit, unit_kind FROM populations ORDER BY privacy_unit")
    assert [tuple(row) for row in units] == [("one person, with all visits", "undeclared"), ("one row", "row")]


async def test_an_account_beyond_its_cap_at_its_order_admits_nothing_more_and_says_so(world: World) -> None:
    """Under "some order still fits" pure ε could fill it beyond what one order allows."""
    await world.set_up(epsilon="1", allocated="1")
    pure = cost_of(Mechanism("pure", epsilon=Decimal("0.95")))
    held = "{" + ",".join(map(str, pure.renyi)) + "}"
    await world.sql(f"UPDATE accounts SET held = '{held}'::numeric[]")
    clauses = (await world.decide(rho="0.000001")).json()["clauses"]
    assert {clause["code"] for clause in clauses} == {"budget.population", "budget.allocation"}
    assert all("admits nothing more" in clause["actual"] for clause in clauses)
