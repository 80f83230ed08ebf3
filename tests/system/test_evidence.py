"""An asset's evidence, taken from the real services and checked by nothing of theirs."""

import asyncio
import base64
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from attacks.forgeries import RECORDED, forged, listed, packed, recorded, swallowed
from attacks.test_names_in_the_log import names_in
from system.conftest import Machine, until

from moneyer import Refused, calls
from moneyer.audit import NotProven
from moneyer.evidence import Bundle
from moneyer.evidence.bundle import NAMES
from moneyer.evidence.packed import unpack
from moneyer.evidence.report import pattern
from moneyer.evidence.tables import verify_table

pytestmark = pytest.mark.system
FORMS: tuple[Literal["parquet", "arrow", "csv"], ...] = ("parquet", "arrow", "csv")
Files = dict[str, bytes]
OPEN = {
    ("votes.json", "stage"),
    ("votes.json", "conditions"),
    ("reviews.json", ""),
    ("reviews.json", "[].stage"),
    ("reviews.json", "[].conditions"),
    ("certificates.json", ""),
}
"""What no entry of the log speaks of: that there is nothing, and a stage that follows from the votes."""


async def taken(machine: Machine) -> tuple[Files, str]:
    """The bundle of a released asset, and the log's key."""
    ready = await machine.ready(disclosure="full")
    run_id = await ready.request()
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["state"] == "released", run
    key = await machine.send("auditor", calls.get_log_key())
    return await complete(machine, run_id, key), key


async def complete(machine: Machine, run_id: str, key: str) -> Files:
    """The bundle once the log has taken in all that happened: delivery is eventual."""
    seen = ""
    try:
        async with asyncio.timeout(60):
            while True:
                try:
                    content = await machine.send("auditor", calls.get_evidence(run_id))
                except Refused as refused:
                    assert refused.status in {404, 409, 503}, refused
                else:
                    files = unpack(content, NAMES)
                    report = Bundle(files, key).check()
                    seen = "\n".join(f"{one.verdict} {one.item}: {one.said}" for one in report.lines())
                    told = "delivered" in json.loads(files["record.json"])
                    if told and report.holds and {pattern(place) for place in report.unproven} <= OPEN:
                        return files
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(seen) from None


async def provenance_is_proved(machine: Machine, asset: str) -> None:
    """Under which charter, votes and budget it was made is one question; every part of the answer is in the log."""
    found = await machine.send("auditor", calls.get_provenance(asset))
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
    assert files.keys() == NAMES
    for name in sorted(files):
        middle = len(files[name]) // 2
        lied = files | {name: files[name][:middle] + bytes([files[name][middle] ^ 1]) + files[name][middle + 1 :]}
        assert not Bundle(lied, key).check().holds, name
        gone = {other: content for other, content in files.items() if other != name}
        assert not Bundle(gone, key).check().holds, name
    assert not Bundle(files | {"more.json": b"{}"}, key).check().holds
    other = key.split("+")[0] + "+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    report = Bundle(files, other).check()
    assert not report.holds
    assert not {one.item for one in report.notes if one.verdict == "proven"}
    (tmp_path / "no.zip").write_bytes(b"nothing")
    with pytest.raises(NotProven):
        Bundle.open(tmp_path / "no.zip", key)
    its_parts_say_the_same(files, key)
    others_read_it(files, key, tmp_path)
    await provenance_is_proved(machine, json.loads(files["record.json"])["asset"])
    await a_holder_knows_their_table(machine, files, key, tmp_path)
    after = await it_outlives_the_table(machine, files, key)
    assert swallowed(after, key) == [], "a value was changed by whoever holds the key, and is still said to be proven"
    as_recorded(after, key)
    await nobody_is_named(machine)


async def a_holder_knows_their_table(machine: Machine, files: Files, key: str, folder: Path) -> None:
    """Whoever holds a table in any form finds its digest in the evidence; with a byte changed it is no such table."""
    asset = json.loads(files["record.json"])["asset"]
    for form in FORMS:
        table = folder / f"table.{form}"
        table.write_bytes(await machine.send("scientist", calls.download(asset, form=form)))
        assert verify_table(table, Bundle(files, key)) == form
        table.write_bytes(table.read_bytes() + b"\0")
        with pytest.raises(NotProven):
            verify_table(table, Bundle(files, key))


async def nobody_is_named(machine: Machine) -> None:
    """Every leaf of the log and every event told, of every story so far, against the whole cast."""
    leaves = [row["leaf"].decode() for row in await machine.sql("lineage", "SELECT leaf FROM leaves")]
    events = [row["event"] for row in await machine.sql("lineage", "SELECT event FROM events WHERE vouched")]
    assert {json.loads(leaf)["service"] for leaf in leaves} >= {"policy", "generation", "evaluation", "lineage"}
    assert [one for one in leaves + events if names_in(one)] == []


def as_recorded(files: Files, key: str) -> None:
    """The attacks meet a bundle that was recorded: it has the members, and proves the places, that this one does."""
    if os.environ.get("MONEYER_RECORD_EVIDENCE"):
        RECORDED.mkdir(exist_ok=True)
        (RECORDED / "evidence.zip").write_bytes(packed(files))
        (RECORDED / "log.key").write_text(key + "\n")
    known, its_key = recorded()
    proven = [{pattern(place) for place in Bundle(*one).check().proven} for one in ((files, key), (known, its_key))]
    assert proven[0] == proven[1], "the recorded bundle is old: record it anew with MONEYER_RECORD_EVIDENCE=1"


async def it_outlives_the_table(machine: Machine, before: Files, key: str) -> Files:
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
    lie = forged(
        after,
        key,
        "certificates.json",
        lambda it: [it[0] | {"envelope": it[0]["envelope"] | {"signatures": []}}, it[1]],
    )
    missed = {one.item for one in Bundle(lie, key).check().contradicted}
    assert "certificates" in missed, "the log stands for another"
    return after


def its_parts_say_the_same(files: Files, key: str) -> None:
    """What a forger who held the signing key would still have to make agree."""
    lies: list[tuple[str, Callable[[Any], Any], str]] = [
        ("charter.json", lambda it: it | {"document": it["document"] | {"title": "another"}}, "charter"),
        ("decision.json", lambda it: it | {"verdict": "deny"}, "decision"),
        ("request.json", lambda it: it | {"plan": it["plan"] | {"rows": 1}}, "request"),
        ("votes.json", lambda it: it | {"state": "rejected"}, "votes"),
        ("release.json", lambda it: it | {"verdict": "rejected"}, "release"),
        ("assays.json", lambda _: [], "assays"),
        ("ledger.json", lambda it: it | {"entries": []}, "ledger"),
    ]
    assert Bundle(listed(files, key), key).check().holds
    for name, change, item in lies:
        missed = {one.item for one in Bundle(forged(files, key, name, change), key).check().contradicted}
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
