"""Signed envelopes (DSSE 1.0) around what a service states."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

STATEMENT = "application/vnd.in-toto+json"


def dsse(payload_type: str, payload: bytes, *, key_id: str, sign: Callable[[bytes], bytes]) -> dict[str, Any]:
    """An envelope whose signature is over the pre-authentication encoding of type and payload."""
    signature = sign(pre_authentication(payload_type, payload))
    return {
        "payloadType": payload_type,
        "payload": b64encode(payload).decode(),
        "signatures": [{"keyid": key_id, "sig": b64encode(signature).decode()}],
    }


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
