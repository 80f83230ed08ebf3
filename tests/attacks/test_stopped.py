"""Stopped is not stopped: whoever holds a permit, a grant or a model goes on after a stop.

One person stops a charter, an asset, a source or a population, a steward condemns a configuration; then every door that
hands out a key is tried, by the service that may use it, with papers given before the stop.
"""

import ast
import inspect
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from policy.conftest import World
from policy.test_models import again, paid
from policy.test_release_api import release, unlock

import moneyer_policy
from moneyer_policy.assets.use_cases.keyring import Keyring, Opening
from moneyer_policy.gate.store.rulebook import GOVERNANCE

WHY = {"reason": "somebody was recognised"}


class Case:
    """Papers of every kind, all given while nothing was stopped."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.register_id = str(uuid4())

    async def prepare(self) -> None:
        world = self.world
        await world.set_up(epsilon="20", allocated="20")
        self.redeemed = world.request()
        self.begun = (await world.decide(self.redeemed)).json()
        assert (await world.redeem(self.begun)).status_code == 200
        self.unused = (await world.decide()).json()
        first, _ = await paid(world)
        self.sample = (await world.decide(again(world, first))).json()
        assert self.sample["verdict"] == "permit"
        self.sampled_from = first["run_id"]
        released, _ = await paid(world)
        self.asset = released["run_id"]
        await release(world, self.asset)
        self.register_key = await self.new_key("register", self.register_id, world.population_id)
        self.newer_key = await self.new_key("source", world.source_id, world.population_id)

    async def new_key(self, kind: str, source_id: str, population_id: str) -> str:
        body = {"resource": f"{kind}:{source_id}:{uuid4()}", "population_id": population_id}
        answer = await self.world.call("generation", "POST", "/v1/keys", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def permit_of(self, run_id: str) -> str:
        (row,) = await self.world.sql("SELECT id FROM permits WHERE run_id = $1", run_id)
        return str(row["id"])

    async def assay(self, run_id: str, purpose: str, others: list[str] | None = None) -> Any:
        body = {"asset_id": run_id, "purpose": purpose, "others": others or []}
        path = f"/v1/permits/{await self.permit_of(run_id)}:open-for-assay"
        return await self.world.call("evaluation", "POST", path, json=body)


async def redeem_again(case: Case) -> Any:
    return await case.world.redeem(case.begun)


async def redeem_first(case: Case) -> Any:
    return await case.world.redeem(case.unused)


async def sample_a_kept_model(case: Case) -> Any:
    return await case.world.redeem(case.sample, key="sample")


async def open_for_the_assay(case: Case) -> Any:
    return await case.assay(case.begun["run_id"], "release")


async def assay_again(case: Case) -> Any:
    return await case.assay(case.asset, "re-assay")


async def look_at_a_newer_upload(case: Case) -> Any:
    return await case.assay(case.asset, "re-assay", [case.newer_key])


async def link_with_a_register(case: Case) -> Any:
    return await case.assay(case.asset, "re-assay", [case.register_key])


async def read(case: Case) -> Any:
    return await unlock(case.world, case.asset, "scientist")


async def upload(case: Case) -> Any:
    world = case.world
    body = {"resource": f"source:{world.source_id}:{uuid4()}", "population_id": world.population_id}
    return await world.call("generation", "POST", "/v1/keys", json=body)


async def charter(case: Case) -> None:
    await case.world.post("privacy-officer", f"/v1/charters/{case.world.charter_id}:suspend", 200, WHY)


async def source(case: Case) -> None:
    await case.world.post("privacy-officer", f"/v1/sources/{case.world.source_id}:suspend", 204, WHY)


async def population(case: Case) -> None:
    await case.world.post("steward", f"/v1/populations/{case.world.population_id}:suspend", 204, WHY)


async def register(case: Case) -> None:
    await case.world.post("steward", f"/v1/sources/{case.register_id}:suspend", 204, WHY)


async def asset(case: Case) -> None:
    for run_id in (case.begun["run_id"], case.asset, case.sampled_from):
        await case.world.post("privacy-officer", f"/v1/assets/{run_id}:suspend", 204, WHY)


async def withdrawal(case: Case) -> None:
    opened = await case.world.post("steward", f"/v1/assets/{case.asset}:withdraw", 202, WHY)
    await case.world.approve(opened["review_id"])


async def retirement(case: Case) -> None:
    opened = await case.world.post("scientist", f"/v1/charters/{case.world.charter_id}:retire", 202, WHY)
    await case.world.approve(opened["review_id"])


async def condemnation(case: Case) -> None:
    body = {"generator": "dpmm-mst", "audit_id": str(uuid4()), "claimed": "0.5", "measured": "3"}
    headers = {"Idempotency-Key": uuid4().hex}
    await case.world.post("evaluation", "/v1/condemnations", 201, body, headers=headers)


Act = Callable[[Case], Awaitable[Any]]
FOR_A_WHILE, FOR_GOOD = "suspended", "stopped"
MAKING: tuple[Act, ...] = (redeem_again, redeem_first, sample_a_kept_model, open_for_the_assay)
LOOKING: tuple[Act, ...] = (assay_again, look_at_a_newer_upload, link_with_a_register)
STOPS: tuple[tuple[Act, str, tuple[Act, ...]], ...] = (
    (charter, FOR_A_WHILE, (*MAKING, *LOOKING, read)),
    (source, FOR_A_WHILE, (*MAKING, *LOOKING, read, upload)),
    (population, FOR_A_WHILE, (*MAKING, *LOOKING, read, upload)),
    (asset, FOR_A_WHILE, (redeem_again, sample_a_kept_model, open_for_the_assay, *LOOKING, read)),
    (register, FOR_A_WHILE, (link_with_a_register,)),
    (withdrawal, FOR_GOOD, (*LOOKING, read)),
    (retirement, FOR_GOOD, (*MAKING, *LOOKING, read)),
    (condemnation, FOR_GOOD, MAKING),
)


@pytest.mark.parametrize(("stop", "code", "doors"), STOPS, ids=[stop.__name__ for stop, _, _ in STOPS])
async def test_what_is_stopped_opens_no_key(policy: World, stop: Act, code: str, doors: tuple[Act, ...]) -> None:
    case = Case(policy)
    await case.prepare()
    before = {door.__name__: (await door(case)).status_code for door in doors if door not in {redeem_first, upload}}
    assert set(before.values()) == {200}, "every door opened before the stop"
    ledger = await policy.ledger()
    await stop(case)
    answers = {door.__name__: await door(case) for door in doors}
    opened = [name for name, answer in answers.items() if answer.status_code < 400]
    assert not opened, f"after {stop.__name__} these doors still gave keys out: {opened}"
    codes = {name: answer.json()["code"] for name, answer in answers.items() if name != "read"}
    assert set(codes.values()) <= {code}, codes
    assert not [name for name, answer in answers.items() if any("key" in member for member in answer.json())]
    assert await policy.ledger() == ledger, "and nothing was spent"


@pytest.mark.parametrize("kind", ("sources", "populations"))
async def test_a_vote_starts_it_again_and_nothing_less(policy: World, kind: str) -> None:
    case = Case(policy)
    await case.prepare()
    subject = policy.source_id if kind == "sources" else policy.population_id
    path = f"/v1/{kind}/{subject}"
    await policy.post("steward", f"{path}:suspend", 204, WHY)
    denied = (await policy.decide()).json()
    assert [clause["code"] for clause in denied["clauses"]] == [f"{kind[:-1]}.not-stopped"]
    assert [entry["kind"] for entry in await policy.get("/v1/suspensions")] == [kind[:-1]]
    await policy.post("steward", f"{path}:suspend", 204, WHY)
    opened = await policy.post("steward", f"{path}:resume", 202, {"reason": "looked into"})
    own = await policy.ballot(opened["review_id"], "steward")
    assert own.status_code == 403, "who asks does not vote"
    assert (await redeem_again(case)).json()["code"] == "suspended", "until the vote"
    await policy.approve(opened["review_id"])
    assert (await redeem_again(case)).status_code == 200, "a run that waited goes on with the permit it paid"
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_what_nobody_uploaded_cannot_be_thought_stopped(policy: World) -> None:
    """A steward who mistypes an id must hear of it, not believe that something stopped."""
    await policy.set_up()
    for path in ("sources", "populations"):
        await policy.post("steward", f"/v1/{path}/{uuid4()}:suspend", 404, WHY)


async def test_an_ended_asset_key_is_not_opened_from_a_row_read_too_early(policy: World) -> None:
    """The row of a key is read under the lock, so that one destroyed in between opens nothing."""
    case = Case(policy)
    await case.prepare()
    opened = await policy.post("steward", f"/v1/assets/{case.asset}:retire", 202, WHY)
    await policy.approve(opened["review_id"])
    for door in (read, assay_again):
        assert (await door(case)).json()["code"] == "key-destroyed"


# --- no other door --------------------------------------------------------------------------------------------------

HOUSE = Path(moneyer_policy.__file__).parent
SOURCES = {str(path.relative_to(HOUSE)): ast.parse(path.read_text()) for path in HOUSE.rglob("*.py")}
KEYRING = "assets/use_cases/keyring.py"
DOORS = {"open", "make"}


def names_in(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
    }


def test_keys_are_deciphered_in_one_file_and_shown_by_two_functions() -> None:
    """No module but the keyring ciphers or deciphers, or asks the vault for shares."""
    outside = {name for name, tree in SOURCES.items() if name != KEYRING}
    for word in ("AESGCM", "HKDF", "decrypt", "_unwrapped", "_recovered", "_cipher"):
        assert [name for name in sorted(outside) if word in names_in(SOURCES[name])] == [], word
    public = {name for name, _ in inspect.getmembers(Keyring, inspect.isfunction) if not name.startswith("_")}
    assert public == DOORS | {"make_closed", "can_open", "give_back"}, (
        "a new way to a key must be asked the same question"
    )
    (ring,) = [node for node in SOURCES[KEYRING].body if isinstance(node, ast.ClassDef) and node.name == "Keyring"]
    functions = {node.name: node for node in ring.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    showing = {name for name, node in functions.items() if {"_unwrapped", "b64encode"} & names_in(node)}
    assert showing == DOORS | {"_unwrapped"}
    for name in DOORS:
        assert {"hold", "refuse_stopped"} <= names_in(functions[name]), f"{name} does not ask what is stopped"


async def test_a_door_that_forgot_the_lock_takes_it(policy: World) -> None:
    """A route that opens a key in a plain transaction is held to the order of a stop all the same."""
    case = Case(policy)
    await case.prepare()
    async with policy.dependencies.database.transaction() as connection:
        (row,) = await policy.sql("SELECT asset_key_id FROM permits WHERE run_id = $1", case.asset)
        opening = Opening(UUID(case.asset), policy.now, released=True)
        (key,) = await policy.dependencies.keyring.open(connection, [row["asset_key_id"]], opening)
        held = await policy.sql("SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND classid = $1", GOVERNANCE[0])
    assert [one["mode"] for one in held] == ["ShareLock"]
    assert key == (await read(case)).json()["key"] != b64encode(bytes(32)).decode()
