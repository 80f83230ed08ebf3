"""A worker's steps on a real Postgres, with collaborators that fail where real ones may."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from generation.conftest import World, caller_of
from sqlalchemy import text

from moneyer_generation.execution.children import ChildFailed
from moneyer_generation.store.runs import RunStore
from moneyer_generation.tables import journal
from moneyer_generation.use_cases.plans import cancel_generation
from moneyer_generation.use_cases.runs import carry_run, model_object
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.generation import Column
from moneyer_shared.errors import Conflict, Forbidden, Unavailable
from moneyer_shared.queue import Later, Superseded


@pytest.mark.parametrize(
    "messages",
    [
        [ChildFailed("at once")],
        [{"progress": 0.3}, ChildFailed("while fitting")],
        [{"progress": 0.3}, {"fitted": True}, ChildFailed("while sampling")],
        [{"progress": 0.3}],
    ],
)
async def test_a_child_that_fails_anywhere_ends_the_run_as_failed_and_settled(
    world: World, messages: list[Any]
) -> None:
    world.messages.extend(messages)
    run_id = await world.run()
    await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert (row.state, row.settled, row.redeemed) == ("failed", True, True)
    assert row.failure.startswith("The generator failed")
    assert world.policy.said == ["redeem", "settle failed"]


async def test_a_permit_that_expired_before_a_worker_was_free_fails_uncharged(world: World) -> None:
    world.policy.redeem_error = Conflict("late", code="permit-expired")
    run_id = await world.run()
    await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert (row.state, row.redeemed) == ("failed", False)
    assert "permit-expired" in row.failure
    assert world.policy.said == ["redeem"]


async def test_policy_being_down_leaves_the_run_where_it_is(world: World) -> None:
    world.policy.redeem_error = Unavailable("down")
    run_id = await world.run()
    with pytest.raises(Unavailable):
        await carry_run(world.flow(), run_id)
    assert (await world.row(run_id)).state == "queued"


async def test_a_run_waits_while_something_is_suspended_and_goes_on_after_the_vote(world: World) -> None:
    """A suspension is no verdict: it burns no charge, and what was fitted before a crash is still sampled from."""
    world.policy.redeem_error = Conflict("Source s is suspended: no key is opened.", code="suspended")
    run_id = await world.run()
    with pytest.raises(Later):
        await carry_run(world.flow(), run_id)
    assert (await world.row(run_id)).state == "queued"
    world.policy.redeem_error = None
    world.messages.extend([{"fitted": True}, ConnectionError("the worker is lost")])
    with pytest.raises(ConnectionError):
        await carry_run(world.flow(), run_id)
    world.policy.redeem_error = Conflict("Source s is suspended: no key is opened.", code="suspended")
    with pytest.raises(Later):
        await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert (row.state, row.redeemed, row.failure) == ("fitted", True, None)


async def test_a_run_whose_configuration_was_condemned_ends_and_says_so(world: World) -> None:
    world.policy.redeem_error = Conflict("configuration dpmm-mst is rejected: no key is opened.", code="stopped")
    run_id = await world.run()
    await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert (row.state, row.redeemed) == ("failed", False)
    assert "configuration dpmm-mst is rejected" in row.failure


async def test_a_worker_that_was_replaced_saves_nothing_any_more(world: World) -> None:
    run_id = await world.run()
    async with world.dependencies.database.transaction() as connection:
        stale = await RunStore(connection).take_up(run_id, datetime.now(UTC))
    async with world.dependencies.database.transaction() as connection:
        await RunStore(connection).take_up(run_id, datetime.now(UTC))
    with pytest.raises(Superseded):
        async with world.dependencies.database.transaction() as connection:
            await RunStore(connection).save(stale, datetime.now(UTC), state="redeemed")
    with pytest.raises(Conflict):
        async with world.dependencies.database.transaction() as connection:
            await RunStore(connection).save(stale, datetime.now(UTC), state="released")


async def test_a_model_sealed_before_the_state_said_so_is_continued_from(world: World) -> None:
    world.messages.extend([{"fitted": True}, ChildFailed("later")])
    run_id = await world.run()
    async with world.dependencies.database.transaction() as connection:
        store = RunStore(connection)
        run = await store.take_up(run_id, datetime.now(UTC))
        run = await store.save(run, datetime.now(UTC), state="redeemed", redeemed=True)
        await store.save(run, datetime.now(UTC), state="fitting")
    custody.put_new(world.dependencies.objects, model_object(run_id), b"sealed")
    await carry_run(world.flow(), run_id)
    assert "lost while a private mechanism ran" not in (await world.row(run_id)).failure
    assert world.policy.said[0] == "redeem", "it went on from the model"


async def test_cancelling_what_was_redeemed_unheard_keeps_the_charge(world: World) -> None:
    """The worker was killed between policy's answer and our own save: policy knows better."""
    world.policy.cancel_error = Conflict("redeemed", code="permit-redeemed")
    run_id = await world.run()
    async with world.dependencies.database.transaction() as connection:
        await RunStore(connection).ask_to_cancel(run_id, datetime.now(UTC))
    await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert (row.state, row.redeemed, row.settled) == ("cancelled", True, True)
    assert world.policy.said == ["cancel", "settle cancelled"]


async def test_a_denied_plan_is_kept_as_denied_and_queues_nothing(world: World) -> None:
    world.policy.verdict = "deny"
    with pytest.raises(Forbidden) as refused:
        await world.run()
    assert refused.value.reasons == [{"code": "c", "expected": "e", "actual": "a", "remedy": "r"}]


