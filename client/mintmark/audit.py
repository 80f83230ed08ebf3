"""Verify an inclusion proof offline, with nothing of mintmark running and nothing but ``cryptography``.

Trusts one thing: the log's public key, which an auditor keeps from another day.
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
