"""Verify proofs and whole logs offline, with nothing of moneyer running and nothing but ``cryptography``.

Trusts what an auditor keeps from another day: the log's public key, and for a log that its operator may have
rewritten and signed anew, a checkpoint of that day with the hashes of the entries it stood for (``Kept``).
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
HASH = 32
"""Bytes of a hash in the tree."""


class NotProven(Exception):
    """The proof does not hold; the message says at which step."""


class Diverged(NotProven):
    """The log is not what it was; ``index`` is the first entry that is another, or gone."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"entry {index}: {why}")
        self.index = index


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint states."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Verifier:
    """A log's public key and the name it signs under."""

    name: str
    key_id: str
    key: bytes

    @classmethod
    def of(cls, verifier_key: str) -> "Verifier":
        """A verifier key, ``<name>+<id>+<base64 of 0x01 and the key>`` (C2SP signed-note).

        Raises:
            NotProven: it is damaged, or of another kind.
        """
        parts = verifier_key.strip().split("+", 2)
        if len(parts) != KEY_PARTS or not parts[0] or not parts[0].isprintable() or " " in parts[0]:
            raise NotProven("the verifier key is damaged: it is name+id+key")
        key = _base64(parts[2], "the verifier key is damaged: its last part is no base64")
        named = hashlib.sha256(parts[0].encode() + b"\n" + key).digest()[:4].hex()
        if named != parts[1] or key[:1] != ED25519 or len(key) != KEY_BYTES:
            raise NotProven("the verifier key is damaged")
        return cls(parts[0], parts[1], key[1:])

    def check(self, signature: bytes, signed: bytes, why: str) -> None:
        """That something is signed with this key.

        Raises:
            NotProven: it is not, ``why``.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, signed)
        except InvalidSignature:
            raise NotProven(why) from None


KEY_PARTS, KEY_BYTES = 3, 33
_SIGNATURE = re.compile(r"— ([^ \n+]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


def _base64(text: object, why: str) -> bytes:
    try:
        if isinstance(text, str):
            return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    raise NotProven(why)


def verify_checkpoint(note: str, verifier_key: str) -> TreeHead:
    """The tree head a signed note states (C2SP signed-note and tlog-checkpoint).

    Lines of other signers are let stand. Where one of this key's does not hold, nothing of the note is believed.

    Raises:
        NotProven: it is not signed with this key, or not a checkpoint; says at which step.
    """
    verifier = Verifier.of(verifier_key)
    body, lines = _parted(note)
    verified = False
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise NotProven("a signature line of the note is broken")
        signature = _base64(found[2], "the base64 of a signature line is broken")
        if found[1] == verifier.name and signature[:4].hex() == verifier.key_id:
            verifier.check(signature[4:], body.encode(), "the checkpoint's signature is not by this key")
            verified = True
    if not verified:
        raise NotProven("the checkpoint carries no signature by this key")
    return _tree_head(body, verifier.name)


def _parted(note: object) -> tuple[str, list[str]]:
    """A note's text, with its last newline, and its signature lines."""
    if not isinstance(note, str) or not all(letter == "\n" or letter.isprintable() for letter in note):
        raise NotProven("a note is lines of text that end in a newline alone")
    body, separator, signatures = note.partition("\n\n")
    if not separator:
        raise NotProven("the checkpoint carries no signature")
    return body + "\n", signatures.removesuffix("\n").split("\n")


def _tree_head(body: str, name: str) -> TreeHead:
    lines = body.removesuffix("\n").split("\n")
    if len(lines) < KEY_PARTS or not all(lines):
        raise NotProven("the note is no checkpoint: it states origin, size and root")
    origin, size, root = lines[:3]
    if origin != name:
        raise NotProven("the checkpoint is another log's")
    if _SIZE.fullmatch(size) is None:
        raise NotProven("the checkpoint's size is no number")
    hashed = _base64(root, "the checkpoint's root is no base64")
    if len(hashed) != HASH:
        raise NotProven("the checkpoint's root is no hash")
    return TreeHead(origin, int(size), hashed)


