"""The Merkle tree of RFC 9162 §2.1 over complete subtrees, checkpoints as C2SP signed notes, and records.

A complete subtree never changes once its leaves are there, so its hash is kept; whatever else a proof
needs is combined from a handful of them.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()


@dataclass(frozen=True, order=True)
class Node:
    """The complete subtree over leaves [index * 2**level, (index + 1) * 2**level)."""

    level: int
    index: int


Hashes = Mapping[Node, bytes]
Span = tuple[int, int]


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def grown(index: int, leaf: bytes, known: Callable[[Node], bytes]) -> list[tuple[Node, bytes]]:
    """The complete subtrees that leaf ``index`` finishes, from itself upward.

    ``known`` gives the hash of a complete subtree made earlier.
    """
    made = [(Node(0, index), leaf_hash(leaf))]
    while made[-1][0].index % 2 == 1:
        node, value = made[-1]
        left = known(Node(node.level, node.index - 1))
        made.append((Node(node.level + 1, node.index // 2), node_hash(left, value)))
    return made


def _split(span: Span) -> int:
    """The largest power of two below the span's width, counted from its start."""
    width = span[1] - span[0]
    return span[0] + (1 << ((width - 1).bit_length() - 1))


def cover(span: Span) -> list[Node]:
    """The complete subtrees that make up a span which starts where a subtree of its size would."""
    start, end = span
    width = end - start
    if width == 0:
        return []
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return [Node(level, start >> level)]
    middle = _split(span)
    return [*cover((start, middle)), *cover((middle, end))]


def span_hash(span: Span, hashes: Hashes) -> bytes:
    """The tree hash of a span, from the complete subtrees of its cover."""
    nodes = cover(span)
    if not nodes:
        return EMPTY_ROOT
    # Covers run from large to small, so the tree hash folds from the right.
    value = hashes[nodes[-1]]
    for node in reversed(nodes[:-1]):
        value = node_hash(hashes[node], value)
    return value


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The spans whose hashes prove leaf ``index`` in a tree of ``size``, leaf end first (RFC 9162 §2.1.3.1)."""
    spans, span = list[Span](), (0, size)
    while span[1] - span[0] > 1:
        middle = _split(span)
        if index < middle:
            spans.append((middle, span[1]))
            span = (span[0], middle)
        else:
            spans.append((span[0], middle))
            span = (middle, span[1])
    return spans[::-1]


def covers(spans: Iterable[Span]) -> list[Node]:
    return [node for span in spans for node in cover(span)]


class CheckpointSigner:
    """Signs tree heads as signed notes (C2SP tlog-checkpoint and signed-note, Ed25519)."""

    def __init__(self, seed: str, origin: str) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed, validate=True))
        self._public = self._key.public_key().public_bytes_raw()
        name = origin.encode() + b"\n"
        self._key_id = hashlib.sha256(name + ED25519 + self._public).digest()[:4]

    @property
    def verifier_key(self) -> str:
        """The public key as a note verifier: name, key hash, algorithm and key."""
        encoded = base64.b64encode(ED25519 + self._public).decode()
        return f"{self.origin}+{self._key_id.hex()}+{encoded}"

    def sign(self, size: int, root: bytes) -> str:
        body = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._key_id + self._key.sign(body.encode())).decode()
        return f"{body}\n— {self.origin} {signature}\n"


FACETS = {
    "mintmark_plan": "plan",
    "mintmark_policyDecision": "decision",
    "mintmark_charge": "charge",
    "mintmark_generation": "generation",
    "mintmark_evaluation": "assay",
    "mintmark_release": "release",
    "mintmark_failure": "failure",
}
PLUMBING = {"_producer", "_schemaURL"}


def compose_record(asset: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is known of an asset, from its run's events and those of runs under it, oldest first."""
    record: dict[str, Any] = {"asset": asset, "sources": [], "history": []}
    for event in events:
        run = event["run"]
        for name, part in FACETS.items():
            facet = run.get("facets", {}).get(name)
            if facet is not None:
                record[part] = {key: value for key, value in facet.items() if key not in PLUMBING}
        for dataset in event.get("inputs") or []:
            if dataset["namespace"] == "mintmark.source" and dataset["name"] not in record["sources"]:
                record["sources"].append(dataset["name"])
        record["history"].append(
            {
                "at": event["eventTime"],
                "type": event.get("eventType"),
                "run": run["runId"],
                "job": f"{event['job']['namespace']}/{event['job']['name']}",
            }
        )
    return record
