"""An Open Data Contract Standard document (ODCS 3.0 and 3.1): ``schema`` objects with their properties."""

from collections.abc import Iterator
from typing import Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Said, TableSaid
from moneyer_shared.drafting.given import Given, members_of, objects, text_of, texts_of, words_of

NAME = "ODCS data contract"
TYPES: dict[str, Kind] = {
    "string": "text", "integer": "integer", "number": "number", "boolean": "categorical", "date": "date",
    "timestamp": "timestamp", "time": "time",
}  # fmt: skip


def fits(given: Given) -> bool:
    return given.members.get("kind") == "DataContract" and bool(objects(given.members.get("schema")))


def read(given: Given) -> list[TableSaid]:
    return [_table(given, one) for one in objects(given.members["schema"]) if objects(one.get("properties"))]


def _table(given: Given, stated: dict[str, Any]) -> TableSaid:
    properties = [one for one in objects(stated["properties"]) if text_of(one.get("name"))]
    key = tuple(str(one["name"]) for one in properties if one.get("primaryKey") is True)
    columns = tuple(_column(one, key) for one in properties)
    name = words_of(stated.get("name")) or given.stem
    return TableSaid(given.name, columns, name=name, words=words_of(stated.get("description")), key=key)


def _column(stated: dict[str, Any], key: tuple[str, ...]) -> Said:
    name, options = str(stated["name"]), members_of(stated.get("logicalTypeOptions"))
    categories = next(_listed(stated), ())
    if stated.get("logicalType") == "boolean":
        categories = categories or BOOLEANS
    longest = options.get("maxLength")
    kind = TYPES.get(str(stated.get("logicalType")))
    low, high = _between(stated)
    return Said(
        name,
        "categorical" if categories else kind,
        text_of(options.get("minimum")) or low,
        text_of(options.get("maximum")) or high,
        categories,
        nullable=stated.get("required") is not True and name not in key,
        unique=stated.get("unique") is True or key == (name,),
        longest=longest if isinstance(longest, int) else None,
        words=words_of(stated.get("description")) or words_of(stated.get("businessName")),
        refers_to=next((words_of(one.get("to")) for one in objects(stated.get("relationships"))), None),
    )


def _listed(stated: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Categories: an ``enum`` of the property, or the valid values of a rule that no row may break."""
    enum = stated.get("enum")
    if found := texts_of([one.get("value") for one in objects(enum)] or enum):
        yield found
    for rule in objects(stated.get("quality")):
        if found := texts_of(members_of(rule.get("arguments")).get("validValues") or rule.get("validValues")):
            yield found


def _between(stated: dict[str, Any]) -> tuple[str | None, str | None]:
    for rule in objects(stated.get("quality")):
        arguments = members_of(rule.get("arguments"))
        low, high = text_of(arguments.get("minimum")), text_of(arguments.get("maximum"))
        if low or high:
            return low, high
    return None, None
