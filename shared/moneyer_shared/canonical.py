"""One byte form for a JSON document, so that a digest means the document (RFC 8785)."""

import hashlib
import json
from typing import Any

import rfc8785

from moneyer_shared.documents import check_storable, depth_beyond
from moneyer_shared.errors import Invalid

__all__ = ["canonical", "check_storable", "digest"]
DEEPEST_CANONICAL = 200


def canonical(document: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises:
        Invalid: for values JSON cannot carry exactly (NaN, integers past 2**53, lone surrogates), or that no reader
            could follow.
    """
    try:
        if _is_plain(document, DEEPEST_CANONICAL):
            return _ENCODER.encode(document).encode()
        if depth_beyond(document, DEEPEST_CANONICAL):
            raise Invalid("The document is nested too deep to have a canonical form.", code="too-deep")
        return rfc8785.dumps(document)
    except ValueError as error:
        raise Invalid(
            "The document holds a number or text that JSON cannot carry exactly.", code="not-canonical"
        ) from error


# Where there are no floats and keys are ASCII the standard encoder writes the very bytes of RFC 8785,
# several times faster; a test compares the two.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_LARGEST_INTEGER = 2**53 - 1


def _is_plain(value: Any, levels: int) -> bool:
    """Whether the standard encoder may write a value that is nested at most ``levels`` deep."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_LARGEST_INTEGER <= value <= _LARGEST_INTEGER)
    if levels == 0 or (kind is not dict and kind is not list):
        return False
    if kind is dict and not all(type(key) is str and key.isascii() for key in value):
        return False
    parts = value.values() if kind is dict else value
    return all(type(part) is str or _is_plain(part, levels - 1) for part in parts)


def digest(document: object) -> str:
    """``sha256:<hex>`` of the canonical form."""
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()
