"""The evidence of one asset in one file that needs nobody's word to be checked, and its provenance by policy's word."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from moneyer_lineage.dependencies import Dependencies, Signer, Work
from moneyer_lineage.evidence.documents import Bundle, LoggedProvenance
from moneyer_lineage.log.documents import InclusionProof
from moneyer_lineage.log.store import Checkpoint, LogStore
from moneyer_lineage.log.use_cases import newest_checkpoint, prove_against
from moneyer_lineage.public.rules import CardSource, asset_card
from moneyer_lineage.record.rules.changes import standing
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.store.events import EventStore
from moneyer_lineage.record.use_cases.records import record_of
from moneyer_shared.dsse import STATEMENT, dsse
from moneyer_shared.errors import Conflict
from moneyer_shared.provenance import MANIFEST, SALTED, croissant, manifest, prov, statement, subjects_of, written
from moneyer_shared.records import compose_record
from moneyer_shared.work import Workflow

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member: two bundles of the same evidence are the same file but for the time they state."""


async def get_provenance(flow: Workflow[Dependencies], asset: UUID) -> LoggedProvenance:
    """On what an asset was made, by policy's word, and where the log holds what each part of it did.

    Raises:
        NotFound: no permit was given for such an asset.
        Unavailable: policy does not answer.
    """
    found = await flow.dependencies.evidence.provenance(asset)
    subjects = [f"run:{asset}", f"permit:{found.decision.permit}", f"charter:{found.charter.id}"]
    subjects += sorted({f"review:{vote.review_id}" for vote in found.votes})
    async with flow.begin(Work, read_only=True) as work:
        entries = await LogStore(work.connection).places(subjects)
    return LoggedProvenance(**dict(found), log_entries=entries)


async def get_evidence(flow: Workflow[Dependencies], asset: UUID) -> Bundle:
    """A zip of the record, events, proofs, charter, votes, assessments, decision, ledger, assays and provenance.

    The checkpoint is taken first: all that it proves has come about by the time the rest is asked for.

    Raises:
        NotFound: nothing was told of the asset.
        Conflict: its table is not made yet, so there is nothing to give evidence of.
        Unavailable: policy or evaluation does not answer, or nothing was logged yet.
    """
    peers, signer = flow.dependencies.evidence, flow.dependencies.signer
    async with flow.begin(Work, read_only=True) as work:
        if not (await record_of(work, asset)).get("generation"):
            raise Conflict("The asset's table is not made yet.", code="not-made")
        last, note = await newest_checkpoint(LogStore(work.connection))
    dossier, assays = await peers.dossier(asset), await peers.assays(asset)
    async with flow.begin(Work, read_only=True) as work:
        proofs = await _proved(work, last, subjects_of(str(asset), dossier))
        told = await _told(work, asset, str(dossier["permit"]["id"]), proofs)
        card, now = await _card(work, told["record"], dossier), work.now
    shown = _documents(told["record"], dossier, assays) | {
        "card.json": card,
        "events.json": told["events"],
        "proofs.json": [proof.model_dump(mode="json") for proof in proofs],
        "salts.json": await peers.salts(asset, _salted(proofs)),
        "provenance.dsse.json": _signed(signer, STATEMENT, written(statement(told["record"], dossier))),
    }
    items = {name: written(content) for name, content in shown.items()} | {"checkpoint.txt": note.encode()}
    listed = written(manifest(str(asset), now.isoformat(), items))
    return Bundle(asset, _zipped(items | {"manifest.dsse.json": written(_signed(signer, MANIFEST, listed))}))


def _signed(signer: Signer, payload_type: str, payload: bytes) -> Json:
    return dsse(payload_type, payload, key_id=signer.key_id, sign=signer.sign_bytes)


def _documents(told: Json, dossier: Json, assays: Any) -> Json:
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


async def _card(work: Work, record: Json, dossier: Json) -> Json:
    """Empty while nothing was decided on the asset."""
    asset = str(record["asset"])
    changes = (await ChangeStore(work.connection).changes([asset], None)).get(asset)
    if not changes:
        return {}
    return asset_card(CardSource(record, dossier, standing(changes), work.setup.curator), "full")


async def _told(work: Work, asset: UUID, permit: str, proofs: Sequence[InclusionProof]) -> Json:
    """The events, the record that is composed of exactly these, and the entries about it that are proved."""
    events = await EventStore(work.connection).events_of_run(str(asset))
    subjects = {f"run:{asset}", f"asset:{asset}", f"permit:{permit}"}
    entries = [proof.index for proof in proofs if json.loads(proof.leaf)["subject"] in subjects]
    return {"events": events, "record": compose_record(str(asset), events) | {"log_entries": entries}}


async def _proved(work: Work, last: Checkpoint, subjects: Sequence[str]) -> list[InclusionProof]:
    """A proof against one checkpoint of every entry about the subjects that it covers."""
    store = LogStore(work.connection)
    covered = [place for place in await store.places(subjects) if place < last.size]
    return [await prove_against(store, place, last) for place in covered]


def _salted(proofs: Sequence[InclusionProof]) -> list[UUID]:
    """Which entries of policy's hold digests of what the bundle shows."""
    leaves = [json.loads(proof.leaf) for proof in proofs]
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
