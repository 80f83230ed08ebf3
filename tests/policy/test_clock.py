"""Clocks and restarts: a date that passes denies the very next plan, and what is due is done once."""

import asyncio
from datetime import timedelta

import pytest
from policy.conftest import World
from sqlalchemy.exc import ProgrammingError

from moneyer_policy.effects.use_cases.calendar import fire_due


async def test_a_revalidation_date_that_passes_denies_the_very_next_plan(world: World) -> None:
    """Nothing needs to run in between: the rules in memory hold dates, not verdicts."""
    await world.set_up(revalidate_by=(world.now + timedelta(hours=1)).isoformat())
    assert (await world.decide()).json()["verdict"] == "permit"
    world.now += timedelta(hours=1) - timedelta(microseconds=1)
    assert (await world.decide(rho="0.001")).json()["verdict"] == "permit"
    world.now += timedelta(microseconds=1)
    denied = (await world.decide(rho="0.001")).json()
    assert [clause["code"] for clause in denied["clauses"]] == ["charter.revalidated"]


async def test_a_revalidation_period_ends_by_itself(world: World) -> None:
    await world.set_up(revalidation_days=3)
    world.now += timedelta(days=3)
    assert (await world.decide()).json()["clauses"][0]["code"] == "charter.revalidated"


async def test_a_restart_and_a_crowd_fire_a_deadline_once(world: World, sibling: World) -> None:
    """Two processes, one of them started anew, look at the same moment: one of them does it."""
    await world.make_charter(revalidate_by=(world.now + timedelta(days=1)).isoformat())
    world.now += timedelta(days=2)
    fired = await asyncio.gather(*(fire_due(each.dependencies) for each in (world, sibling, world, sibling)))
    due = [entry for entry in await world.get("/v1/notifications") if entry["kind"] == "charter.revalidation"]
    assert len(due) == 1
    assert sum(fired) >= 1
    assert await fire_due(sibling.dependencies) == 0


async def test_a_deadline_that_dies_half_way_is_done_again(world: World) -> None:
    """What it does and that it is done commit together."""
    await world.make_charter(revalidate_by=(world.now + timedelta(days=1)).isoformat())
    world.now += timedelta(days=2)
    await world.sql("ALTER TABLE notifications RENAME TO away")
    with pytest.raises(ProgrammingError, match="notifications"):
        await fire_due(world.dependencies)
    await world.sql("ALTER TABLE away RENAME TO notifications")
    assert await fire_due(world.dependencies) >= 1
    due = [entry for entry in await world.get("/v1/notifications") if entry["kind"] == "charter.revalidation"]
    assert len(due) == 1
