"""The evidence of one asset in one file, which needs nobody's word to be checked."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mintmark_lineage.domain.cards import Told, asset_card
from mintmark_lineage.domain.changes import standing
from mintmark_lineage.domain.evidence import (
    MANIFEST,
    croissant,
    manifest,
    prov,
    statement,
    subjects_of,
    written,
)
from mintmark_lineage.store.events import EventStore
from mintmark_lineage.store.impact import ImpactStore
from mintmark_lineage.store.log import LogStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_lineage.use_cases.log import newest_checkpoint, prove_at
from mintmark_lineage.use_cases.records import record
from mintmark_shared.dsse import STATEMENT, dsse
from mintmark_shared.errors import Conflict

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member: two bundles of the same evidence are the same file but for the time they state."""


async def bundle(archive: Archive, asset: UUID) -> bytes:
    """A zip of the record, events, proofs, charter, votes, assessments, decision, ledger, assays and provenance.

    Raises:
        NotFound: nothing was told of the asset.
        Conflict: its table is not made yet, so there is nothing to give evidence of.
        Unavailable: policy or evaluation does not answer, or nothing was logged yet.
    """
    told = await record(archive, asset)
    if not told.get("generation"):
        raise Conflict("The asset's table is not made yet.", code="not-made")
    dossier = await archive.tellers.dossier(asset)
    assays = await archive.tellers.assays(asset)
    note, proofs = await _proved(archive, subjects_of(told, dossier))
    items = _documents(told, dossier, assays)
    items["card.json"] = (written(await _card(archive, told, dossier)), "its card in full, whatever is published of it")
    items["events.json"] = (written(await _events(archive, asset)), "every event of the run and of runs under it")
    items["proofs.json"] = (written(proofs), "log entries, each with its inclusion proof")
    items["checkpoint.txt"] = (note.encode(), "the log's checkpoint that the proofs lead to, with its cosignatures")
    made = written(statement(told, dossier))
    items["provenance.dsse.json"] = (written(_signed(archive, STATEMENT, made)), "SLSA provenance, in-toto, signed")
    listed = written(manifest(str(asset), archive.clock().isoformat(), items))
    return _zipped({name: content for name, (content, _) in items.items()} | {
        "manifest.dsse.json": written(_signed(archive, MANIFEST, listed)),
        "log.key": archive.signer.verifier_key.encode() + b"\n",
    })  # fmt: skip


def _signed(archive: Archive, payload_type: str, payload: bytes) -> dict[str, Any]:
    return dsse(payload_type, payload, key_id=archive.signer.key_id, sign=archive.signer.sign_bytes)


def _documents(told: Mapping[str, Any], dossier: Mapping[str, Any], assays: Any) -> dict[str, tuple[bytes, str]]:
    parts = {
        "record.json": (told, "how the asset came about, as the services told it"),
        "charter.json": (dossier["charter"], "the charter version it was made under"),
        "votes.json": (dossier["charter_review"], "who approved that version, and what they voted on"),
        "assessments.json": (dossier["assessments"], "privacy impact assessments of that version"),
        "request.json": (dossier["request"], "the plan, and what the engine offered for it"),
        "decision.json": (dossier["decision"], "the gate's answer to the plan"),
        "ledger.json": (dossier["ledger"], "what it cost, in every account"),
        "release.json": (dossier["release"], "the decision that let it out, or kept it in"),
        "reviews.json": (dossier["reviews"], "votes on the asset itself"),
        "certificates.json": (dossier["certificates"], "of its destruction, signed by policy; none while it lives"),
        "assays.json": (assays, "how it was judged, at its release and after"),
        "prov.json": (prov(told, dossier), "the same as W3C PROV-JSON"),
        "croissant.json": (croissant(told, dossier), "the same as MLCommons Croissant with RAI"),
    }
    return {name: (written(content), what) for name, (content, what) in parts.items()}


async def _card(archive: Archive, told: Mapping[str, Any], dossier: Mapping[str, Any]) -> dict[str, Any]:
    """Empty while nothing was decided on the asset."""
    asset = str(told["asset"])
    async with archive.database.transaction() as connection:
        changes = (await ImpactStore(connection).changes([asset], None)).get(asset)
    return asset_card(Told(told, dossier, standing(changes), archive.curator), "full") if changes else {}


async def _events(archive: Archive, asset: UUID) -> list[Any]:
    async with archive.database.transaction() as connection:
        return list(await EventStore(connection).events_of_run(str(asset)))


async def _proved(archive: Archive, subjects: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
    """The newest checkpoint, and a proof against that very one of every entry about the subjects that it covers."""
    async with archive.database.transaction() as connection:
        store = LogStore(connection)
        last, note = await newest_checkpoint(store)
        covered = [place for place in await store.places(subjects) if place < last.size]
        return note, [await prove_at(store, place, last) for place in covered]


def _zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return packed.getvalue()
