"""An asset's evidence, taken from the real services and checked by nothing of theirs."""

import asyncio
import base64
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from system.conftest import Machine, until

from mintmark import Refused, calls
from mintmark.audit import NotProven
from mintmark.evidence import Bundle

pytestmark = pytest.mark.system
Files = dict[str, bytes]


async def taken(machine: Machine) -> tuple[Files, str]:
    """The bundle of a released asset, and the log's key."""
    ready = await machine.ready()
    run_id = await ready.request()
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["state"] == "released", run
    key = await machine.send("auditor", calls.get_log_key())
    return await complete(machine, run_id, key), key


async def complete(machine: Machine, run_id: str, key: str) -> Files:
    """The bundle once the log has taken in all that happened: delivery is eventual."""
    async with asyncio.timeout(60):
        while True:
            try:
                packed = await machine.send("auditor", calls.get_evidence(run_id))
            except Refused as refused:
                assert refused.status in {404, 409, 503}, refused
            else:
                with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                    files = {name: archive.read(name) for name in archive.namelist()}
                if all(one.holds for one in Bundle(files, key).check()):
                    return files
            await asyncio.sleep(0.5)


def changed(files: Files, name: str, change: Callable[[Any], Any]) -> Files:
    return files | {name: json.dumps(change(json.loads(files[name]))).encode()}


async def grounds_are_proved(machine: Machine, asset: str) -> None:
    """Under which charter, votes and budget it was made is one question; every part of the answer is in the log."""
    found = await machine.send("auditor", calls.get_grounds(asset))
    assert found["charter"]["state"] == "in_force"
    votes = [(vote["function"], vote["verdict"]) for vote in found["votes"]]
    assert votes == [("privacy", "approve"), ("legal", "approve")]
    assert {one["of"]: one["epsilon"] for one in found["budgets"]} == {"population": "50", "charter": "50"}
    assert all(0 < float(one["epsilon_of_this"]) <= float(one["epsilon_held"]) for one in found["budgets"])
    entries = await machine.send("auditor", calls.list_log_entries(subject=f"run:{asset}"))
    assert {entry["index"] for entry in entries} <= set(found["log_entries"])
    voted = await machine.send("auditor", calls.list_log_entries(subject=f"review:{found['votes'][0]['review_id']}"))
    assert voted, "the vote left a leaf"
    assert {entry["index"] for entry in voted} <= set(found["log_entries"])


async def test_an_assets_evidence_holds_and_every_lie_in_it_is_found(machine: Machine, tmp_path: Path) -> None:
    files, key = await taken(machine)
    checked = Bundle(files, key).check()
    assert {one.item for one in checked} >= files.keys() - {"log.key"}
    for name in sorted(files.keys() - {"log.key"}):
        middle = len(files[name]) // 2
        lied = files | {name: files[name][:middle] + bytes([files[name][middle] ^ 1]) + files[name][middle + 1 :]}
        assert not all(one.holds for one in Bundle(lied, key).check()), name
        gone = {other: content for other, content in files.items() if other != name}
        assert not all(one.holds for one in Bundle(gone, key).check()), name
    assert not all(one.holds for one in Bundle(files | {"more.json": b"{}"}, key).check())
    other = key.split("+")[0] + "+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert not any(one.holds for one in Bundle(files, other).check() if one.item == "manifest.dsse.json")
    (tmp_path / "no.zip").write_bytes(b"nothing")
    with pytest.raises(NotProven):
        Bundle.open(tmp_path / "no.zip", key)
    its_parts_say_the_same(files)
    others_read_it(files, key, tmp_path)
    await grounds_are_proved(machine, json.loads(files["record.json"])["asset"])
    await it_outlives_the_table(machine, files, key)


async def it_outlives_the_table(machine: Machine, before: Files, key: str) -> None:
    """Retired and destroyed, the table is gone; its record and proofs hold, and now a certificate with them."""
    asset = json.loads(before["record.json"])["asset"]
    assert json.loads(before["certificates.json"]) == []
    asked = await machine.send("steward", calls.retire_asset(asset, reason="the study is over"))
    review = await machine.send("auditor", calls.get_review(asked["review_id"]))
    await machine.approve(review, reason="as planned")

    async def certified() -> bool:
        issued = await machine.send("auditor", calls.list_certificates(asset))
        return [one["status"] for one in issued] == ["provisional", "final"]

    await until(certified)
    with pytest.raises(Refused) as refused:
        await machine.send("scientist", calls.download(asset))
    assert refused.value.code == "key-destroyed"
    after = before
    while len(json.loads(after["certificates.json"])) != len(("provisional", "final")):
        after = await complete(machine, asset, key)
    lie = changed(after, "certificates.json", lambda it: [it[0] | {"envelope": it[0]["envelope"] | {"signatures": []}}])
    missed = {one.item for one in Bundle(lie, key).check() if not one.holds}
    assert "certificates" in missed, "the log stands for another"


def its_parts_say_the_same(files: Files) -> None:
    """What a forger who held the signing key would still have to make agree."""
    for name, change, item in (
        ("charter.json", lambda it: it | {"document": it["document"] | {"title": "another"}}, "charter"),
        ("decision.json", lambda it: it | {"verdict": "deny"}, "decision"),
        ("request.json", lambda it: it | {"plan": it["plan"] | {"rows": 1}}, "decision"),
        ("votes.json", lambda it: it | {"state": "rejected"}, "votes"),
        ("release.json", lambda it: it | {"verdict": "rejected"}, "release"),
        ("assays.json", lambda _: [], "assays"),
        ("ledger.json", lambda it: it | {"entries": []}, "ledger"),
    ):
        bundle = Bundle(changed(files, name, change), files["log.key"].decode().strip())
        missed = {one.item for one in bundle.check() if not one.holds}
        assert item in missed, (name, missed)


def others_read_it(files: Files, key: str, folder: Path) -> None:
    import mlcroissant
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from prov.model import ProvDocument
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    envelope = json.loads(files["provenance.dsse.json"])
    public = base64.b64decode(key.strip().split("+", 2)[2])[1:]
    crypto = Ed25519PublicKey.from_public_bytes(public)
    known = SSlibKey.from_crypto(crypto, keyid=envelope["signatures"][0]["keyid"])
    read = Envelope.from_dict(envelope)
    assert read.verify([known], 1)
    assert json.loads(read.payload)["predicateType"] == "https://slsa.dev/provenance/v1"
    document = ProvDocument.deserialize(content=files["prov.json"].decode(), format="json")
    kinds = {record.get_type().localpart for record in document.get_records()}
    assert kinds >= {"Entity", "Activity", "Agent", "Generation", "Usage", "Derivation", "Association"}
    path = folder / "croissant.json"
    path.write_bytes(files["croissant.json"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = mlcroissant.Dataset(jsonld=str(path))
    assert not dataset.metadata.issues.errors
    assert dataset.metadata.distribution[0].sha256 == json.loads(read.payload)["subject"][0]["digest"]["sha256"]


async def test_there_is_no_evidence_of_what_is_not_made(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request()

    async def told() -> bool:
        try:
            await machine.send("auditor", calls.get_evidence(run_id))
        except Refused as refused:
            return refused.code == "not-made"
        return False

    await until(told)
    with pytest.raises(Refused) as nothing:
        await machine.send("auditor", calls.get_evidence("00000000-0000-0000-0000-000000000009"))
    assert nothing.value.status == 404
