"""The Merkle log: RFC 9162 to the letter, and every lie is caught offline by an independent verifier."""

import base64
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneyer.audit import (
    Diverged,
    Kept,
    NotProven,
    TreeHead,
    root_of,
    verify_checkpoint,
    verify_consistency,
    verify_inclusion,
    verify_log,
    verify_proof,
)
from moneyer_lineage.log.rules.merkle import (
    EMPTY_ROOT,
    Node,
    consistency_spans,
    cover,
    covers,
    grown,
    inclusion_spans,
    leaf_hash,
    span_hash,
)
from moneyer_lineage.log.rules.notes import CheckpointSigner

SEED = base64.b64encode(bytes(range(32))).decode()
SIGNER = CheckpointSigner(SEED, "example.org/log")
# The leaves and roots of the certificate-transparency reference implementation's Merkle tests.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def build(leaves: list[bytes]) -> dict[Node, bytes]:
    hashes: dict[Node, bytes] = {}
    for index, leaf in enumerate(leaves):
        known = {node: hashes[node] for node in cover((0, index))}
        hashes.update(grown(index, leaf, known.__getitem__))
    return hashes


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1 as it is written."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def proof_of(hashes: dict[Node, bytes], index: int, size: int) -> list[bytes]:
    spans = inclusion_spans(index, size)
    return [span_hash(span, {node: hashes[node] for node in covers(spans)}) for span in spans]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_reference_vectors(size: int) -> None:
    hashes = build(CT_LEAVES[:size])
    assert span_hash((0, size), hashes).hex() == CT_ROOTS[size - 1]


def test_an_empty_log_has_the_empty_root() -> None:
    assert span_hash((0, 0), {}) == EMPTY_ROOT == naive_root([])


trees = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


@given(trees, st.data())
def test_proofs_hold_for_every_leaf_at_every_size(leaves: list[bytes], data: st.DataObject) -> None:
    hashes = build(leaves)
    size = data.draw(st.integers(1, len(leaves)))
    index = data.draw(st.integers(0, size - 1))
    root = span_hash((0, size), {node: hashes[node] for node in cover((0, size))})
    assert root == naive_root(leaves[:size])
    verify_inclusion(leaves[index], index, proof_of(hashes, index, size), TreeHead("o", size, root))


@settings(max_examples=200)
@given(trees, st.data())
def test_no_changed_proof_holds(leaves: list[bytes], data: st.DataObject) -> None:
    hashes, size = build(leaves), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    head, proof = TreeHead("o", size, naive_root(leaves)), proof_of(hashes, index, size)
    lie = data.draw(st.sampled_from(["leaf", "index", "longer", "shorter", "hash", "root", "order"]))
    leaf = leaves[index]
    match lie:
        case "leaf":
            leaf += b"!"
        case "index":
            other = data.draw(st.integers(-1, size))
            if other == index or (0 <= other < size and leaves[other] == leaf):
                return
            index = other
        case "longer":
            proof = [*proof, b"\0" * 32]
        case "shorter" if proof:
            proof = proof[:-1]
        case "hash" if proof:
            proof = [*proof[:-1], hashlib.sha256(proof[-1]).digest()]
        case "order" if len(set(proof)) > 1:
            proof = proof[1:] + proof[:1] if proof[1:] + proof[:1] != proof else proof[::-1]
        case "root":
            head = TreeHead("o", size, hashlib.sha256(head.root).digest())
        case _:
            return
    with pytest.raises(NotProven):
        verify_inclusion(leaf, index, proof, head)


def consistency_of(hashes: dict[Node, bytes], first: int, second: int) -> list[bytes]:
    spans = consistency_spans(first, second)
    return [span_hash(span, {node: hashes[node] for node in covers(spans)}) for span in spans]


def heads_of(leaves: list[bytes], *sizes: int) -> list[TreeHead]:
    return [TreeHead("o", size, naive_root(leaves[:size])) for size in sizes]


@given(trees, st.data())
def test_every_tree_is_proved_to_begin_with_every_smaller_one(leaves: list[bytes], data: st.DataObject) -> None:
    second = data.draw(st.integers(1, len(leaves)))
    first = data.draw(st.integers(1, second))
    verify_consistency(*heads_of(leaves, first, second), consistency_of(build(leaves), first, second))


@given(trees, st.data())
def test_no_other_tree_is_proved_consistent(leaves: list[bytes], data: st.DataObject) -> None:
    second = data.draw(st.integers(1, len(leaves)))
    first = data.draw(st.integers(1, second))
    proof = consistency_of(build(leaves), first, second)
    old, new = heads_of(leaves, first, second)
    lie = data.draw(st.sampled_from(["old", "new", "longer", "shorter", "hash", "swapped"]))
    other = hashlib.sha256(b"other").digest()
    match lie:
        case "old":
            old = TreeHead("o", first, other)
        case "new":
            new = TreeHead("o", second, other)
        case "longer":
            proof = [*proof, other]
        case "shorter" if proof:
            proof = proof[:-1]
        case "hash" if proof:
            proof = [*proof[:-1], other]
        case "swapped" if first < second:
            old, new = new, old
        case _:
            return
    with pytest.raises(NotProven):
        verify_consistency(old, new, proof)