def verify_inclusion(leaf: bytes, index: int, proof: Sequence[bytes], head: TreeHead) -> None:
    """That the leaf stands at ``index`` in the tree (RFC 9162 §2.1.3.2).

    Raises:
        NotProven: it does not follow from the proof.
    """
    if not 0 <= index < head.size:
        raise NotProven(f"leaf {index} lies outside a tree of {head.size}")
    if any(len(sibling) != HASH for sibling in proof):
        raise NotProven("the proof holds what is no hash")
    node, last, value = index, head.size - 1, hashlib.sha256(b"\x00" + leaf).digest()
    for sibling in proof:
        if last == 0:
            raise NotProven("the proof is too long")
        if node & 1 or node == last:
            value = hashlib.sha256(b"\x01" + sibling + value).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\x01" + value + sibling).digest()
        node, last = node >> 1, last >> 1
    if last != 0:
        raise NotProven("the proof is too short")
    if value != head.root:
        raise NotProven("the leaf does not lead to the signed root")


def verify_proof(document: Mapping[str, Any], verifier_key: str) -> TreeHead:
    """Verify a proof as lineage serves it: leaf, index, proof and checkpoint.

    Raises:
        NotProven: any part of it does not hold.
    """
    leaf, index, proof, checkpoint = _proof(document)
    head = verify_checkpoint(checkpoint, verifier_key)
    hashes = [_base64(entry, "the proof holds what is no base64") for entry in proof]
    verify_inclusion(leaf, index, hashes, head)
    return head


def _proof(document: object) -> tuple[bytes, int, Sequence[object], str]:
    """The four parts of a proof."""
    if not isinstance(document, Mapping):
        raise NotProven("it is no proof: that is an object with leaf, index, proof and checkpoint")
    leaf, index, proof, note = (document.get(name) for name in ("leaf", "index", "proof", "checkpoint"))
    if not isinstance(leaf, str) or type(index) is not int or not isinstance(proof, list) or not isinstance(note, str):
        raise NotProven("it is no proof: leaf, index, proof or checkpoint is missing, or of another kind")
    try:
        return leaf.encode(), index, proof, note
    except UnicodeEncodeError:
        raise NotProven("the leaf is no text") from None


def verify_proofs(documents: object, verifier_key: str) -> list[tuple[Mapping[str, Any], TreeHead]]:
    """Verify exported proofs, a list of them or one alone; each with its tree head.

    Raises:
        NotProven: one does not hold, or there is none: nothing was proven then.
    """
    given = [documents] if isinstance(documents, Mapping) else documents
    if not isinstance(given, list) or not given:
        raise NotProven("there is no proof in it; proofs are a list as `moneyer audit export` writes it")
    held: list[tuple[Mapping[str, Any], TreeHead]] = []
    for number, document in enumerate(given):
        try:
            held.append((document, verify_proof(document, verifier_key)))
        except NotProven as error:
            raise NotProven(f"proof {number}: {error}") from error
    if len({document["index"] for document, _ in held}) != len(held):
        raise NotProven("an entry stands in it twice")
    return held


def verify_consistency(first: TreeHead, second: TreeHead, proof: Sequence[bytes]) -> None:
    """That the second tree begins with the first (RFC 9162 §2.1.4.2).

    Raises:
        NotProven: it does not follow from the proof.
    """
    if not 0 < first.size <= second.size:
        raise NotProven(f"a tree of {second.size} does not begin with one of {first.size}")
    if first.size == second.size:
        if proof or first.root != second.root:
            raise NotProven("two trees of one size differ")
        return
    path = [first.root, *proof] if first.size & (first.size - 1) == 0 else list(proof)
    node, last = first.size - 1, second.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if _two_roots(path, node, last) != (first.root, second.root):
        raise NotProven("the later tree does not begin with the earlier one")


