"""The log leaves the house: proofs of growth, tiles, witnesses, webhooks, a store written once; and tampering is found."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from conftest import KEY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lineage.conftest import World, leaf
from obstore.store import LocalStore

from moneyer.audit import (
    Diverged,
    Kept,
    NotProven,
    leaf_hash,
    read_entries,
    size_of,
    tiles,
    verify_checkpoint,
    verify_consistency,
    verify_log,
)
from moneyer_lineage.log.publishers import Cosigning, Webhook, WriteOnce, publish_checkpoint
from moneyer_lineage.log.rules.merkle import Node, cover, grown, span_hash
from moneyer_lineage.log.rules.notes import CheckpointSigner, NotCosigned, Witness, body_of, cosigned
from moneyer_lineage.log.store import LogStore
from moneyer_lineage.log.use_cases import sign_checkpoint

# --- proofs and tiles -----------------------------------------------------------------------


async def grow(world: World, entries: int) -> str:
    """So many entries more, and the checkpoint over them."""
    items = [{"id": str(uuid4()), "kind": "audit", "payload": leaf(subject=f"s:{number}")} for number in range(entries)]
    for start in range(0, entries, 500):
        await world.call("policy", "POST", "/v1/deliveries", json={"items": items[start : start + 500]})
    await sign_checkpoint(world.app.state.dependencies)
    return (await world.call("auditor", "GET", "/v1/log/checkpoint")).text


async def key_of(world: World) -> str:
    return (await world.call.bare("GET", "/v1/log/key")).text


async def test_the_log_is_proved_to_have_only_grown(world: World) -> None:
    first, key = await grow(world, 7), await key_of(world)
    second = await grow(world, 12)
    path = "/v1/log/consistency?from=7&to=19"
    proof = (await world.call("auditor", "GET", path)).json()
    heads = [verify_checkpoint(note, key) for note in (first, proof["checkpoint"])]
    verify_consistency(*heads, [base64.b64decode(entry) for entry in proof["proof"]])
    assert proof["checkpoint"] == second
    refused = await world.call("auditor", "GET", "/v1/log/consistency?from=9&to=7")
    assert refused.json()["code"] == "sizes-out-of-order"
    assert (await world.call("auditor", "GET", "/v1/log/consistency?from=7&to=18")).status_code == 404


async def fetched(world: World, kind: str, size: int) -> list[bytes]:
    found = [await world.call("auditor", "GET", f"/v1/log/tile/{kind}/{path}") for path in tiles(size)]
    assert all(answer.status_code == 200 for answer in found)
    return [answer.content for answer in found]


async def test_the_whole_log_is_read_by_tiles_and_holds_to_its_checkpoint(world: World) -> None:
    note, key = await grow(world, 600), await key_of(world)
    leaves = read_entries(await fetched(world, "entries", 600))
    hashes = b"".join(await fetched(world, "0", 600))
    kept = Kept(note, [hashes[start : start + 32] for start in range(0, len(hashes), 32)])
    assert verify_log(leaves, note, key, kept).size == 600
    above = (await world.call("auditor", "GET", "/v1/log/tile/1/000.p/2")).content
    assert above[:32] == naive(kept.hashes[:256])
    for path in ("0/002", "0/002.p/89", "1/000", "0/x001/000", "entries/002"):
        assert (await world.call("auditor", "GET", f"/v1/log/tile/{path}")).status_code == 404, path
    for path in ("0/2", "0/000.p/0", "0/000.p/256x", "9/000"):
        assert (await world.call("auditor", "GET", f"/v1/log/tile/{path}")).status_code in {404, 422}, path


def naive(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [
            hashlib.sha256(b"\x01" + left + right).digest()
            for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def test_tiles_are_named_as_the_standard_names_them() -> None:
    assert tiles(256 * 2 + 3) == ["000", "001", "002.p/3"]
    assert tiles(256 * 1_234_067 + 1)[-1] == "x001/x234/067.p/1"
    assert tiles(0) == []


# --- witnesses and places outside -----------------------------------------------------------


class Seer:
    """A witness as C2SP's tlog-witness has it: it keeps the last size and root, and signs only what extends them."""

    def __init__(self, log_key: str, name: str = "witness.example") -> None:
        self._log_key = log_key
        self._key = Ed25519PrivateKey.generate()
        encoded = b"\x04" + self._key.public_key().public_bytes_raw()
        self._key_id = hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:4]
        self.name = name
        self.verifier_key = f"{name}+{self._key_id.hex()}+{base64.b64encode(encoded).decode()}"
        self.seen: Any = None
        self.answers: list[int] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request.content.decode())
        self.answers.append(answer.status_code)
        return answer

    def _answer(self, body: str) -> httpx.Response:
        told, _, note = body.partition("\n\n")
        first, *proof = told.splitlines()
        head, old = verify_checkpoint(note, self._log_key), int(first.removeprefix("old "))
        known = self.seen.size if self.seen else 0
        if old != known:
            return httpx.Response(409, text=f"{known}\n", headers={"Content-Type": "text/x.tlog.size"})
        if self.seen is not None:
            try:
                verify_consistency(self.seen, head, [base64.b64decode(entry) for entry in proof])
            except NotProven:
                return httpx.Response(422)
        self.seen = head
        stamp = 1_700_000_000
        signature = self._key.sign(cosigned(note, stamp))
        line = base64.b64encode(self._key_id + stamp.to_bytes(8) + signature).decode()
        return httpx.Response(200, text=f"— {self.name} {line}\n")


