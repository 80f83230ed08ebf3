"""The evidence of one asset in one file, which needs nobody's word to be checked."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from moneyer_lineage.domain.cards import Told, asset_card
from moneyer_lineage.domain.changes import standing
from moneyer_lineage.store.events import EventStore
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.store.log import LogStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.log import newest_checkpoint, prove_at
from moneyer_lineage.use_cases.records import record
from moneyer_shared.dsse import STATEMENT, dsse
from moneyer_shared.errors import Conflict
from moneyer_shared.provenance import MANIFEST, SALTED, croissant, manifest, prov, statement, subjects_of, written
from moneyer_shared.records import compose_record

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member: two bundles of the same evidence are the same file but for the time they state."""


async def bundle(archive: Archive, asset: UUID) -> bytes:
    """A zip of the record, events, proofs, charter, votes, assessments, decision, ledger, assays and provenance.

    The checkpoint is taken first: all that it proves has come about by the time the rest is asked for.

    Raises:
        NotFound: nothing was told of the asset.
        Conflict: its table is not made yet, so there is nothing to give evidence of.
        Unavailable: policy or evaluation does not answer, or nothing was logged yet.
    """
    if not (await record(archive, asset)).get("generation"):
        raise Conflict("The asset's table is not made yet.", code="not-made")
    async with archive.database.transaction() as connection:
        last, note = await newest_checkpoint(LogStore(connection))
    dossier, assays = await archive.tellers.dossier(asset), await archive.tellers.assays(asset)
    proofs = await _proved(archive, last, subjects_of(str(asset), dossier))
    told = await _told(archive, asset, str(dossier["permit"]["id"]), proofs)
    shown = _documents(told["record"], dossier, assays) | {
        "card.json": await _card(archive, told["record"], dossier),
        "events.json": told["events"],
        "proofs.json": proofs,
        "salts.json": await archive.tellers.salts(asset, _salted(proofs)),
        "provenance.dsse.json": _signed(archive, STATEMENT, written(statement(told["record"], dossier))),
    }
    items = {name: written(content) for name, content in shown.items()} | {"checkpoint.txt": note.encode()}
    listed = written(manifest(str(asset), archive.clock().isoformat(), items))
    return _zipped(items | {"manifest.dsse.json": written(_signed(archive, MANIFEST, listed))})


def _signed(archive: Archive, payload_type: str, payload: bytes) -> dict[str, Any]:
    return dsse(payload_type, payload, key_id=archive.signer.key_id, sign=archive.signer.sign_bytes)


def _documents(told: Mapping[str, Any], dossier: Mapping[str, Any], assays: Any) -> dict[str, Any]:
    return {
        "record.json": told,
        "charter.json": dossier["charter"],
        "votes.json": dossier["charter_review"],
        # What each is worth now is read off all of them; a word on it would be nobody's.
        "assessments.json": [
            {name: said for name, said in one.items() if name != "standing"} for one in dossier["assessments"]
        ],
        "request.json": dossier["request"],
        "decision.json": dossier["decision"],
        "ledger.json": dossier["ledger"],
        "release.json": dossier["release"],
        "reviews.json": dossier["reviews"],
        "certificates.json": dossier["certificates"],
        "assays.json": assays,
        "prov.json": prov(told, dossier),
        "croissant.json": croissant(told, dossier),
    }


async def _card(archive: Archive, told: Mapping[str, Any], dossier: Mapping[str, Any]) -> dict[str, Any]:
    """Empty while nothing was decided on the asset."""
    asset = str(told["asset"])
    async with archive.database.transaction() as connection:
        changes = (await ImpactStore(connection).changes([asset], None)).get(asset)
    return asset_card(Told(told, dossier, standing(changes), archive.curator), "full") if changes else {}


async def _told(archive: Archive, asset: UUID, permit: str, proofs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The events, the record that is composed of exactly these, and the entries about it that are proved."""
    async with archive.database.transaction() as connection:
        events = list(await EventStore(connection).events_of_run(str(asset)))
    subjects = {f"run:{asset}", f"asset:{asset}", f"permit:{permit}"}
    entries = [proof["index"] for proof in proofs if json.loads(proof["leaf"])["subject"] in subjects]
    return {"events": events, "record": compose_record(str(asset), events) | {"log_entries": entries}}


async def _proved(archive: Archive, last: Any, subjects: Sequence[str]) -> list[dict[str, Any]]:
    """A proof against one checkpoint of every entry about the subjects that it covers."""
    async with archive.database.transaction() as connection:
        store = LogStore(connection)
        covered = [place for place in await store.places(subjects) if place < last.size]
        return [await prove_at(store, place, last) for place in covered]


def _salted(proofs: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Which entries of policy's hold digests of what the bundle shows."""
    leaves = [json.loads(proof["leaf"]) for proof in proofs]
    return [
        UUID(leaf["id"])
        for leaf in leaves
        if leaf["service"] == "policy" and SALTED & leaf["details"].get("shown", {}).keys()
    ]


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()
