"""A worker's steps on a real Postgres, with collaborators that fail where real ones may."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from conftest import Cluster, settings_of

from mintmark_generation.app import create_workshop
from mintmark_generation.settings import Settings
from mintmark_generation.store import Store
from mintmark_generation.use_cases.child import ChildFailed
from mintmark_generation.use_cases.plans import cancel, request_run
from mintmark_generation.use_cases.runs import carry, model_object
from mintmark_generation.use_cases.sources import register
from mintmark_generation.use_cases.workshop import Workshop
from mintmark_shared import custody
from mintmark_shared.contracts.generation import CategoricalDomain, Column, SourceDeclaration
from mintmark_shared.contracts.policy import DataKey, Decision, DecisionRequest, Permit, Plan, Redemption
from mintmark_shared.errors import Conflict, Forbidden, Unavailable
from mintmark_shared.idempotency import Attempt
from mintmark_shared.queue import Later, Superseded
from mintmark_shared.service import Surroundings

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class PolicyThatPermits:
    """Permits everything and writes down what it was asked."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.redeem_error: Exception | None = None
        self.cancel_error: Exception | None = None
        self.verdict = "permit"

    async def population_exists(self, population_id: UUID) -> None:
        pass

    async def new_source_key(self, request: Any) -> DataKey:
        return DataKey(id=uuid4(), key=KEY)

    async def decision_of(self, run_id: UUID) -> Decision:
        return self.decision(run_id)

    async def configuration_defaults(self, name: str) -> dict[str, Any]:
        return {"iterations": 321}

    async def decide(self, request: DecisionRequest) -> Decision:
        return self.decision(request.run_id)

    def decision(self, run_id: UUID) -> Decision:
        now = datetime.now(UTC)
        permit = (
            Permit(id=uuid4(), token="t", expires_at=now + timedelta(minutes=5)) if self.verdict == "permit" else None
        )
        clauses = [] if self.verdict != "deny" else [{"code": "c", "expected": "e", "actual": "a", "remedy": "r"}]
        return Decision(
            id=uuid4(), run_id=run_id, verdict=self.verdict, clauses=clauses, plan_digest="d",
            charter_digest=None, decided_at=now, permit=permit,
        )  # fmt: skip

    async def redeem(self, permit_id: UUID, request: Any, *, run_id: UUID) -> Redemption:
        self.said.append("redeem")
        if self.redeem_error:
            raise self.redeem_error
        return Redemption(permit_id=permit_id, source_key=KEY, asset_key_id=uuid4(), asset_key=KEY)

    async def settle(self, permit_id: UUID, request: Any) -> None:
        self.said.append(f"settle {request.outcome}")

    async def cancel(self, permit_id: UUID) -> None:
        self.said.append("cancel")
        if self.cancel_error:
            raise self.cancel_error


class World:
    def __init__(self, workshop: Workshop, policy: PolicyThatPermits, messages: list[Any]) -> None:
        self.works = workshop
        self.policy = policy
        self.messages = messages

    async def run(self, **changes: Any) -> Any:
        declared = SourceDeclaration(
            name=f"s-{uuid4().hex[:6]}", description="d", population_id=uuid4(),
            columns=[Column(name="c", domain=CategoricalDomain(kind="categorical", categories=["a"]))],
        )  # fmt: skip
        source_id = (await register(self.works, declared, by="steward", attempt=Attempt(None, ""))).body["id"]
        async with self.works.database.transaction() as connection:
            await Store(connection).add_version(
                {
                    "id": uuid4(), "source_id": UUID(source_id), "key_id": uuid4(), "train_object": "t", "holdout_object": "h",
                    "train_rows": 100, "holdout_rows": 10, "sealed_bytes": 1, "uploaded_by": "s", "uploaded_at": datetime.now(UTC),
                }
            )  # fmt: skip
        plan = Plan(
            charter_id=uuid4(),
            use_case="u",
            audience="a",
            source_id=UUID(source_id),
            generator="dpmm-mst",
            rows=10,
            rationale="r",
            **changes,
        )
        return UUID((await request_run(self.works, plan, by="scientist", key=uuid4().hex))["id"])

    async def row(self, run_id: UUID) -> Any:
        async with self.works.database.transaction() as connection:
            return await Store(connection).run(run_id)


