"""What may stand in a leaf of the audit log, which nobody can ever take back: ids, digests, numbers, times and words.

People stand in a leaf as salted digests and nowhere else. So that no call site can put one there by mistake, a string
is taken only where it has the form of an id, a digest, a number or a time, or where the caller says that it is a
``Word``: of a vocabulary that the house or a charter wrote, or the public name of a thing.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from moneyer_shared.canonical import canonical

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DIGEST = r"(?:sha256:)?[0-9a-f]{64}"
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2}))?"
_CODE = r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*"
_ABOUT = rf"{_CODE}(?::(?:{_UUID}|{_DIGEST}|[0-9]+))+"
_SAFE = re.compile(rf"{_UUID}|{_DIGEST}|{_NUMBER}|{_TIME}|{_ABOUT}")
_SUBJECT = re.compile(_ABOUT)
_ACTION = re.compile(rf"{_CODE}(?:\.{_CODE})+")
_OUTCOME = re.compile(_CODE)
_KEY = re.compile(r"[a-z][a-z0-9_]*")
SEALED = ("people", "shown", "told")
"""Names that a leaf's details give to digests of people, of documents shown elsewhere, and of events told."""


class Word(str):
    """A word of a written vocabulary, or the public name of a thing; who writes one vouches that it names nobody."""

    __slots__ = ()


class NotSpeakable(ValueError):
    """An audit event holds what may not stand in the log."""


def is_of_ids(subject: str) -> bool:
    """Whether a subject is a kind and ids, as ``charter:<uuid>:2``, so that it names nobody."""
    return _SUBJECT.fullmatch(subject) is not None


def check_speakable(action: str, subject: str, outcome: str, details: Mapping[str, object]) -> None:
    """That an event can stand in the log for ever.

    Raises:
        NotSpeakable: a part of it is neither id, digest, number nor time, and not declared a ``Word``.
    """
    if not _ACTION.fullmatch(action) or not _OUTCOME.fullmatch(outcome):
        raise NotSpeakable("An action is words with dots between, an outcome one word.")
    if not (isinstance(subject, Word) or is_of_ids(subject)):
        raise NotSpeakable(f"The subject of {action} is not a kind and ids; is it a Word, or does it name somebody?")
    for name, value in details.items():
        if name in SEALED or not _is_speakable({name: value}):
            raise NotSpeakable(f"{name!r} of {action} may not stand in the log; give people in people, words as Word.")


def _is_speakable(value: object) -> bool:
    match value:
        case None | bool() | int() | Word():
            return True
        case float():
            return isfinite(value)
        case str():
            return _SAFE.fullmatch(value) is not None
        case Mapping():
            return all(_KEY.fullmatch(str(key)) and _is_speakable(entry) for key, entry in value.items())
        case Sequence():
            return all(map(_is_speakable, value))
        case _:
            return False


def plain(value: object) -> Any:
    """A speakable value of plain JSON types, a ``Word`` as the text it is."""
    match value:
        case str():
            return str(value)
        case Mapping():
            return {str(key): plain(entry) for key, entry in value.items()}
        case Sequence():
            return [plain(entry) for entry in value]
        case _:
            return value


def person(salt: bytes, name: str) -> str:
    """How somebody stands in a leaf of this salt; without it, nobody can tell who it is."""
    return hashlib.sha256(salt + name.encode()).hexdigest()


def document(salt: bytes, shown: object) -> str:
    """How a document stands in a leaf of this salt that evidence shows in clear: it may name people, and be short."""
    return "sha256:" + hashlib.sha256(salt + canonical(shown)).hexdigest()
