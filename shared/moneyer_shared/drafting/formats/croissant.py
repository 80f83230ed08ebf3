"""Croissant metadata (JSON-LD, 1.0 and 1.1): record sets with their fields, and enumerations that others refer to."""

from typing import Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Said, TableSaid
from moneyer_shared.drafting.given import Given, members_of, objects, text_of, texts_of, words_of

NAME = "Croissant"
TYPES: dict[str, Kind] = {
    "Text": "text", "Integer": "integer", "Int8": "integer", "Int16": "integer", "Int32": "integer",
    "Int64": "integer", "UInt8": "integer", "UInt16": "integer", "UInt32": "integer", "UInt64": "integer",
    "Float": "number", "Float16": "number", "Float32": "number", "Float64": "number", "Number": "number",
    "Boolean": "categorical", "Date": "date", "DateTime": "timestamp", "Time": "time", "URL": "text",
}  # fmt: skip


def fits(given: Given) -> bool:
    return bool(objects(_member(given.members, "recordSet")))


def read(given: Given) -> list[TableSaid]:
    sets = objects(_member(given.members, "recordSet"))
    enumerations = {_id(one): _values(one) for one in sets}
    tables = [one for one in sets if objects(_member(one, "field")) and not _values(one)]
    return [_table(given, one, enumerations) for one in tables]


def _member(document: dict[str, Any], name: str) -> Any:
    """A member by its short name, or with Croissant's prefix."""
    return document.get(name, document.get(f"cr:{name}"))


def _id(one: dict[str, Any]) -> str:
    return str(one.get("@id") or one.get("name") or "")


def _values(one: dict[str, Any]) -> tuple[str, ...]:
    """What the rows written into an enumeration say in its key, or else in their first member."""
    rows = objects(_member(one, "data"))
    kinds = str(_member(one, "dataType"))
    if not rows or "Enumeration" not in kinds:
        return ()
    key = members_of(_member(one, "key")).get("@id")
    return texts_of([row.get(str(key), next(iter(row.values()), None)) for row in rows])


def _table(given: Given, one: dict[str, Any], enumerations: dict[str, tuple[str, ...]]) -> TableSaid:
    fields = objects(_member(one, "field"))
    columns = tuple(said for field in fields if (said := _column(field, enumerations)) is not None)
    name = words_of(one.get("name")) or _id(one).rpartition("/")[2] or given.stem
    words = words_of(one.get("description")) or words_of(given.members.get("description"))
    return TableSaid(given.name, columns, name=name, words=words)


def _column(stated: dict[str, Any], enumerations: dict[str, tuple[str, ...]]) -> Said | None:
    extract = members_of(members_of(_member(stated, "source")).get("extract"))
    name = text_of(extract.get("column")) or text_of(stated.get("name")) or _id(stated).rpartition("/")[2]
    if not name:
        return None
    kinds = _member(stated, "dataType")
    types = [
        str(kind).rpartition(":")[2].rpartition("/")[2] for kind in (kinds if isinstance(kinds, list) else [kinds])
    ]
    kind: Kind | None = next((TYPES[one] for one in types if one in TYPES), None)
    target = str(members_of(members_of(_member(stated, "references")).get("field")).get("@id") or "")
    categories = enumerations.get(target.rpartition("/")[0], ()) or enumerations.get(target, ())
    if kind == "categorical":
        categories = categories or BOOLEANS
    return Said(
        name, "categorical" if categories else kind, categories=categories, words=words_of(stated.get("description"))
    )
