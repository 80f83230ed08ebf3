"""A key that is destroyed is gone from every disk, a fresh process says so, and a certificate says it to others."""

import asyncio
import json
import os
import shutil
import sys
from base64 import b64decode
from collections.abc import Iterable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import KEY
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from policy.conftest import World
from policy.test_release_api import paid_run, release, unlock
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from moneyer_policy.assets.use_cases.destruction import destroy_due
from moneyer_policy.assets.use_cases.keyring import Vault, WrappedKey
from moneyer_policy.assets.use_cases.recovery import is_recoverable
from moneyer_policy.effects.use_cases.calendar import fire_due
from moneyer_shared.canonical import digest
from moneyer_shared.custody import SealBroken, seal_blob, unseal_blob


async def retire(world: World) -> str:
    """A released asset whose retirement was voted for."""
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    opened = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "study over"})
    await world.approve(opened["review_id"])
    return asset


async def key_row(world: World, asset: str) -> WrappedKey:
    row = (await world.sql("SELECT * FROM keys WHERE resource = $1", f"asset:{asset}"))[0]
    return WrappedKey(row["id"], row["resource"], row["wrapped"], row["shared"])


async def certificates(world: World, asset: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await world.get(f"/v1/assets/{asset}/certificates")
    return found


async def disks(world: World) -> Iterable[bytes]:
    """Every byte under the database's folder, its write-ahead log included, and under the vault's."""
    await world.sql("CHECKPOINT")
    data = Path((await world.sql("SHOW data_directory"))[0]["data_directory"])
    files = [path for root in (data, world.dependencies.keyring.vault.directory) for path in root.rglob("*")]
    return (path.read_bytes() for path in files if path.is_file())


async def test_after_retirement_nothing_that_is_left_opens_the_table(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    data_key = b64decode((await unlock(world, asset, "scientist")).json()["key"])
    copied = seal_blob(b"a table", data_key, f"assets/{asset}")
    row = await key_row(world, asset)
    share = world.dependencies.keyring.vault.share(row.id)
    assert share is not None
    assert any(share in content for content in await disks(world)), "the search finds what is there"
    opened = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "study over"})
    await world.approve(opened["review_id"])
    assert (await unlock(world, asset, "scientist")).status_code == 410, "at once"
    assert await is_recoverable(world.dependencies.keyring, row), "an intruder with everything still could"
    assert await destroy_due(world.dependencies) == 1
    assert not await is_recoverable(world.dependencies.keyring, row), (
        "with the wrapped form from an old copy of the database"
    )
    left = b"".join(await disks(world))
    assert row.wrapped is not None
    assert row.wrapped in left, "Postgres remembers the wrapped form, which is why it must not suffice"
    assert share not in left
    assert data_key not in left
    for tried in (b64decode(KEY), row.wrapped[-32:]):
        with pytest.raises(SealBroken):
            unseal_blob(copied, tried, f"assets/{asset}")
    assert unseal_blob(copied, data_key, f"assets/{asset}") == b"a table", "it was the key that was missing"
    assert (await unlock(world, asset, "scientist")).json()["code"] == "key-destroyed"


async def test_a_certificate_is_final_once_no_backup_is_left(world: World) -> None:
    asset = await retire(world)
    assert await certificates(world, asset) == []
    await destroy_due(world.dependencies)
    world.now += timedelta(days=29)
    await fire_due(world.dependencies)
    assert [one["status"] for one in await certificates(world, asset)] == ["provisional"]
    assert await destroy_due(world.dependencies) == 0, "done once"
    world.now += timedelta(days=2)
    await fire_due(world.dependencies)
    await fire_due(world.dependencies)
    issued = await certificates(world, asset)
    assert [one["status"] for one in issued] == ["provisional", "final"]
    public = await world.get("/v1/certificate-key")
    key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(b64decode(public["ed25519"])), public["key_id"])
    for one in issued:
        Envelope.from_dict(deepcopy(one["envelope"])).verify([key], 1)
        told = json.loads(b64decode(one["envelope"]["payload"]))
        assert told["predicate"]["status"] == one["status"]
        assert told["predicate"]["asset"] == asset
        assert told["predicate"]["sanitization"]["technique"] == "cryptographic erase"
        assert told["predicate"]["sanitization"]["authorised_by"].startswith("review:")
    leaves = [json.loads(row["leaf"]) for row in await world.sql("SELECT leaf FROM audit_events ORDER BY at")]
    logged = [leaf["details"]["certificate"] for leaf in leaves if leaf["action"] == "certificate.issue"]
    assert logged == [digest(one["envelope"]) for one in issued], "the log stands for exactly these"
    held = (await world.get(f"/v1/assets/{asset}/dossier"))["certificates"]
    assert [one["envelope"] for one in held] == [one["envelope"] for one in issued]


