"""Log entries that a bundle proves, and envelopes signed with the log's key."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moneyer.audit import NotProven, Verifier, verify_checkpoint, verify_proof
from moneyer.evidence.documents import read_line
from moneyer_shared.canonical import canonical

LEAF = frozenset({"id", "at", "service", "actor", "action", "subject", "outcome", "details"})


@dataclass(frozen=True)
class Entry:
    """A log entry that is proven to stand at ``index``."""

    index: int
    id: str
    at: datetime
    service: str
    actor: str
    action: str
    subject: str
    outcome: str
    details: dict[str, Any]


def entries_of(checkpoint: bytes, proofs: Any, key: str) -> Sequence[Entry]:
    """The entries of proofs that all lead to one checkpoint.

    Raises:
        NotProven: one does not, stands twice or out of order, or there is none.
    """
    note = checkpoint.decode()
    head = verify_checkpoint(note, key)
    if not isinstance(proofs, list) or not proofs:
        raise NotProven("it proves nothing")
    found: list[Entry] = []
    for proof in proofs:
        if verify_proof(proof, key) != head or not note.startswith(proof["checkpoint"]):
            raise NotProven(f"entry {proof['index']} is proved against another checkpoint")
        if proof.keys() != {"index", "leaf", "proof", "checkpoint"}:
            raise NotProven("a proof holds more than a proof")
        if found and proof["index"] <= found[-1].index:
            raise NotProven("entries stand twice, or out of their order")
        found.append(_entry(proof["index"], proof["leaf"]))
    return found


def _entry(index: int, leaf: str) -> Entry:
    told = read_line(leaf)
    if not isinstance(told, dict) or told.keys() != LEAF or canonical(told) != leaf.encode():
        raise NotProven(f"entry {index} is no audit event as the log keeps them")
    if not isinstance(told["details"], dict) or not all(isinstance(told[name], str) for name in LEAF - {"details"}):
        raise NotProven(f"entry {index} is no audit event as the log keeps them")
    return Entry(index, **{name: told[name] for name in LEAF - {"at"}}, at=moment(told["at"]))


def entry_of(proof: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an entry says that was proven to stand in the log.

    Raises:
        NotProven: it is no audit event.
    """
    told = read_line(proof["leaf"])
    if not isinstance(told, dict) or not {"action", "outcome", "at"} <= told.keys():
        raise NotProven("an entry is no audit event as the log keeps them")
    return told


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def envelope_content(name: str, envelope: Any, kind: str, key: str) -> bytes:
    """What a DSSE 1.0 envelope holds.

    Raises:
        NotProven: it is not signed with this key alone, or is of another kind.
    """
    verifier = Verifier.of(key)
    if not isinstance(envelope, dict) or envelope.keys() != {"payload", "payloadType", "signatures"}:
        raise NotProven(f"{name} is no signed envelope")
    (signature,) = envelope["signatures"]
    if envelope["payloadType"] != kind or signature.keys() != {"keyid", "sig"} or signature["keyid"] != verifier.key_id:
        raise NotProven(f"{name} is not signed with this key")
    payload = strict_base64(envelope["payload"])
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    verifier.check(strict_base64(signature["sig"]), signed, f"{name} is not signed with this key")
    return payload


def strict_base64(text: object) -> bytes:
    """What base64 stands for; one that another text would stand for too is refused.

    Raises:
        NotProven: it is none.
    """
    if not isinstance(text, str) or re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text) is None:
        raise NotProven("it is no base64")
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NotProven("it is no base64") from error
    if base64.b64encode(content).decode() != text:
        raise NotProven("it is base64 in another form than it is written in")
    return content
