"""Frictionless: a Table Schema, or the resources of a Data Package (Data Package Standard 1 and 2)."""

from typing import Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Said, TableSaid
from moneyer_shared.drafting.given import Given, members_of, objects, text_of, texts_of, words_of

NAME = "Frictionless"
TYPES: dict[str, Kind] = {
    "string": "text", "integer": "integer", "number": "number", "boolean": "categorical", "date": "date",
    "datetime": "timestamp", "time": "time", "year": "integer",
}  # fmt: skip


def fits(given: Given) -> bool:
    return bool(_schemas(given.members))


def read(given: Given) -> list[TableSaid]:
    return [_table(given, resource, schema) for resource, schema in _schemas(given.members)]


def _schemas(document: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(resource, its schema) of every table with fields."""
    resources = objects(document.get("resources")) or [document]
    found = [(one, members_of(one.get("schema")) or one) for one in resources]
    return [(resource, schema) for resource, schema in found if objects(schema.get("fields"))]


def _table(given: Given, resource: dict[str, Any], schema: dict[str, Any]) -> TableSaid:
    keys = [*objects(schema.get("foreignKeys"))]
    refers = {
        name: words_of(members_of(key.get("reference")).get("resource"))
        for key in keys
        for name in _names(key.get("fields"))
    }
    primary = _names(schema.get("primaryKey"))
    missing = _missing(schema.get("missingValues"))
    columns = tuple(
        _column(one, refers, primary, missing) for one in objects(schema["fields"]) if text_of(one.get("name"))
    )
    name = words_of(resource.get("name")) or given.stem
    words = words_of(resource.get("description")) or words_of(resource.get("title"))
    return TableSaid(given.name, columns, name=name, words=words, key=primary)


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else texts_of(value)


def _spelt(stated: dict[str, Any]) -> tuple[str, ...]:
    """How a field says that its truths are written, where each is written in one way."""
    no, yes = texts_of(stated.get("falseValues")), texts_of(stated.get("trueValues"))
    return (*no, *yes) if len(no) == len(yes) == 1 else ()


def _missing(values: Any) -> tuple[str, ...]:
    """What stands for a missing value, also where it is labelled (version 2)."""
    plain = [one.get("value") if isinstance(one, dict) else one for one in values] if isinstance(values, list) else []
    return tuple(one for one in texts_of(plain) if one)


def _column(stated: dict[str, Any], refers: dict[str, str], primary: tuple[str, ...], missing: tuple[str, ...]) -> Said:
    name, constraints = str(stated["name"]), members_of(stated.get("constraints"))
    listed = stated.get("categories")
    labels = [one.get("value") for one in objects(listed)] or listed
    categories = texts_of(constraints.get("enum")) or texts_of(labels)
    if stated.get("type") == "boolean":
        categories = categories or _spelt(stated) or BOOLEANS
    longest = constraints.get("maxLength")
    kind = TYPES.get(str(stated.get("type")))
    return Said(
        name,
        "categorical" if categories else kind,
        text_of(constraints.get("minimum")),
        text_of(constraints.get("maximum")),
        categories,
        nullable=constraints.get("required") is not True and name not in primary,
        unique=constraints.get("unique") is True or primary == (name,),
        longest=longest if isinstance(longest, int) else None,
        words=words_of(stated.get("description")) or words_of(stated.get("title")),
        refers_to=refers.get(name),
        missing=_missing(stated["missingValues"]) if "missingValues" in stated else missing,
    )
