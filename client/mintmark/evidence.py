"""Check an evidence bundle offline: nothing but the file, the log's key from another day, and ``cryptography``.

Each check says what it looked at. What a bundle cannot prove by itself, such as that a figure of an assay is right, is
shown as what the services told and signed, and no more.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mintmark.audit import NotProven, verify_checkpoint, verify_proof

UNLISTED = {"manifest.dsse.json", "log.key"}
LARGEST = 256 * 2**20
"""A bundle that unpacks to more is none of ours."""


@dataclass(frozen=True)
class Checked:
    """What was looked at in one item, and whether it holds; ``said`` is why not where it does not."""

    item: str
    said: str
    holds: bool = True


class Bundle:
    """An evidence bundle and the key it is held to."""

    def __init__(self, files: Mapping[str, bytes], verifier_key: str) -> None:
        self.files = files
        self.key = verifier_key

    @classmethod
    def open(cls, path: Path, verifier_key: str) -> "Bundle":
        """Read a bundle.

        Raises:
            NotProven: it is no bundle.
        """
        try:
            with zipfile.ZipFile(path) as packed:
                if sum(entry.file_size for entry in packed.infolist()) > LARGEST:
                    raise NotProven("the file unpacks to more than a bundle holds")
                return cls({entry.filename: packed.read(entry) for entry in packed.infolist()}, verifier_key)
        except zipfile.BadZipFile as error:
            raise NotProven("the file is no zip") from error

    def check(self) -> list[Checked]:
        """Every check in order; one that cannot be made does not hold."""
        return [found for check in CHECKS for found in self._made(check)]

    def _made(self, check: Callable[["Bundle"], Iterable[Checked]]) -> list[Checked]:
        try:
            return list(check(self))
        except (NotProven, ValueError, KeyError, TypeError, IndexError) as error:
            what = error.args[0] if isinstance(error, NotProven) else f"{type(error).__name__}: {error}"
            return [Checked(check.__name__.removeprefix("_"), str(what), holds=False)]

    def read(self, name: str) -> Any:
        return json.loads(self.files[name])

    def opened(self, name: str) -> Any:
        """The content of a signed envelope (DSSE 1.0).

        Raises:
            NotProven: it is not signed with the log's key.
        """
        envelope = self.read(name)
        payload, kind = base64.b64decode(envelope["payload"], validate=True), envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.key.strip().split("+", 2)[2])[1:])
        for entry in envelope["signatures"]:
            try:
                key.verify(base64.b64decode(entry["sig"], validate=True), signed)
            except InvalidSignature:
                continue
            return json.loads(payload)
        raise NotProven(f"{name} is not signed with this key")

    def leaves(self, action: str, subject: str) -> list[dict[str, Any]]:
        """Proved log entries of an action on a subject."""
        found = [json.loads(proof["leaf"]) for proof in self.read("proofs.json")]
        return [leaf for leaf in found if (leaf["action"], leaf["subject"]) == (action, subject)]

    def one_of(self, action: str, subject: str) -> dict[str, Any]:
        """The latest of them.

        Raises:
            NotProven: there is none.
        """
        found = self.leaves(action, subject)
        if not found:
            raise NotProven(f"the log proves no {action} of {subject}")
        return found[-1]

    @property
    def asset(self) -> str:
        return str(self.read("record.json")["asset"])


# --- what is checked ----------------------------------------------------------------------


def _manifest(bundle: Bundle) -> Iterable[Checked]:
    listed = {one["path"]: one for one in bundle.opened("manifest.dsse.json")["items"]}
    yield Checked("manifest.dsse.json", f"signed by {bundle.key.split('+')[0]}, lists {len(listed)} items")
    for name in sorted(listed.keys() | bundle.files.keys() - UNLISTED):
        if name not in listed:
            yield Checked(name, "it is not in the signed manifest", holds=False)
        elif name not in bundle.files:
            yield Checked(name, "it is in the signed manifest, but not in the bundle", holds=False)
        elif hashlib.sha256(bundle.files[name]).hexdigest() != listed[name]["sha256"]:
            yield Checked(name, "it is not what the signed manifest lists", holds=False)
        else:
            yield Checked(name, f"as listed: {listed[name]['what']}")


def _proofs(bundle: Bundle) -> Iterable[Checked]:
    head = verify_checkpoint(bundle.files["checkpoint.txt"].decode(), bundle.key)
    yield Checked("checkpoint.txt", f"signed, over {head.size} entries")
    proofs = bundle.read("proofs.json")
    if not proofs:
        yield Checked("proofs.json", "it proves nothing", holds=False)
    for proof in proofs:
        if verify_proof(proof, bundle.key) != head:
            raise NotProven(f"entry {proof['index']} is proved against another checkpoint")
    yield Checked("proofs.json", f"{len(proofs)} entries stand in the log of that checkpoint")


def _charter(bundle: Bundle) -> Iterable[Checked]:
    charter = bundle.read("charter.json")
    _same(digest_of(charter["document"]), charter["digest"], "the charter's text", "its digest")
    logged = bundle.one_of("plan.decide", f"run:{bundle.asset}")["details"]["charter_digest"]
    _same(charter["digest"], logged, "the charter", "the one the logged decision was made under")
    yield Checked("charter.json", "its text has its digest, and the logged decision names it")


def _votes(bundle: Bundle) -> Iterable[Checked]:
    review, charter = bundle.read("votes.json"), bundle.read("charter.json")
    _same(review["state"], "approved", "the charter's review", "approved")
    given = [vote for vote in review["votes"] if vote["digest"] == charter["digest"]]
    logged = bundle.leaves("vote.approve", f"review:{review['id']}")
    approvals = [vote for vote in given if vote["verdict"] == "approve"]
    if not approvals or len(logged) < len(approvals):
        raise NotProven("the log does not prove as many approvals as are shown")
    said = f"{len(approvals)} approvals of exactly this text, each proved by the log"
    yield Checked("votes.json", said)


def _decision(bundle: Bundle) -> Iterable[Checked]:
    decision, plan = bundle.read("decision.json"), bundle.read("request.json")["plan"]
    logged = bundle.one_of("plan.decide", f"run:{bundle.asset}")
    _same(decision["verdict"], logged["outcome"], "the verdict", "the logged one")
    _same(decision["id"], logged["details"]["decision"], "the decision", "the logged one")
    _same(digest_of(plan), logged["details"]["plan_digest"], "the plan", "the one that was decided on")
    yield Checked("decision.json", f"{decision['verdict']}, of exactly this plan, as logged")


def _ledger(bundle: Bundle) -> Iterable[Checked]:
    ledger, charge = bundle.read("ledger.json"), bundle.read("record.json")["charge"]
    logged = bundle.one_of("permit.redeem", f"permit:{charge['permit']}")
    _same(logged["details"]["run"], bundle.asset, "the redeemed permit's run", "this asset's")
    spent = [entry for entry in ledger["entries"] if entry["kind"] == "spend"]
    for entry in spent:
        _same(digest_of(entry["cost"]), entry["mechanism"], "a charge's mechanism", "its digest")
    if not spent:
        raise NotProven("nothing was spent")
    yield Checked("ledger.json", f"{len(spent)} charges, each mechanism has its digest; its redemption is logged")


def _release(bundle: Bundle) -> Iterable[Checked]:
    release = bundle.read("release.json")
    if release is None:
        yield Checked("release.json", "nothing was decided on the asset yet")
        return
    logged = bundle.leaves("asset.decide", f"asset:{bundle.asset}")
    if (release["verdict"], release["assay_id"]) not in {
        (leaf["outcome"], leaf["details"]["assay"]) for leaf in logged
    }:
        raise NotProven("the log proves no such decision on the asset")
    _same(release["charter_digest"], bundle.read("charter.json")["digest"], "the charter of the release", "this one")
    if release["verdict"] == "released" and not all(one["met"] for one in release["criteria"]):
        raise NotProven("it was released, but a criterion was not met")
    yield Checked("release.json", f"{release['verdict']}, citing its assay and charter, as logged")


def _certificates(bundle: Bundle) -> Iterable[Checked]:
    issued = bundle.read("certificates.json")
    logged = {leaf["details"]["certificate"] for leaf in bundle.leaves("certificate.issue", f"asset:{bundle.asset}")}
    for one in issued:
        told = json.loads(base64.b64decode(one["envelope"]["payload"], validate=True))["predicate"]
        _same(told["asset"], bundle.asset, "the asset of a certificate of destruction", "this one")
        if digest_of(one["envelope"]) not in logged:
            raise NotProven("the log proves no such certificate of destruction")
        yield Checked("certificates.json", f"destroyed at {told['sanitization']['performed_at']}: {told['status']}")
    if not issued:
        yield Checked("certificates.json", "it is not destroyed")


def _assays(bundle: Bundle) -> Iterable[Checked]:
    assays, release = bundle.read("assays.json"), bundle.read("release.json")
    known = {one["id"] for one in assays}
    if release is not None and release["assay_id"] not in known:
        raise NotProven("the assay that the release cites is not here")
    yield Checked("assays.json", f"{len(assays)}, the one the release cites among them; figures are as told")


def _provenance(bundle: Bundle) -> Iterable[Checked]:
    told, made = bundle.opened("provenance.dsse.json"), bundle.read("record.json")["generation"]
    subject = told["subject"][0]["digest"]["sha256"]
    _same(f"sha256:{subject}", made["digest"], "the provenance's subject", "the asset's digest in the record")
    named = told["predicate"]["buildDefinition"]["externalParameters"]["plan"]
    _same(digest_of(named), digest_of(bundle.read("request.json")["plan"]), "the provenance's plan", "the request's")
    yield Checked("provenance.dsse.json", "signed SLSA provenance of exactly this asset and plan")


def _same(found: Any, expected: Any, what: str, whose: str) -> None:
    if found != expected:
        raise NotProven(f"{what} is not {whose}")


def digest_of(document: Any) -> str:
    """``sha256:<hex>`` of a document's RFC 8785 form.

    Raises:
        NotProven: it holds a number whose one form is not known here.
    """
    if _holds_float(document):
        raise NotProven("a document with binary fractions has no digest here")
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _holds_float(value: Any) -> bool:
    match value:
        case dict():
            return any(map(_holds_float, value.values()))
        case list():
            return any(map(_holds_float, value))
        case _:
            return isinstance(value, float)


CHECKS: tuple[Callable[[Bundle], Iterable[Checked]], ...] = (
    _manifest, _proofs, _charter, _votes, _decision, _ledger, _release, _certificates, _assays, _provenance,
)  # fmt: skip
