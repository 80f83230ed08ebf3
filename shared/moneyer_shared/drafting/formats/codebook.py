"""A codebook in CSV: a row a column, with its meaning, its values and labels, its bounds, the codes of what is missing.

Values are written as in ``1=male; 2=female``, as ``a|b|c``, or as ``0 to 80``.
"""

import csv
import io
import re

from moneyer_shared.drafting.facts import Kind, Said, TableSaid
from moneyer_shared.drafting.given import MOST_COLUMNS, Given, unreadable, words_of

NAME = "codebook"
HEADS: dict[str, tuple[str, ...]] = {
    "name": ("column", "variable", "variable name", "variable_name", "name", "field", "field name"),
    "words": ("description", "label", "variable label", "variable_label", "meaning", "sas label"),
    "values": ("values", "codes", "categories", "value labels", "value_labels", "levels", "code or value"),
    "minimum": ("minimum", "min", "lowest"),
    "maximum": ("maximum", "max", "highest"),
    "missing": ("missing", "missing codes", "missing_codes", "missing values", "missing_values"),
    "kind": ("type", "kind", "data type", "data_type"),
    "nullable": ("nullable", "may be missing"),
}
KINDS: dict[str, Kind] = {
    "integer": "integer", "int": "integer", "number": "number", "numeric": "number", "float": "number",
    "continuous": "number", "decimal": "number", "date": "date", "datetime": "timestamp", "timestamp": "timestamp",
    "time": "time", "text": "text", "string": "text", "character": "text", "id": "text",
}  # fmt: skip
_RANGE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(?:to|\.\.)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_PAIR = re.compile(r"[^=]*[^=<>!\s]\s*=(?!=)")
"""A code and what it means; no comparison."""
_YES, _NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n"}


def fits(given: Given) -> bool:
    if given.suffix not in {".csv", ".tsv"} or len(given.content) > 2**20:
        return False
    try:
        first = given.content.split(b"\n", 1)[0].decode().strip().lower()
    except UnicodeDecodeError:
        return False
    heads = _heads([head.strip().strip('"') for head in re.split(r"[,;\t]", first)])
    return "name" in heads and len(heads) > 1


def read(given: Given) -> list[TableSaid]:
    """Raises Invalid: its rows have no names of columns, or too many of them."""
    first = given.text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(given.text), delimiter=delimiter))
    except csv.Error:
        raise unreadable(given, "it is no CSV.") from None
    heads = _heads([head.strip().lower() for head in rows[0]])
    if len(rows) > 20 * MOST_COLUMNS:
        raise unreadable(given, "a codebook has a row a column.")
    columns: dict[str, Said] = {}
    for row in rows[1:]:
        cells = {what: row[place].strip() for what, place in heads.items() if place < len(row)}
        if name := cells.get("name", ""):
            columns.setdefault(name, _column(name, cells))
    return [TableSaid(given.name, tuple(columns.values()), name="")]


def _heads(header: list[str]) -> dict[str, int]:
    """What each column of the codebook holds, by its place."""
    found = {}
    for what, names in HEADS.items():
        places = [place for place, head in enumerate(header) if head in names]
        if places:
            found[what] = places[0]
    return found


def _column(name: str, cells: dict[str, str]) -> Said:
    stated, missing = cells.get("values", ""), _listed(cells.get("missing", ""))
    span = _RANGE.fullmatch(stated)
    listed = () if span or _is_prose(stated) else tuple(one for one in _listed(stated) if one not in missing)
    low, high = (span[1], span[2]) if span else (cells.get("minimum") or None, cells.get("maximum") or None)
    kind = KINDS.get(cells.get("kind", "").lower())
    answer = cells.get("nullable", "").lower()
    return Said(
        name,
        "categorical" if listed else kind,
        low,
        high,
        listed,
        nullable=True if missing or answer in _YES else False if answer in _NO else None,
        words=words_of(cells.get("words")),
        missing=missing,
    )


def _is_prose(text: str) -> bool:
    """Whether values are told in another way than as a list of codes: a range among them, or apart by commas."""
    parts = [part.split("=", 1)[0].strip() for part in re.split(r"[;|\n]", text)]
    ranges = any(re.fullmatch(r"-?[0-9.]+\s*(to|\.\.|-|\u2013)\s*-?[0-9.]+", part) for part in parts)
    return ranges or (len(parts) == 1 and "=" not in text and "," in text)


def _listed(text: str) -> tuple[str, ...]:
    """The codes of a list, without what they mean; a label such as ``<=50K`` is no code and its meaning."""
    parts = [part.strip() for part in re.split(r"[;|\n]", text)]
    codes = [part.split("=", 1)[0].strip() if _PAIR.match(part) else part for part in parts]
    return tuple(dict.fromkeys(code for code in codes if code))
