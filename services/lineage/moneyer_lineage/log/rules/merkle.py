"""The Merkle tree of RFC 9162 §2.1 over complete subtrees, and what of it proves what.

A complete subtree never changes once its leaves are there, so its hash is kept; whatever else a proof
needs is combined from a handful of them.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

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


def consistency_spans(first: int, second: int) -> list[Span]:
    """The spans whose hashes prove that the tree of ``second`` begins with that of ``first`` (RFC 9162 §2.1.4.1)."""
    return _subproof(first, (0, second), whole=True)


def _subproof(size: int, span: Span, *, whole: bool) -> list[Span]:
    start, end = span
    if size == end - start:
        return [] if whole else [span]
    middle = _split(span)
    if size <= middle - start:
        return [*_subproof(size, (start, middle), whole=whole), (middle, end)]
    return [*_subproof(size - (middle - start), (middle, end), whole=False), (start, middle)]


def covers(spans: Iterable[Span]) -> list[Node]:
    return [node for span in spans for node in cover(span)]