def test_consistency_proofs_are_the_reference_implementations() -> None:
    """The certificate-transparency reference's vectors, from size to size."""
    vectors = {
        (1, 1): [],
        (1, 8): [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
        (6, 8): [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
        (2, 5): [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    }
    hashes = build(CT_LEAVES)
    for (first, second), proof in vectors.items():
        assert [entry.hex() for entry in consistency_of(hashes, first, second)] == proof


@given(trees)
def test_the_verifiers_root_is_the_rfcs(leaves: list[bytes]) -> None:
    assert root_of([leaf_hash(leaf) for leaf in leaves]) == naive_root(leaves)


entries = st.lists(st.integers(0, 10**6), min_size=2, max_size=40, unique=True)


@settings(max_examples=300)
@given(entries, st.data())
def test_whatever_is_done_to_what_was_kept_its_first_entry_is_named(numbers: list[int], data: st.DataObject) -> None:
    """Even where the operator signs the new log with its own key."""
    was = [str(number).encode() for number in numbers]
    kept_size = data.draw(st.integers(1, len(was)))
    kept = Kept(SIGNER.sign(kept_size, naive_root(was[:kept_size])), [leaf_hash(leaf) for leaf in was[:kept_size]])
    kept = Kept.load(json.loads(json.dumps(kept.dump())))
    first = data.draw(st.integers(0, kept_size - 1))
    now = list(was)
    match data.draw(st.sampled_from(["edit", "delete", "insert", "truncate", "reorder"])):
        case "edit":
            now[first] = b"edited"
        case "delete":
            del now[first]
        case "insert":
            now.insert(first, b"inserted")
        case "truncate":
            del now[first:]
        case "reorder":
            if first == len(now) - 1:
                return
            now[first], now[first + 1] = now[first + 1], now[first]
    signed = SIGNER.sign(len(now), naive_root(now))
    with pytest.raises(Diverged) as found:
        verify_log(now, signed, SIGNER.verifier_key, kept)
    assert found.value.index == first
    assert verify_log(was, SIGNER.sign(len(was), naive_root(was)), SIGNER.verifier_key, kept).size == len(was)


def test_without_anything_kept_only_the_signature_holds_the_log() -> None:
    was = [b"a", b"b", b"c"]
    signed = SIGNER.sign(3, naive_root(was))
    assert verify_log(was, signed, SIGNER.verifier_key).size == 3
    for now in ([b"a", b"x", b"c"], [b"a", b"b"]):
        with pytest.raises(Diverged):
            verify_log(now, signed, SIGNER.verifier_key)
    with pytest.raises(NotProven, match="key"):
        verify_log(was, signed, other_key())
    with pytest.raises(NotProven, match="damaged"):
        verify_log(was, signed, SIGNER.verifier_key, Kept(signed, [leaf_hash(b"a")] * 3))


def test_a_checkpoint_is_a_signed_note() -> None:
    note = SIGNER.sign(3, b"r" * 32)
    head = verify_checkpoint(note, SIGNER.verifier_key)
    assert (head.origin, head.size, head.root) == ("example.org/log", 3, b"r" * 32)
    assert note.split("\n")[0] == "example.org/log"
    assert note.split("\n")[4].startswith("— example.org/log ")


def other_key() -> str:
    return CheckpointSigner(base64.b64encode(bytes(32)).decode(), "example.org/log").verifier_key


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda note: note.replace("\n3\n", "\n4\n"), SIGNER.verifier_key),
        (lambda note: note.replace("example.org/log\n", "example.net/log\n", 1), SIGNER.verifier_key),
        (lambda note: note.split("\n\n")[0] + "\n\n", SIGNER.verifier_key),
        (lambda note: note, other_key()),
        (lambda note: note, SIGNER.verifier_key.replace("+", "+0", 1)),
    ],
)
def test_a_changed_checkpoint_or_another_key_is_caught(change: object, key: str) -> None:
    with pytest.raises(NotProven):
        verify_checkpoint(change(SIGNER.sign(3, b"r" * 32)), key)


def test_a_whole_proof_document_is_verified() -> None:
    leaves = [json.dumps({"n": n}).encode() for n in range(5)]
    hashes = build(leaves)
    document = {
        "index": 2,
        "leaf": leaves[2].decode(),
        "proof": [base64.b64encode(entry).decode() for entry in proof_of(hashes, 2, 5)],
        "checkpoint": SIGNER.sign(5, naive_root(leaves)),
    }
    assert verify_proof(document, SIGNER.verifier_key).size == 5
    with pytest.raises(NotProven):
        verify_proof(document | {"leaf": '{"n": 3}'}, SIGNER.verifier_key)
