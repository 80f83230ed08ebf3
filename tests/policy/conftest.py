"""A policy service on a database of its own, with a clock the test holds."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from conftest import KEY, Caller, Cluster, settings_of
from policy.examples import charter_document

from moneyer_policy.app import create_app
from moneyer_policy.budgets.rules.accounting import cost_of, epsilon_of
from moneyer_policy.budgets.use_cases.charges import mechanism_of
from moneyer_policy.gate.use_cases.reservations import return_expired
from moneyer_policy.settings import Settings
from moneyer_policy.work import ITSELF, Work
from moneyer_shared.contracts.policy import Mechanism
from moneyer_shared.service import Surroundings

MEMBERS = {"privacy-officer": "privacy", "counsel": "legal"}


RHO = "0.01"


def labelled(request: dict[str, Any]) -> dict[str, Any]:
    """The request with what its label leaves out: the ε its mechanism is charged for, and the source's unit."""
    offer = request["offer"]
    asked = mechanism_of(Mechanism.model_validate(offer["mechanism"]))
    label, unit = offer["guarantee"], {"maximum_rows": asked.group_size}
    if asked.kind == "post-processing":
        # What is sampled again is the model of a run that was asked for like any other here.
        asked, unit = mechanism_of(Mechanism(kind="zcdp", rho=RHO)), {"maximum_rows": 1}
    if asked.kind != "none" and label.get("delta") and "epsilon" not in label:
        charged = asked.epsilon or epsilon_of(cost_of(asked).renyi, Decimal(label["delta"]))
        label = {"epsilon": f"{charged * (asked.group_size if asked.epsilon else 1):f}"} | label
    return request | {"offer": {"privacy_unit": unit} | offer | {"guarantee": label}}


