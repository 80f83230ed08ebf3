"""JSON Schema of a row, or of a list of rows (draft 4 to 2020-12): properties with types, enums and bounds."""

from typing import Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Said, TableSaid
from moneyer_shared.drafting.given import Given, members_of, objects, text_of, texts_of, words_of

NAME = "JSON Schema"
TYPES: dict[str, Kind] = {"integer": "integer", "number": "number", "string": "text", "boolean": "categorical"}
FORMATS: dict[str, Kind] = {"date": "date", "date-time": "timestamp", "time": "time"}
MOST_REFERENCES = 20


def fits(given: Given) -> bool:
    return bool(_row_of(given.members))


def read(given: Given) -> list[TableSaid]:
    whole = given.members
    row = _row_of(whole)
    required = set(texts_of(row.get("required")))
    columns = tuple(
        _column(name, _followed(schema, whole), required) for name, schema in members_of(row.get("properties")).items()
    )
    name = words_of(row.get("title")) or given.stem
    return [TableSaid(given.name, columns, name=name, words=words_of(row.get("description")))]


def _row_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of one row; nothing where there is none."""
    found = _followed(schema, schema)
    items = _followed(found.get("items"), schema)
    row = items if "properties" in items else found
    return row if isinstance(row.get("properties"), dict) else {}


def _followed(schema: Any, whole: dict[str, Any]) -> dict[str, Any]:
    """A schema, or what it refers to within the document."""
    found = members_of(schema)
    for _ in range(MOST_REFERENCES):
        reference = found.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return found
        target: Any = whole
        for step in reference[2:].split("/"):
            target = members_of(target).get(step.replace("~1", "/").replace("~0", "~"))
        found = members_of(target) | {key: value for key, value in found.items() if key != "$ref"}
    return {}


def _column(name: str, schema: dict[str, Any], required: set[str]) -> Said:
    branches = [*objects(schema.get("anyOf")), *objects(schema.get("oneOf"))]
    types = [*_types(schema), *(kind for branch in branches for kind in _types(branch))]
    null = "null" in types or any(
        value is None for value in schema.get("enum") or [] if isinstance(schema.get("enum"), list)
    )
    alternatives = [branch for branch in branches if _types(branch) != ["null"]]
    # What holds in one of several ways holds in none for sure: their bounds and lists are nobody's.
    stated = schema | (alternatives[0] if len(alternatives) == 1 else {})
    named = next((kind for kind in types if kind != "null"), "")
    kind = FORMATS.get(str(stated.get("format"))) or TYPES.get(named)
    categories = texts_of(stated.get("enum")) or _constants(alternatives)
    if named == "boolean":
        categories = BOOLEANS
    longest = stated.get("maxLength")
    return Said(
        name,
        "categorical" if categories else kind,
        _bound(stated, "inimum", 1),
        _bound(stated, "aximum", -1),
        categories,
        nullable=null or name not in required,
        longest=longest if isinstance(longest, int) else None,
        words=words_of(stated.get("description")) or words_of(stated.get("title")),
    )


def _constants(alternatives: list[dict[str, Any]]) -> tuple[str, ...]:
    """The values of which every alternative states one."""
    stated = [text_of(one.get("const")) for one in alternatives]
    return tuple(text for text in stated if text is not None) if None not in stated else ()


def _types(schema: dict[str, Any]) -> list[str]:
    stated = schema.get("type")
    return [stated] if isinstance(stated, str) else [one for one in stated or [] if isinstance(one, str)]


def _bound(schema: dict[str, Any], ending: str, inwards: int) -> str | None:
    """A bound, which both ends include here: an exclusive one of whole numbers lies one further in."""
    exclusive = schema.get(f"exclusiveM{ending}")
    plain = text_of(schema.get(f"m{ending}"))
    if isinstance(exclusive, int) and not isinstance(exclusive, bool) and "integer" in _types(schema):
        return str(exclusive + inwards)
    return text_of(exclusive) if exclusive is not None and not isinstance(exclusive, bool) else plain
