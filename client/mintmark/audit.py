"""Verify proofs and whole logs offline, with nothing of mintmark running and nothing but ``cryptography``.

Trusts what an auditor keeps from another day: the log's public key, and for a log that its operator may have
rewritten and signed anew, a checkpoint of that day with the hashes of the entries it stood for (``Kept``).
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"


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


def verify_checkpoint(note: str, verifier_key: str) -> TreeHead:
    """The tree head a signed note states (C2SP signed-note and tlog-checkpoint).

    Raises:
        NotProven: it is not signed with this key, or not a checkpoint.
    """
    name, key_id, encoded = verifier_key.strip().split("+", 2)
    key = base64.b64decode(encoded)
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id or key[:1] != ED25519:
        raise NotProven("the verifier key is damaged")
    body, separator, signatures = note.partition("\n\n")
    for line in signatures.splitlines() if separator else []:
        if line.startswith(f"— {name} "):
            signature = base64.b64decode(line.rsplit(" ", 1)[1])
            if signature[:4].hex() == key_id:
                _check_signature(key[1:], signature[4:], (body + "\n").encode())
                return _tree_head(body, name)
    raise NotProven("the checkpoint carries no signature by this key")


def _check_signature(key: bytes, signature: bytes, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except InvalidSignature:
        raise NotProven("the checkpoint's signature is not by this key") from None


def _tree_head(body: str, name: str) -> TreeHead:
    origin, size, root = body.split("\n")[:3]
    if origin != name:
        raise NotProven("the checkpoint is another log's")
    return TreeHead(origin, int(size), base64.b64decode(root, validate=True))


def verify_inclusion(leaf: bytes, index: int, proof: Sequence[bytes], head: TreeHead) -> None:
    """That the leaf stands at ``index`` in the tree (RFC 9162 §2.1.3.2).

    Raises:
        NotProven: it does not follow from the proof.
    """
    if not 0 <= index < head.size:
        raise NotProven(f"leaf {index} lies outside a tree of {head.size}")
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
    head = verify_checkpoint(document["checkpoint"], verifier_key)
    hashes = [base64.b64decode(entry, validate=True) for entry in document["proof"]]
    verify_inclusion(document["leaf"].encode(), document["index"], hashes, head)
    return head


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
    def load(cls, document: Mapping[str, str]) -> "Kept":
        joined = base64.b64decode(document["hashes"], validate=True)
        return cls(document["checkpoint"], [joined[start : start + 32] for start in range(0, len(joined), 32)])


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
    """The size a checkpoint states, whoever signed it."""
    return int(note.split("\n")[1])


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
    """The entries of bundles: each stands after its length, two bytes, big end first."""
    entries: list[bytes] = []
    for bundle in bundles:
        start = 0
        while start < len(bundle):
            end = start + 2 + int.from_bytes(bundle[start : start + 2])
            entries.append(bundle[start + 2 : end])
            start = end
    return entries