async def test_two_processes_and_a_crash_in_between_issue_one_certificate(
    world: World, sibling: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = await retire(world)
    with monkeypatch.context() as killed:
        killed.setattr(sys, "executable", "/bin/false")
        with pytest.raises(RuntimeError):
            await destroy_due(world.dependencies)
    assert world.dependencies.keyring.vault.share((await key_row(world, asset)).id) is None, "shredded, and no further"
    assert await certificates(world, asset) == []
    done = await asyncio.gather(destroy_due(world.dependencies), destroy_due(sibling.dependencies))
    assert sum(done) == 1
    assert len(await certificates(world, asset)) == 1
    assert await destroy_due(world.dependencies) == 0


async def test_what_can_still_be_recovered_gets_no_certificate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = await retire(world)
    with monkeypatch.context() as unkept:
        unkept.setattr(Vault, "overwrite", lambda *_: True)
        unkept.setattr(Vault, "forget", lambda *_: None)
        assert await destroy_due(world.dependencies) == 0
    assert await certificates(world, asset) == []
    assert (await unlock(world, asset, "scientist")).status_code == 410, "nobody gets it all the same"
    assert await destroy_due(world.dependencies) == 1


async def test_a_vault_that_is_away_charges_nothing_and_is_no_destruction(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    decision = (await world.decide()).json()
    spent = (await world.budget())["epsilon_spent"]
    vault = world.dependencies.keyring.vault.directory
    shutil.move(vault, f"{vault}-away")
    vault.write_text("no folder")
    refused = await world.redeem(decision)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert (await world.budget())["epsilon_spent"] == spent
    assert (await unlock(world, asset, "scientist")).status_code == 503
    vault.unlink()
    assert (await unlock(world, asset, "scientist")).status_code == 503, "a missing vault is not an empty one"
    shutil.move(f"{vault}-away", vault)
    assert (await world.redeem(decision)).status_code == 200
    assert (await unlock(world, asset, "scientist")).status_code == 200


async def test_a_key_from_before_there_were_shares_opens_and_is_never_certainly_gone(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    resource, key = f"asset:{asset}", b"k" * 32
    old = b"n" * 12 + AESGCM(b64decode(KEY)).encrypt(b"n" * 12, key, resource.encode())
    await world.sql("UPDATE keys SET wrapped = $1, shared = false WHERE resource = $2", old, resource)
    assert b64decode((await unlock(world, asset, "scientist")).json()["key"]) == key
    opened = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "study over"})
    await world.approve(opened["review_id"])
    assert await destroy_due(world.dependencies) == 1
    assert (await key_row(world, asset)).wrapped is None
    world.now += timedelta(days=400)
    await fire_due(world.dependencies)
    issued = await certificates(world, asset)
    assert [one["status"] for one in issued] == ["provisional"]
    told = json.loads(b64decode(issued[0]["envelope"]["payload"]))
    assert "may still open it" in told["predicate"]["sanitization"]["description"]


async def test_another_vault_is_no_destruction(world: World) -> None:
    asset = await retire(world)
    vault = world.dependencies.keyring.vault.directory
    shutil.move(vault, f"{vault}-away")
    vault.mkdir()
    assert await destroy_due(world.dependencies) == 0, "nobody shredded what is not there"
    assert await certificates(world, asset) == []
    vault.rmdir()
    shutil.move(f"{vault}-away", vault)
    assert await destroy_due(world.dependencies) == 1


async def test_a_key_that_lacks_its_share_is_a_fault_and_no_destroyed_one(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    world.dependencies.keyring.vault.forget((await key_row(world, asset)).id)
    refused = await unlock(world, asset, "scientist")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


def test_shares_are_private_and_written_once(tmp_path: Path) -> None:
    vault, key_id = Vault(tmp_path / "vault"), UUID(int=7)
    share = vault.place(key_id)
    assert vault.share(key_id) == share
    (kept,) = (tmp_path / "vault").iterdir()
    inode = kept.stat().st_ino
    assert kept.stat().st_mode & 0o077 == 0
    assert (tmp_path / "vault").stat().st_mode & 0o077 == 0
    assert vault.overwrite(key_id)
    assert kept.read_bytes() != share
    with kept.open("rb") as opened:
        assert os.fstat(opened.fileno()).st_ino == inode, "where it lay"
    vault.forget(key_id)
    vault.forget(key_id)
    assert vault.share(key_id) is None
    assert not vault.overwrite(key_id)


async def test_a_certificate_lists_what_it_does_not_destroy(world: World) -> None:
    """Copies that deliveries put outside are named, and nowhere said to be gone; one that left nothing is not."""
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    delivered, nothing, late = (str(UUID(int=number)) for number in (1, 2, 3))
    for delivery in (delivered, nothing, late):
        body = {"subject": "scientist", "delivery": delivery}
        assert (await world.call("generation", "POST", f"/v1/assets/{asset}:unlock", json=body)).status_code == 200
    path = f"/v1/assets/{asset}/copies"
    assert (await world.call("generation", "POST", f"{path}/{nothing}:void", json={})).status_code == 204
    opened = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "study over"})
    await world.approve(opened["review_id"])
    await destroy_due(world.dependencies)
    assert (await world.call("generation", "POST", f"{path}/{late}:void", json={})).status_code == 204
    world.now += timedelta(days=31)
    await fire_due(world.dependencies)
    provisional, final = [json.loads(b64decode(one["envelope"]["payload"])) for one in await certificates(world, asset)]
    assert [one["id"] for one in provisional["predicate"]["outside_custody"]["deliveries"]] == [delivered, late]
    assert [one["id"] for one in final["predicate"]["outside_custody"]["deliveries"]] == [delivered], "known by then"
    for told in (provisional, final):
        assert "Not destroyed by this" in told["predicate"]["outside_custody"]["statement"]
        assert "every sealed copy" in told["predicate"]["media"]["type"]