@pytest.fixture
async def world(cluster: Cluster, around: Callable[..., Surroundings], tmp_path: Path) -> AsyncIterator[World]:
    peers = {"policy_url": "http://x", "evaluation_url": "http://x", "objects_url": (tmp_path / "o").as_uri()}
    settings = Settings.model_validate(settings_of(await cluster.fresh("generation")) | peers)
    surroundings, policy, told = around("generation", settings), PolicyThatPermits(), list[Any]()

    async def make_table(job: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        for message in told:
            if isinstance(message, Exception):
                raise message
            yield message

    workshop = create_workshop(settings, surroundings, policy=policy, make_table=make_table)
    yield World(workshop, policy, told)
    await surroundings.database.close()
    await surroundings.http.aclose()


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
    await carry(world.works, run_id)
    row = await world.row(run_id)
    assert (row.state, row.settled, row.redeemed) == ("failed", True, True)
    assert row.failure.startswith("The generator failed")
    assert world.policy.said == ["redeem", "settle failed"]


async def test_a_permit_that_expired_before_a_worker_was_free_fails_uncharged(world: World) -> None:
    world.policy.redeem_error = Conflict("late", code="permit-expired")
    run_id = await world.run()
    await carry(world.works, run_id)
    row = await world.row(run_id)
    assert (row.state, row.redeemed) == ("failed", False)
    assert "permit-expired" in row.failure
    assert world.policy.said == ["redeem"]


async def test_policy_being_down_leaves_the_run_where_it_is(world: World) -> None:
    world.policy.redeem_error = Unavailable("down")
    run_id = await world.run()
    with pytest.raises(Unavailable):
        await carry(world.works, run_id)
    assert (await world.row(run_id)).state == "queued"


async def test_a_worker_that_was_replaced_saves_nothing_any_more(world: World) -> None:
    run_id = await world.run()
    async with world.works.database.transaction() as connection:
        stale = await Store(connection).take_up(run_id, datetime.now(UTC))
    async with world.works.database.transaction() as connection:
        await Store(connection).take_up(run_id, datetime.now(UTC))
    with pytest.raises(Superseded):
        async with world.works.database.transaction() as connection:
            await Store(connection).save(stale, datetime.now(UTC), state="redeemed")
    with pytest.raises(Conflict):
        async with world.works.database.transaction() as connection:
            await Store(connection).save(stale, datetime.now(UTC), state="released")


async def test_a_model_sealed_before_the_state_said_so_is_continued_from(world: World) -> None:
    world.messages.extend([{"fitted": True}, ChildFailed("later")])
    run_id = await world.run()
    async with world.works.database.transaction() as connection:
        store = Store(connection)
        run = await store.take_up(run_id, datetime.now(UTC))
        run = await store.save(run, datetime.now(UTC), state="redeemed", redeemed=True)
        await store.save(run, datetime.now(UTC), state="fitting")
    custody.put_new(world.works.objects, model_object(run_id), b"sealed")
    await carry(world.works, run_id)
    assert "lost while a private mechanism ran" not in (await world.row(run_id)).failure
    assert world.policy.said[0] == "redeem", "it went on from the model"


async def test_cancelling_what_was_redeemed_unheard_keeps_the_charge(world: World) -> None:
    """The worker was killed between policy's answer and our own save: policy knows better."""
    world.policy.cancel_error = Conflict("redeemed", code="permit-redeemed")
    run_id = await world.run()
    async with world.works.database.transaction() as connection:
        await Store(connection).ask_to_cancel(run_id, datetime.now(UTC))
    await carry(world.works, run_id)
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
        await carry(world.works, run_id)
    assert world.policy.said == [], "nothing is redeemed before the votes"
    world.policy.verdict = "permit"
    world.messages.append(ChildFailed("as far as this test goes"))
    await carry(world.works, run_id)
    row = await world.row(run_id)
    assert world.policy.said == ["redeem", "settle failed"]
    assert row.decision["permit"] is not None


async def test_a_plan_the_committee_refuses_ends_as_denied(world: World) -> None:
    world.policy.verdict = "review"
    run_id = await world.run()
    world.policy.verdict = "deny"
    await carry(world.works, run_id)
    assert (await world.row(run_id)).state == "denied"
    assert world.policy.said == []


async def test_a_plan_under_review_can_be_withdrawn(world: World) -> None:
    world.policy.verdict = "review"
    run_id = await world.run()
    await cancel(world.works, run_id, by="scientist")
    await carry(world.works, run_id)
    assert (await world.row(run_id)).state == "cancelled"
    assert world.policy.said == [], "there is no permit to return"


async def test_a_named_configuration_fills_in_what_the_plan_leaves_out(world: World) -> None:
    named = await world.row(await world.run(configuration="careful"))
    assert named.plan["parameters"]["iterations"] == 321
    own = await world.row(await world.run(configuration="careful", parameters={"iterations": 500}))
    assert own.plan["parameters"]["iterations"] == 500
