"""SQL DDL: CREATE TABLE with types, CHECKs, keys and comments; enum types of Postgres and MySQL.

Parsed by sqlglot, in the first of some dialects that takes it. What is no definition of a table is left aside.
"""

import logging
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Relation, Said, TableSaid
from moneyer_shared.drafting.given import Given, unreadable, words_of
from moneyer_shared.numbers import is_number

NAME = "SQL DDL"
DIALECTS = ("postgres", "mysql", "tsql", "snowflake", "bigquery", "duckdb", "sqlite")
LARGEST = 128 * 1024
DEEPEST = 200
"""Brackets within brackets: a parser that calls itself would run out of stack."""
KINDS: dict[str, Kind] = {
    "BIGINT": "integer", "INT": "integer", "SMALLINT": "integer", "TINYINT": "integer", "MEDIUMINT": "integer",
    "UBIGINT": "integer", "UINT": "integer", "USMALLINT": "integer", "UTINYINT": "integer", "SERIAL": "integer",
    "BIGSERIAL": "integer", "SMALLSERIAL": "integer", "INT128": "integer", "YEAR": "integer",
    "DECIMAL": "decimal", "BIGDECIMAL": "decimal", "MONEY": "decimal", "SMALLMONEY": "decimal",
    "DOUBLE": "number", "FLOAT": "number", "BOOLEAN": "categorical", "BIT": "categorical",
    "DATE": "date", "DATE32": "date", "DATETIME": "timestamp", "DATETIME2": "timestamp", "TIMESTAMP": "timestamp",
    "TIMESTAMPNTZ": "timestamp", "TIMESTAMPTZ": "timestamp", "TIMESTAMPLTZ": "timestamp", "SMALLDATETIME": "timestamp",
    "TIME": "time", "CHAR": "text", "VARCHAR": "text", "NCHAR": "text", "NVARCHAR": "text", "TEXT": "text",
    "MEDIUMTEXT": "text", "LONGTEXT": "text", "TINYTEXT": "text", "UUID": "text",
}  # fmt: skip
RELATIONS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "=", "NEQ": "!="}
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}


def fits(given: Given) -> bool:
    return given.suffix in {".sql", ".ddl"}


def read(given: Given) -> list[TableSaid]:
    """Raises Invalid: no dialect takes it, or it makes no table."""
    statements = _parsed(given)
    enums = dict(_enums(statements))
    comments = dict(_comments(statements))
    tables = [_table(given, one, enums, comments) for one in statements if _makes(one, "TABLE")]
    if not tables:
        raise unreadable(given, "it makes no table (CREATE TABLE).")
    return tables


def _parsed(given: Given) -> list[Any]:
    import sqlglot
    from sqlglot.errors import SqlglotError

    text = given.text
    if len(text) > LARGEST or _depth(text) > DEEPEST:
        raise unreadable(given, f"DDL may have {LARGEST} characters, and brackets {DEEPEST} deep.")
    # What a dialect does not know it tells the log, in the document's own words.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    for dialect in DIALECTS:
        try:
            parsed: list[Any] = [one for one in sqlglot.parse(text, read=dialect) if one is not None]
        except (SqlglotError, RecursionError, ValueError):
            continue
        if any(_makes(one, "TABLE") for one in parsed):
            return parsed
    raise unreadable(given, "no dialect of SQL that is known here takes it.")


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in re.findall(r"[()\[\]]", text):
        depth += 1 if sign in "([" else -1
        deepest = max(deepest, depth)
    return deepest


def _makes(statement: Any, what: str) -> bool:
    return statement.key == "create" and str(statement.args.get("kind")).upper() == what


