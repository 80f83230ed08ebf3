"""One byte form for a JSON document, so that a digest means the document (RFC 8785)."""

import hashlib
import json
from math import isfinite
from typing import Any

import rfc8785

from mintmark_shared.errors import Invalid


def canonical(document: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises:
        rfc8785.CanonicalizationError: for values JSON cannot carry exactly (NaN, integers past 2**53).
    """
    if _is_plain(document):
        try:
            return _ENCODER.encode(document).encode()
        except UnicodeEncodeError:
            # A lone surrogate: the library says so in its own words.
            return rfc8785.dumps(document)
    return rfc8785.dumps(document)


# Where there are no floats and keys are ASCII the standard encoder writes the very bytes of RFC 8785,
# several times faster; a test compares the two.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_LARGEST_INTEGER = 2**53 - 1


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-_LARGEST_INTEGER <= value <= _LARGEST_INTEGER)
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(entry) for key, entry in value.items())
    return kind is list and all(map(_is_plain, value))


def digest(document: Any) -> str:
    """``sha256:<hex>`` of the canonical form."""
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def check_storable(document: Any) -> None:
    """That a free-form JSON value can be kept and read back equal.

    Raises:
        Invalid: it holds NUL, a lone surrogate, or a number no JSON reader keeps.
    """
    match document:
        case dict():
            for key, value in document.items():
                check_storable(key)
                check_storable(value)
        case list():
            for value in document:
                check_storable(value)
        case str() if "\x00" in document or any("\ud800" <= letter <= "\udfff" for letter in document):
            raise Invalid("Text must not hold NUL or lone surrogates.", code="text-not-storable")
        case float() if not isfinite(document):
            raise Invalid("NaN and infinity are not JSON.", code="number-not-storable")
        case _:
            return