def client(handle: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


async def test_a_witness_cosigns_what_extends_what_it_saw(world: World) -> None:
    await grow(world, 3)
    dependencies, seen = world.app.state.dependencies, Seer(await key_of(world))
    post = Cosigning("http://witness.example", Witness.of(seen.verifier_key), client(seen.handle))
    assert await publish_checkpoint(dependencies, [post]) == 1
    assert await publish_checkpoint(dependencies, [post]) == 0, "there is no news"
    note = await grow(world, 4)
    assert await publish_checkpoint(dependencies, [post]) == 1
    cosigned_note = (await world.call("auditor", "GET", "/v1/log/checkpoint")).text
    assert cosigned_note.startswith(note.rstrip("\n"))
    line = cosigned_note.splitlines()[-1]
    Witness.of(seen.verifier_key).check(line, note)
    assert verify_checkpoint(cosigned_note, await key_of(world)).size == 7, "cosigned, it is still the log's own"
    with pytest.raises(NotCosigned):
        Witness.of(seen.verifier_key).check(line, body_of(note).replace("7", "8") + "\n")


async def test_a_witness_that_saw_another_size_is_met_there(world: World) -> None:
    await grow(world, 2)
    dependencies, seen = world.app.state.dependencies, Seer(await key_of(world))
    post = Cosigning("http://witness.example", Witness.of(seen.verifier_key), client(seen.handle))
    await publish_checkpoint(dependencies, [post])
    connection = await asyncpg.connect(world.url)
    await connection.execute("DELETE FROM outposts")
    await connection.close()
    await grow(world, 5)
    assert await publish_checkpoint(dependencies, [post]) == 1
    assert seen.answers == [200, 409, 200]


async def test_a_rewritten_log_gets_no_witness(world: World) -> None:
    await grow(world, 5)
    dependencies, seen = world.app.state.dependencies, Seer(await key_of(world))
    post = Cosigning("http://witness.example", Witness.of(seen.verifier_key), client(seen.handle))
    await publish_checkpoint(dependencies, [post])
    await tamper(world.url, "edit", 2)
    await resign(world.url)
    await grow(world, 1)
    assert await publish_checkpoint(dependencies, [post]) == 0
    assert seen.answers[-1] == 422
    assert len((await world.call("auditor", "GET", "/v1/log/checkpoint")).text.splitlines()) == 5, (
        "nobody's name is under it"
    )


async def test_every_place_gets_the_newest_though_others_are_away(world: World, tmp_path: Path) -> None:
    posted: list[str] = []
    away = {"now": True}

    def hook(request: httpx.Request) -> httpx.Response:
        if away["now"]:
            raise httpx.ConnectError("away")
        posted.append(request.content.decode())
        return httpx.Response(204)

    dependencies, store = world.app.state.dependencies, LocalStore(tmp_path)
    posts = [Webhook("http://hook.example", client(hook)), WriteOnce("file:///x", store)]
    await grow(world, 2)
    assert await publish_checkpoint(dependencies, posts) == 1
    note = await grow(world, 2)
    away["now"] = False
    assert await publish_checkpoint(dependencies, posts) == 2
    assert posted == [note], "the newest stands for all before it"
    assert sorted(int(path.name) for path in tmp_path.rglob("0*")) == [2, 4]
    assert {row["place"]: row["size"] for row in (await world.call("auditor", "GET", "/v1/log/outposts")).json()} == {
        "http://hook.example": 4,
        "file:///x": 4,
    }


async def test_a_store_written_once_is_never_overwritten(world: World, tmp_path: Path) -> None:
    await grow(world, 2)
    dependencies, store = world.app.state.dependencies, LocalStore(tmp_path)
    (tmp_path / "moneyer.dev/log").mkdir(parents=True)
    (tmp_path / "moneyer.dev/log" / f"{2:020d}").write_text("another checkpoint of this size")
    assert await publish_checkpoint(dependencies, [WriteOnce("file:///x", store)]) == 0
    assert (tmp_path / "moneyer.dev/log" / f"{2:020d}").read_text() == "another checkpoint of this size"


# --- tampering ------------------------------------------------------------------------------

ENTRIES, KEPT = 24, 16
CHANGES = ("edit", "delete", "insert", "reorder", "truncate")


async def tamper(url: str, change: str, at: int) -> None:
    """What an operator with all of Postgres in hand does to the leaves, triggers switched off."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        match change:
            case "edit":
                await connection.execute("UPDATE leaves SET leaf = leaf || 'x' WHERE position = $1", at)
            case "delete":
                await connection.execute("DELETE FROM leaves WHERE position = $1", at)
                await connection.execute("UPDATE leaves SET position = -position WHERE position > $1", at)
                await connection.execute("UPDATE leaves SET position = -position - 1 WHERE position < 0")
            case "insert":
                await connection.execute("UPDATE leaves SET position = -position - 2 WHERE position >= $1", at)
                await connection.execute("UPDATE leaves SET position = -position - 1 WHERE position < 0")
                await connection.execute(
                    "INSERT INTO leaves VALUES ($1, gen_random_uuid(), 'inserted', 's', now())", at
                )
            case "reorder":
                await connection.execute("UPDATE leaves SET position = -1 WHERE position = $1", at)
                await connection.execute("UPDATE leaves SET position = $1 WHERE position = $1 + 1", at)
                await connection.execute("UPDATE leaves SET position = $1 + 1 WHERE position = -1", at)
            case "truncate":
                await connection.execute("DELETE FROM leaves WHERE position >= $1", at)
    finally:
        await connection.close()


async def resign(url: str) -> None:
    """And what a thorough one does then: every subtree and checkpoint made anew, signed with the log's own key."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        rows = await connection.fetch("SELECT leaf FROM leaves ORDER BY position")
        hashes: dict[Node, bytes] = {}
        for index, row in enumerate(rows):
            hashes.update(grown(index, row["leaf"], hashes.__getitem__))
        await connection.execute("DELETE FROM nodes")
        await connection.executemany(
            "INSERT INTO nodes VALUES ($1, $2, $3)", [(node.level, node.index, value) for node, value in hashes.items()]
        )
        root = span_hash((0, len(rows)), {node: hashes[node] for node in cover((0, len(rows)))})
        note = CheckpointSigner(KEY, "moneyer.dev/log").sign(len(rows), root)
        await connection.execute("DELETE FROM cosignatures")
        await connection.execute("DELETE FROM checkpoints")
        await connection.execute("INSERT INTO checkpoints VALUES ($1, $2, $3, now())", len(rows), root, note)
    finally:
        await connection.close()


async def all_of(world: World) -> tuple[list[bytes], str]:
    """The log as anybody reads it, whatever lies in the database."""
    async with world.app.state.dependencies.database.transaction() as connection:
        store = LogStore(connection)
        leaves = [row.content for row in await store.span(0, 10_000)]
        last = await store.latest_checkpoint()
    return leaves, last.note


async def put_back(url: str) -> None:
    """The tables as they were kept, for the next case."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        for table in ("leaves", "nodes", "checkpoints"):
            await connection.execute(f"CREATE TABLE IF NOT EXISTS kept_{table} AS TABLE {table}")
            await connection.execute(f"DELETE FROM {table}")
            await connection.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
    finally:
        await connection.close()


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("change", CHANGES)
async def test_a_tampered_log_is_found_and_the_first_entry_named(world: World, change: str, thorough: bool) -> None:
    """Yesterday's checkpoint with its hashes is enough, even where everything was made and signed anew."""
    note, key = await grow(world, KEPT), await key_of(world)
    leaves, _ = await all_of(world)
    kept = Kept(note, [leaf_hash(entry) for entry in leaves])
    await grow(world, ENTRIES - KEPT)
    for at in (0, 6, KEPT - 1):
        await put_back(world.url)
        assert verify_log(*await all_of(world), key, kept).size == ENTRIES
        await tamper(world.url, change, at)
        if thorough:
            await resign(world.url)
        with pytest.raises(Diverged) as found:
            verify_log(*await all_of(world), key, kept)
        assert found.value.index == at


async def test_entries_after_what_was_kept_are_held_by_the_signature(world: World) -> None:
    await grow(world, 8)
    key = await key_of(world)
    await tamper(world.url, "edit", 5)
    with pytest.raises(Diverged) as found:
        verify_log(*await all_of(world), key)
    assert found.value.index == 0, "nothing was kept, so nothing is known to be as it was"
    assert size_of((await all_of(world))[1]) == 8