def _enums(statements: list[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """CREATE TYPE name AS ENUM (…), which Postgres has."""
    from sqlglot import exp

    for one in statements:
        if _makes(one, "TYPE"):
            listed = tuple(literal.name for literal in one.find_all(exp.Literal))
            yield one.this.name.lower(), listed
        elif one.key == "command":
            found = re.match(r"(?is)\s*TYPE\s+(\S+)\s+AS\s+ENUM\s*\((.*)\)", str(one.args.get("expression")))
            if found:
                yield found[1].strip('"').lower(), tuple(re.findall(r"'((?:[^']|'')*)'", found[2]))


def _comments(statements: list[Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """COMMENT ON COLUMN table.column IS '…'; and ON TABLE, under the column ''."""
    for one in statements:
        if one.key == "comment":
            kind, this = str(one.args.get("kind")).upper(), one.this
            words = words_of(one.args["expression"].name)
            if kind == "COLUMN":
                yield (str(this.args.get("table") and this.args["table"].name), this.name), words
            elif kind == "TABLE":
                yield (this.name, ""), words


class _Checks:
    """What the CHECKs of a table say, taken apart at its ANDs; what is said in other ways is left aside."""

    def __init__(self) -> None:
        self.low: dict[str, str] = {}
        self.high: dict[str, str] = {}
        self.listed: dict[str, tuple[str, ...]] = {}
        self.constraints: list[Relation] = []

    def take(self, check: Any) -> None:
        waiting = [check]
        while waiting:
            one = waiting.pop()
            if one.key in {"and", "paren"}:
                waiting += [part for part in (one.args.get("expression"), one.this) if part is not None]
            elif one.key == "between":
                self._bound(one.this, ">=", one.args["low"])
                self._bound(one.this, "<=", one.args["high"])
            elif one.key == "in" and one.this.key == "column":
                self._list(one.this.name, one.expressions)
            elif one.key.upper() in RELATIONS:
                self._relation(one.this, RELATIONS[one.key.upper()], one.args["expression"])

    def _list(self, column: str, parts: list[Any]) -> None:
        """A list holds beside every other; one with a part that is no literal says what nobody can read here."""
        stated = [_literal(part) for part in parts if part.key != "null"]
        listed = tuple(text for text in stated if text is not None)
        if len(listed) == len(stated):
            before = self.listed.get(column)
            self.listed[column] = listed if before is None else tuple(one for one in before if one in listed)

    def _relation(self, left: Any, relation: str, right: Any) -> None:
        if left.key == right.key == "column":
            self.constraints.append((left.name, relation, right.name))
        elif left.key == "column":
            self._bound(left, relation, right)
        elif right.key == "column":
            self._bound(right, TURNED[relation], left)

    def _bound(self, column: Any, relation: str, end: Any) -> None:
        text = _literal(end)
        if column.key != "column" or text is None:
            return
        if relation in {">", ">="}:
            self.low[column.name] = max(self.low.get(column.name, text), text, key=_ordered)
        elif relation in {"<", "<="}:
            self.high[column.name] = min(self.high.get(column.name, text), text, key=_ordered)


def _ordered(text: str) -> tuple[Decimal, str]:
    """Numbers by what they are, dates as they are written: of two bounds both hold."""
    return (Decimal(text), "") if is_number(text) else (Decimal(0), text)


def _literal(one: Any) -> str | None:
    """A number, or text, or a date written as a cast of text."""
    if one.key == "neg":
        inner = _literal(one.this)
        return None if inner is None else f"-{inner}"
    if one.key in {"cast", "trycast", "date", "timestamp", "paren"} and one.this is not None:
        return _literal(one.this)
    return one.name if one.key == "literal" else None


def _table(
    given: Given, made: Any, enums: dict[str, tuple[str, ...]], comments: dict[tuple[str, str], str]
) -> TableSaid:
    from sqlglot import exp

    table = words_of(made.find(exp.Table).name)
    checks = _Checks()
    for check in made.find_all(exp.CheckColumnConstraint):
        checks.take(check.this)
    definitions = [one for one in made.this.expressions if isinstance(one, exp.ColumnDef)]
    key = _key(made) or tuple(one.name for one in definitions if one.find(exp.PrimaryKeyColumnConstraint))
    refers = dict(_references(made))
    columns = tuple(_column(one, table, checks, enums, comments, key, refers) for one in definitions)
    words = comments.get((table, ""), "")
    return TableSaid(given.name, columns, table, words, tuple(checks.constraints), key)


def _key(made: Any) -> tuple[str, ...]:
    from sqlglot import exp

    found = made.find(exp.PrimaryKey)
    return tuple(part.name for part in found.expressions) if found else ()


def _references(made: Any) -> Iterator[tuple[str, str]]:
    from sqlglot import exp

    for one in made.find_all(exp.Reference):
        target = one.find(exp.Table)
        holder = one.find_ancestor(exp.ForeignKey) or one.find_ancestor(exp.ColumnDef)
        names = [part.name for part in holder.expressions] if isinstance(holder, exp.ForeignKey) else []
        for name in names or ([holder.name] if holder is not None else []):
            yield name, words_of(target.name) if target else ""


def _column(
    one: Any,
    table: str,
    checks: _Checks,
    enums: dict[str, tuple[str, ...]],
    comments: dict[tuple[str, str], str],
    key: tuple[str, ...],
    refers: dict[str, str],
) -> Said:
    from sqlglot import exp

    name, kind_of = one.name, one.args.get("kind")
    stated = str(kind_of.this.name if kind_of is not None and hasattr(kind_of.this, "name") else "").upper()
    kind, sizes = KINDS.get(stated), _sizes(kind_of)
    categories = checks.listed.get(name, ()) or _own_values(kind_of, stated) or enums.get(_type_name(kind_of), ())
    if kind == "categorical":
        categories = categories or BOOLEANS
    whole = kind == "decimal" and len(sizes) < 2  # noqa: PLR2004 - precision without a scale
    comment = one.find(exp.CommentColumnConstraint)
    not_null = one.find(exp.NotNullColumnConstraint)
    required = not_null is not None and not not_null.args.get("allow_null")
    return Said(
        name,
        "categorical" if categories else "number" if whole else kind,
        checks.low.get(name),
        checks.high.get(name),
        categories,
        nullable=not required and name not in key,
        unique=key == (name,) or one.find(exp.UniqueColumnConstraint) is not None,
        scale=sizes[1] if kind == "decimal" and not whole else None,
        longest=sizes[0] if kind == "text" and sizes else None,
        words=comments.get((table, name), "") or (words_of(comment.this.name) if comment else ""),
        refers_to=refers.get(name),
    )


def _sizes(kind: Any) -> list[int]:
    parts = [str(part.name) for part in (kind.expressions if kind is not None else [])]
    return [int(part) for part in parts if re.fullmatch(r"[0-9]{1,5}", part)]


def _own_values(kind: Any, stated: str) -> tuple[str, ...]:
    """MySQL's ENUM('a', 'b')."""
    return tuple(part.name for part in kind.expressions) if stated.startswith("ENUM") and kind is not None else ()


def _type_name(kind: Any) -> str:
    """The name of a type that the document itself makes."""
    return str(kind.args.get("kind") or kind.sql()).strip('"').lower() if kind is not None else ""
