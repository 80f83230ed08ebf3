"""A pandera schema as pandera writes it (``to_yaml``, ``to_json``): columns with dtypes and checks."""

from typing import Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Said, TableSaid
from moneyer_shared.drafting.given import Given, members_of, objects, text_of, texts_of, words_of

NAME = "pandera"
MIDNIGHT = " 00:00:00"


def fits(given: Given) -> bool:
    return "schema_type" in given.members and isinstance(given.members.get("columns"), dict)


def read(given: Given) -> list[TableSaid]:
    whole = given.members
    columns = tuple(_column(name, members_of(stated)) for name, stated in whole["columns"].items())
    name = words_of(whole.get("name")) or given.stem
    return [TableSaid(given.name, columns, name=name, words=words_of(whole.get("description")))]


def _kind(dtype: str) -> Kind | None:
    plain = dtype.lower()
    for beginning, kind in KINDS.items():
        if plain.startswith(beginning):
            return kind
    return None


KINDS: dict[str, Kind] = {
    "int": "integer", "uint": "integer", "float": "number", "bool": "categorical", "str": "text", "object": "text",
    "datetime": "timestamp", "date": "date", "timestamp": "timestamp", "decimal": "number", "category": "text",
}  # fmt: skip


def _checks(stated: dict[str, Any]) -> dict[str, Any]:
    """Every check by its name, in any of the ways in which versions of pandera write them."""
    listed = stated.get("checks")
    found = dict(members_of(listed))
    for one in objects(listed):
        name = members_of(one.get("options")).get("check_name")
        found |= {str(name): {key: value for key, value in one.items() if key != "options"}} if name else one
    return stated | found


def _value(check: Any) -> Any:
    return check.get("value") if isinstance(check, dict) else check


def _column(name: str, stated: dict[str, Any]) -> Said:
    checks, dtype = _checks(stated), str(stated.get("dtype"))
    kind, within = _kind(dtype), members_of(checks.get("in_range"))
    isin = checks.get("isin")
    categories = texts_of(isin.get("allowed_values", isin.get("value")) if isinstance(isin, dict) else isin)
    if kind == "categorical":
        categories = categories or BOOLEANS
    low = within.get("min_value", _value(checks.get("greater_than_or_equal_to")))
    high = within.get("max_value", _value(checks.get("less_than_or_equal_to")))
    return Said(
        name,
        "categorical" if categories else kind,
        _bound(low, kind),
        _bound(high, kind),
        categories,
        nullable=stated.get("nullable") is True,
        unique=stated.get("unique") is True,
        words=words_of(stated.get("description")) or words_of(stated.get("title")),
    )


def _bound(value: Any, kind: Kind | None) -> str | None:
    text = text_of(value)
    if text is not None and kind == "date":
        return text.removesuffix(MIDNIGHT)
    return text