class World:
    """Policy as people and services meet it."""

    def __init__(self, app: Any, caller: Caller, url: str) -> None:
        self.app = app
        self.call = caller
        self.url = url.replace("+asyncpg", "")
        self.now = datetime.now(UTC)
        self.source_id = str(uuid4())
        self.population_id = self.charter_id = self.digest = self.key_id = ""

    async def set_up(
        self,
        *,
        epsilon: str = "2",
        allocated: str = "2",
        delta: str = "0.00001",
        releases: int | None = None,
        approximate: str = "0",
        population_delta: str = "0.00001",
        unit: dict[str, Any] | None = None,
        **charter: Any,
    ) -> None:
        """A population with a keyed source, a charter in force, assessed, and with an allocation."""
        await self.make_population(epsilon, delta=population_delta, approximate_delta=approximate, unit=unit)
        await self.make_charter(**charter)
        body = {"charter_id": self.charter_id, "epsilon": allocated, "delta": delta, "releases": releases}
        body["approximate_delta"] = approximate
        answer = await self.call("steward", "POST", f"/v1/populations/{self.population_id}/allocations", json=body)
        assert answer.status_code == 201, answer.text

    async def make_population(self, epsilon: str = "2", delta: str = "0.00001", **more: Any) -> None:
        body = {"name": f"p-{uuid4().hex[:8]}", "privacy_unit": "one row", "epsilon": epsilon, "delta": delta} | more
        self.population_id = (await self.call("steward", "POST", "/v1/populations", json=body)).json()["id"]
        body = {"resource": f"source:{self.source_id}:{uuid4()}", "population_id": self.population_id}
        self.key_id = (await self.call("generation", "POST", "/v1/keys", json=body)).json()["id"]

    async def make_charter(self, **changes: Any) -> None:
        document = charter_document(sources=[self.source_id], **changes)
        made = (await self.call("scientist", "POST", "/v1/charters", json=document)).json()
        self.charter_id, self.digest = made["id"], made["digest"]
        await self.call("scientist", "POST", f"/v1/charters/{self.charter_id}:submit")
        await self.assess()
        for person, function in MEMBERS.items():
            member = {"subject": person, "function": function}
            assert (await self.call("admin", "POST", "/v1/committee/members", json=member)).status_code == 204
            shown = await self.vote(person, function)
            assert shown.status_code == 201, shown.text
        assert shown.json()["state"] == "in_force"

    async def assess(self, person: str = "assessor") -> Any:
        until = (self.now + timedelta(days=20)).isoformat()
        body = {"digest": self.digest, "acceptable": True, "summary": "fine", "valid_until": until}
        return await self.call(person, "POST", f"/v1/charters/{self.charter_id}/assessments", json=body)

    async def vote(self, person: str, function: str, **changes: Any) -> Any:
        body = {"function": function, "verdict": "approve", "digest": self.digest, "reason": "good"} | changes
        return await self.call(person, "POST", f"/v1/charters/{self.charter_id}/votes", json=body)

    def request(self, *, rho: str = RHO, **plan: Any) -> dict[str, Any]:
        """A decision request as generation would send it."""
        made = {
            "charter_id": self.charter_id,
            "use_case": "research",
            "audience": "analysts",
            "source_id": self.source_id,
            "generator": "dpmm-mst",
            "parameters": {"epsilon": "0.5", "delta": "0.000001", "iterations": 500},
            "rows": 100,
            "rationale": "study",
        } | plan
        guarantee = {"level": "proven", "unit": "one row", "statement": "proven", "delta": "0.000001"}
        offer = {
            "engine_version": "1",
            "guarantee": guarantee,
            "mechanism": {"kind": "zcdp", "rho": rho},
            "source_key_id": self.key_id,
            "population_id": self.population_id,
        }
        return {"run_id": str(uuid4()), "requester": "scientist", "plan": made, "offer": offer}

    async def decide(self, request: dict[str, Any] | None = None, **options: Any) -> Any:
        sent = labelled(request or self.request(**options))
        headers = {"Idempotency-Key": f"decide-{sent['run_id']}"}
        return await self.call("generation", "POST", "/v1/decisions", json=sent, headers=headers)

    async def redeem(
        self, decision: dict[str, Any], *, key: str = "run", digest: str | None = None, token: str | None = None
    ) -> Any:
        permit = decision["permit"]
        body = {"token": token or permit["token"], "plan_digest": digest or decision["plan_digest"]}
        path = f"/v1/permits/{permit['id']}:redeem"
        return await self.call("generation", "POST", path, json=body, headers={"Idempotency-Key": key})

    async def settle(self, decision: dict[str, Any], outcome: str = "quarantined") -> Any:
        path = f"/v1/permits/{decision['permit']['id']}:settle"
        return await self.call("generation", "POST", path, json={"outcome": outcome})

    async def budget(self) -> dict[str, Any]:
        return (await self.call("auditor", "GET", f"/v1/populations/{self.population_id}")).json()["budget"]

    async def ledger(self) -> list[dict[str, Any]]:
        path = f"/v1/populations/{self.population_id}/ledger"
        return (await self.call("auditor", "GET", path)).json()["entries"]

    async def post(self, person: str, path: str, status: int, body: Any = None, **options: Any) -> Any:
        """What a POST answers, having seen that it ended as expected."""
        answer = await self.call(person, "POST", path, json=body, **options)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json() if answer.content else None

    async def get(self, path: str, person: str = "auditor", status: int = 200) -> Any:
        answer = await self.call(person, "GET", path)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json()

    async def ballot(self, review_id: str, person: str = "privacy-officer", **changes: Any) -> Any:
        """A vote on a review's own digest."""
        digest = (await self.get(f"/v1/reviews/{review_id}"))["digest"]
        body = {"function": MEMBERS.get(person, "privacy"), "verdict": "approve", "digest": digest, "reason": "good"}
        return await self.call(person, "POST", f"/v1/reviews/{review_id}/votes", json=body | changes)

    async def approve(self, review_id: str, *people: str) -> Any:
        """The review once these have approved it, or as many of the committee as it takes."""
        for person in people or MEMBERS:
            answer = await self.ballot(review_id, person)
            assert answer.status_code == 201, answer.text
            if not people and answer.json()["state"] == "approved":
                break
        assert answer.json()["state"] == "approved", answer.text
        return answer.json()

    async def replace_charter(self, **changes: Any) -> None:
        """A next version in force, assessed."""
        newest = await self.call("auditor", "GET", f"/v1/charters/{self.charter_id}")
        document = newest.json()["document"] | changes
        headers = {"If-Match": newest.headers["etag"]}
        path = f"/v1/charters/{self.charter_id}"
        edited = await self.call("scientist", "PUT", path, json=document, headers=headers)
        assert edited.status_code == 200, edited.text
        self.digest = edited.json()["digest"]
        await self.post("scientist", f"{path}:submit", 200)
        await self.assess()
        for person, function in MEMBERS.items():
            voted = await self.vote(person, function)
            assert voted.status_code == 201, voted.text

    async def return_expired(self) -> int:
        """What falls due of reservations, done; how many that were."""
        async with self.dependencies.begin(Work, ITSELF) as work:
            return await return_expired(work)

    @property
    def dependencies(self) -> Any:
        return self.app.state.dependencies

    async def sql(self, query: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()


async def make_world(cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller]) -> World:
    """A policy service of its own; whoever makes one disposes of ``world.dependencies.database``."""
    url = await cluster.fresh("policy")
    vault = cluster.root / f"vault-{url.rpartition('/')[2]}"
    settings = Settings.model_validate(settings_of(url) | {"master_key": KEY, "signing_key": KEY, "vault": vault})
    holder: list[World] = []
    app = create_app(settings, surroundings=around("policy", settings), clock=lambda: holder[0].now)
    holder.append(World(app, caller(app, "policy"), url))
    return holder[0]


def sibling_of(world: World, around: Callable[..., Surroundings], caller: Callable[..., Caller]) -> World:
    """Another process of the same service on the same database, at the same clock."""
    url = world.url.replace("postgresql://", "postgresql+asyncpg://")
    keys = {"master_key": KEY, "signing_key": KEY, "vault": world.dependencies.keyring.vault.directory}
    settings = Settings.model_validate(settings_of(url) | keys)
    app = create_app(settings, surroundings=around("policy", settings), clock=lambda: world.now)
    return World(app, caller(app, "policy"), url)


@pytest.fixture
async def sibling(
    world: World, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> AsyncIterator[World]:
    made = sibling_of(world, around, caller)
    yield made
    await made.dependencies.database.close()


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> AsyncIterator[World]:
    made = await make_world(cluster, around, caller)
    yield made
    await made.dependencies.database.close()