def _two_roots(path: Sequence[bytes], node: int, last: int) -> tuple[bytes, bytes]:
    """The roots of the smaller and of the larger tree that a proof leads to."""
    if not path:
        raise NotProven("the proof is empty")
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise NotProven("the proof is too long")
        if node & 1 or node == last:
            old, new = (hashlib.sha256(b"\x01" + sibling + value).digest() for value in (old, new))
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = hashlib.sha256(b"\x01" + new + sibling).digest()
        node, last = node >> 1, last >> 1
    if last != 0:
        raise NotProven("the proof is too short")
    return old, new


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry (RFC 9162 §2.1.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root of the tree over entries of these hashes (RFC 9162 §2.1.1)."""
    stack: list[tuple[int, bytes]] = []
    for value in hashes:
        stack.append((0, value))
        while len(stack) > 1 and stack[-2][0] == stack[-1][0]:
            (level, left), (_, right) = stack[-2:]
            stack[-2:] = [(level + 1, hashlib.sha256(b"\x01" + left + right).digest())]
    if not stack:
        return hashlib.sha256(b"").digest()
    root = stack.pop()[1]
    while stack:
        root = hashlib.sha256(b"\x01" + stack.pop()[1] + root).digest()
    return root


@dataclass(frozen=True)
class Kept:
    """What an auditor takes home: a checkpoint, and the hashes of all entries it stands for, 32 bytes each."""

    checkpoint: str
    hashes: Sequence[bytes]

    def dump(self) -> dict[str, str]:
        return {"checkpoint": self.checkpoint, "hashes": base64.b64encode(b"".join(self.hashes)).decode()}

    @classmethod
    def load(cls, document: object) -> "Kept":
        """What was kept.

        Raises:
            NotProven: it is not what ``dump`` wrote.
        """
        if not isinstance(document, Mapping) or not isinstance(document.get("checkpoint"), str):
            raise NotProven("what was kept is damaged: it is an object with checkpoint and hashes")
        joined = _base64(document.get("hashes"), "what was kept is damaged: its hashes are no base64")
        if len(joined) % HASH:
            raise NotProven("what was kept is damaged: the last of its hashes is cut off")
        return cls(document["checkpoint"], [joined[start : start + HASH] for start in range(0, len(joined), HASH)])


def verify_log(leaves: Sequence[bytes], checkpoint: str, verifier_key: str, kept: Kept | None = None) -> TreeHead:
    """That these entries are all that a checkpoint stands for, and begin with all that was kept.

    Raises:
        Diverged: naming the first entry that is not what it was, is missing, or that was never signed so.
        NotProven: a checkpoint is not signed with this key, or what was kept is damaged.
    """
    hashes = [leaf_hash(leaf) for leaf in leaves]
    begun = 0 if kept is None else _verify_kept(hashes, kept, verifier_key)
    head = verify_checkpoint(checkpoint, verifier_key)
    if len(hashes) < head.size:
        raise Diverged(len(hashes), f"the log ends here, and {head.size} entries were signed")
    if head.size < begun:
        raise Diverged(head.size, f"only {head.size} entries are signed today, and {begun} were kept")
    if root_of(hashes[: head.size]) != head.root:
        raise Diverged(begun, "from here on the entries are not what the checkpoint stands for")
    return head


def _verify_kept(hashes: Sequence[bytes], kept: Kept, verifier_key: str) -> int:
    """How many entries were kept; all of them are still there, unchanged and in order."""
    old = verify_checkpoint(kept.checkpoint, verifier_key)
    if len(kept.hashes) != old.size or root_of(kept.hashes) != old.root:
        raise NotProven("what was kept is damaged: its hashes do not lead to its checkpoint")
    for index, was in enumerate(kept.hashes):
        if index >= len(hashes):
            raise Diverged(index, f"the log ends here, and {old.size} entries were kept")
        if hashes[index] != was:
            raise Diverged(index, "it is not the entry that was kept")
    return old.size


# --- tiles (C2SP tlog-tiles) --------------------------------------------------------------

TILE = 256


def size_of(note: str) -> int:
    """The size a checkpoint states, whoever signed it.

    Raises:
        NotProven: it states none.
    """
    lines = note.split("\n")
    if len(lines) < KEY_PARTS or _SIZE.fullmatch(lines[1]) is None:
        raise NotProven("the checkpoint states no size")
    return int(lines[1])


def tiles(size: int) -> list[str]:
    """The paths of the lowest tiles that hold everything up to a size: ``x001/000``, the last maybe ``003.p/17``."""
    whole, rest = divmod(size, TILE)
    paths = [_number(number) for number in range(whole)]
    return [*paths, f"{_number(whole)}.p/{rest}"] if rest else paths


def _number(number: int) -> str:
    digits = f"{number:03d}".zfill(-(-len(str(number)) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def read_entries(bundles: Sequence[bytes]) -> list[bytes]:
    """The entries of bundles: each stands after its length, two bytes, big end first.

    Raises:
        NotProven: the last of a bundle is cut off.
    """
    entries: list[bytes] = []
    for bundle in bundles:
        start = 0
        while start < len(bundle):
            end = start + 2 + int.from_bytes(bundle[start : start + 2])
            if end > len(bundle) or start + 2 > len(bundle):
                raise NotProven("an entry of a tile is cut off")
            entries.append(bundle[start + 2 : end])
            start = end
    return entries
