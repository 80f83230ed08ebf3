"""What changed between two versions of a document: as JSON Patch (RFC 6902) and in words."""

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer


def patch_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The JSON Patch that makes ``after`` of ``before``."""
    operations: list[dict[str, Any]] = jsonpatch.make_patch(dict(before), dict(after)).patch
    return operations


def in_words(before: Mapping[str, Any], patch: list[dict[str, Any]]) -> list[str]:
    """One readable line per change, in the patch's order."""
    document: Any = dict(before)
    lines: list[str] = []
    for operation in patch:
        lines.append(_line(document, operation))
        document = jsonpatch.apply_patch(document, [operation])
    return lines


def _line(document: Any, operation: Mapping[str, Any]) -> str:
    place = operation["path"].strip("/").replace("/", " › ")
    match operation["op"]:
        case "add":
            return f"{place}: added {_short(operation['value'])}"
        case "remove":
            return f"{place}: removed {_short(_at(document, operation['path']))}"
        case "replace":
            return f"{place}: {_short(_at(document, operation['path']))} → {_short(operation['value'])}"
        case _:
            origin = operation["from"].strip("/").replace("/", " › ")
            return f"{place}: {operation['op']} from {origin}"


def _at(document: object, path: str) -> object:
    return jsonpointer.resolve_pointer(document, path)


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_short(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return str(value)