async def test_a_plan_under_review_waits_and_runs_when_it_is_approved(world: World) -> None:
    world.policy.verdict = "review"
    run_id = await world.run()
    assert (await world.row(run_id)).state == "in_review"
    with pytest.raises(Later):
        await carry_run(world.flow(), run_id)
    assert world.policy.said == [], "nothing is redeemed before the votes"
    world.policy.verdict = "permit"
    world.messages.append(ChildFailed("as far as this test goes"))
    await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert world.policy.said == ["redeem", "settle failed"]
    assert row.decision.permit is not None


async def test_a_plan_the_committee_refuses_ends_as_denied(world: World) -> None:
    world.policy.verdict = "review"
    run_id = await world.run()
    world.policy.verdict = "deny"
    await carry_run(world.flow(), run_id)
    assert (await world.row(run_id)).state == "denied"
    assert world.policy.said == []


async def test_a_plan_under_review_can_be_withdrawn(world: World) -> None:
    world.policy.verdict = "review"
    run_id = await world.run()
    async with world.flow("scientist").begin(Work) as work:
        await cancel_generation(work, run_id)
    await carry_run(world.flow(), run_id)
    assert (await world.row(run_id)).state == "cancelled"
    assert world.policy.said == [], "there is no permit to return"


async def test_a_named_configuration_fills_in_what_the_plan_leaves_out(world: World) -> None:
    named = await world.row(await world.run(configuration="careful"))
    assert named.plan.parameters["iterations"] == 321
    own = await world.row(await world.run(configuration="careful", parameters={"iterations": 500}))
    assert own.plan.parameters["iterations"] == 500


async def test_the_queue_serves_charters_in_turn(world: World) -> None:
    """A charter with a backlog, one that comes later, and an urgent run of the first: in the order workers take them."""
    busy, newcomer = uuid4(), uuid4()
    asked = [(busy, "normal"), (busy, "normal"), (busy, "normal"), (newcomer, "normal"), (busy, "high")]
    runs = [await world.run(charter_id=charter, priority=priority) for charter, priority in asked]
    async with world.dependencies.database.transaction() as connection:
        query = "SELECT convert_from(payload, 'UTF8') AS run FROM pgqueuer ORDER BY priority DESC, id"
        served = [runs.index(UUID(row.run)) for row in await connection.execute(text(query))]
    assert served == [4, 0, 3, 1, 2]


async def test_one_row_of_history_does_not_hold_a_newcomer_back(world: World) -> None:
    """Who comes after others were served begins where they are now, not before and not behind."""
    busy = uuid4()
    runs = [await world.run(charter_id=busy) for _ in range(3)]
    async with world.dependencies.database.transaction() as connection:
        for run_id in runs[:2]:
            run = await RunStore(connection).take_up(run_id, datetime.now(UTC))
            await RunStore(connection).save(run, datetime.now(UTC), state="redeemed", redeemed=True)
    turns = [(await world.row(run_id)).turn for run_id in [*runs, await world.run(charter_id=uuid4())]]
    assert turns == [0, 1, 2, 1]


async def test_a_blend_is_offered_without_a_guarantee_whatever_its_engine(world: World) -> None:
    row = await world.row(await world.run(blend={"share": "0.5"}))
    assert (row.guarantee, row.offer.guarantee.level, row.offer.mechanism.kind) == ("none", "none", "none")
    plain = await world.row(await world.run())
    assert (plain.guarantee, plain.offer.mechanism.kind) == ("proven", "zcdp")


async def test_nothing_is_redeemed_while_nothing_can_be_run(world: World) -> None:
    async def away() -> None:
        raise Unavailable("the cluster does not answer")

    object.__setattr__(world.dependencies, "ready", away)
    run_id = await world.run()
    with pytest.raises(Unavailable):
        await carry_run(world.flow(), run_id)
    assert (await world.row(run_id)).state == "queued"
    assert world.policy.said == []


async def test_the_record_says_by_which_rules_values_were_replaced_and_not_how_many(world: World) -> None:
    columns = [
        Column.model_validate(
            {"name": "cost", "outside": "nearest", "domain": {"kind": "integer", "minimum": 0, "maximum": 9}}
        ),
        Column.model_validate(
            {"name": "ward", "unlisted": "other", "domain": {"kind": "categorical", "categories": ["a", "other"]}}
        ),
        Column.model_validate({"name": "sex", "domain": {"kind": "categorical", "categories": ["f", "m"]}}),
    ]
    world.messages.extend([{"fitted": True}, {"done": {"rows": 10, "bytes": 1, "digest": "sha256:" + "1" * 64}}])
    run_id = await world.run(columns)
    with pytest.raises(Unavailable):
        await carry_run(world.flow(), run_id)  # nobody is there to assay it
    run = await world.row(run_id)
    assert "of 2 column(s) were replaced beforehand" in run.offer.guarantee.statement
    async with world.dependencies.begin(Work, caller_of("steward"), read_only=True) as work:
        rows = (await work.connection.execute(journal.outbox.select())).all()
    facets = [row.payload["run"]["facets"] for row in rows if "run" in row.payload]
    (made,) = [one["moneyer_generation"] for one in facets if "moneyer_generation" in one]
    assert made["transformations"] == [
        "identifier columns dropped",
        "train part of the source only",
        "what lies outside its bounds was moved to the nearest bound, each value by itself, in cost",
        "what is not listed was put under 'other', each value by itself, in ward",
        "values encoded by the declared public domain",
    ]
