"""What holds a bundle together: its signed manifest, its checkpoint and proofs."""

import hashlib

from moneyer.audit import NotProven, Verifier
from moneyer.evidence.bundle import NAMES, Bundle
from moneyer.evidence.documents import read_strictly
from moneyer_shared.provenance import MANIFEST, MEMBERS, UNLISTED

SIGNED = "manifest.dsse.json"


def manifest(bundle: Bundle) -> None:
    """The bundle holds what its signed manifest lists, and nothing else."""
    told = read_strictly(SIGNED, bundle.opened(SIGNED, MANIFEST))
    if told.keys() != {"asset", "made_at", "items"} or told["asset"] != bundle.asset:
        raise NotProven("it is the manifest of another asset")
    listed = {one["path"]: one for one in told["items"]}
    if len(listed) != len(told["items"]) or listed.keys() != MEMBERS.keys():
        raise NotProven("it lists other items than a bundle has")
    for name in sorted(listed.keys() | bundle.files.keys() - UNLISTED):
        if name not in bundle.files or name not in NAMES:
            raise NotProven(f"{name!a} is in the manifest or in the bundle, but not in both")
        expected = {"path": name, "sha256": hashlib.sha256(bundle.files[name]).hexdigest(), "what": MEMBERS[name]}
        if listed[name] != expected:
            bundle.contradict(name, "it is not what the signed manifest lists")
    bundle.prove((SIGNED,))
    bundle.note(SIGNED, f"signed by {Verifier.of(bundle.key).name}, lists all {len(listed)} items", proven=True)
    bundle.note(SIGNED, f"that it was made at {told['made_at']}: by the signer's word", proven=False)


def key_inside(bundle: Bundle) -> None:
    """A key from inside a bundle would prove nothing."""
    if any(name not in NAMES for name in bundle.files):
        raise NotProven("it holds what no bundle holds; a key from inside is never trusted")


def proofs(bundle: Bundle) -> None:
    """Every entry stands in the log of one checkpoint, signed with the key that the verifier holds."""
    found = bundle.entries
    bundle.prove(("proofs.json",))
    lines = bundle.files["checkpoint.txt"].decode().partition("\n\n")[2].splitlines()
    bundle.note("checkpoint.txt", f"signed; {len(found)} entries stand in its log", proven=True)
    if len(lines) > 1:
        bundle.note(
            "checkpoint.txt", f"{len(lines) - 1} lines of others: theirs to verify, by their keys", proven=False
        )
    bundle.note("proofs.json", "that the log holds no other entries of it: `moneyer audit check` reads all of it",
                proven=False)  # fmt: skip


def salts(bundle: Bundle) -> None:
    """A salt opens something that is proven, or is of no use; an entry without its salt proves less, never more."""
    known = {entry.id for entry in bundle.entries}
    strangers = bundle.read("salts.json").keys() - known
    if strangers:
        raise NotProven("it has a salt of an entry that is not proven")
