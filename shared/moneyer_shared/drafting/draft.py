"""A draft out of all its inputs: pure, so that it is the same on a steward's machine and behind the service's door."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from moneyer_shared.contracts.drafts import DraftedColumn, Question, SourceDraft
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.documents import faults_of
from moneyer_shared.drafting.answers import Answers
from moneyer_shared.drafting.columns import Told, draft_column
from moneyer_shared.drafting.facts import Relation, RowsSaid, Said, TableSaid
from moneyer_shared.drafting.formats import read_document
from moneyer_shared.drafting.given import Given
from moneyer_shared.drafting.rules import check_rules_fit
from moneyer_shared.drafting.structure import suggestions, unit_of, unit_parts
from moneyer_shared.errors import Invalid
from moneyer_shared.origins import PUBLIC_DOMAIN, in_short

NOWHERE = UUID(int=0)


@dataclass(frozen=True)
class Inputs:
    """What a draft is made of; ``table`` names one of a document that tells of several."""

    documents: Sequence[Given] = ()
    rows: RowsSaid | None = None
    answers: Answers = field(default_factory=Answers)
    table: str | None = None
    name: str | None = None
    population_id: UUID | None = None


def draft_source(inputs: Inputs) -> SourceDraft:
    """The draft.

    Raises:
        Invalid: a document cannot be read, tells of other tables, or an answer does not fit.
    """
    tables = [_chosen(given, read_document(given), inputs) for given in inputs.documents]
    inputs = _with_unit(inputs)
    told = [one for one in _told(inputs, tables) if "drop" not in one.answers]
    _check_answers(inputs.answers, told)
    columns = [draft_column(one) for one in told]
    unit = unit_of(told, inputs.answers.last("unit"))
    relations = _relations(inputs.answers, tables, columns)
    questions = list(_questions(inputs, told, columns))
    questions += [unit.question] if unit.question else []
    known = [one.column for one in columns if one.column is not None]
    check_rules_fit(inputs.answers, known)
    questions += suggestions(known, unit.answer, relations, frozenset(inputs.answers.source))
    read = [
        f"{given.name}: {table.name or 'its columns'}" for given, table in zip(inputs.documents, tables, strict=True)
    ]
    if inputs.rows:
        read.append(f"{inputs.rows.table.reference}: its names and types, and what is marked as read from the rows")
    open_ones = [one for one in questions if one.default is None]
    declared = None
    if not open_ones:
        declared = _declaration(inputs, tables, known, unit.answer or "row", relations)
    return SourceDraft(declaration=declared, columns=columns, questions=questions, read=read)


# --- which table, which columns -----------------------------------------------------------------------


def _chosen(given: Given, tables: Sequence[TableSaid], inputs: Inputs) -> TableSaid:
    """The one table of a document, the one that was named, or the one that the file's columns are of."""
    if inputs.table is not None and len(tables) > 1:
        tables = [one for one in tables if one.name.lower() == inputs.table.lower()] or tables
    if len(tables) > 1 and inputs.rows is not None:
        names = {column.name.lower() for column in inputs.rows.table.columns}
        tables = sorted(tables, key=lambda one: -len(names & {column.name.lower() for column in one.columns}))[:1]
    if len(tables) != 1:
        named = in_short([one.name for one in tables])
        raise Invalid(f"{given.name} tells of several tables ({named}): say which one is meant.", code="table-unsaid")
    return tables[0]


def _with_unit(inputs: Inputs) -> Inputs:
    """The column that a person names as the unit is an identifier."""
    column = unit_parts(inputs.answers.last("unit") or "row").column
    if column == "row":
        return inputs
    sequence = inputs.answers.last("sequence") or ""
    invented = "number" if sequence.startswith(f"{column} ") else ""
    identifies = (_literally(column), "text", invented)
    return replace(inputs, answers=replace(inputs.answers, columns=[identifies, *inputs.answers.columns]))


def _literally(name: str) -> str:
    """A pattern that only this name fits."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _told(inputs: Inputs, tables: Sequence[TableSaid]) -> list[Told]:
    named = [table for table in tables if table.columns]
    first = inputs.rows.table if inputs.rows else named[0] if named else None
    if first is None:
        raise Invalid("Give a schema, a codebook or a table to draft from.", code="nothing-to-draft")
    return [
        Told(
            column.name,
            [(table.reference, said) for table in tables if (said := _same(table, column)) is not None],
            inputs.rows,
            inputs.answers.of(column.name),
        )
        for column in first.columns
    ]


def _same(table: TableSaid, column: Said) -> Said | None:
    """What a document says of a column; capitals aside where nothing has the very name."""
    exact = table.column(column.name)
    alike = [one for one in table.columns if one.name.lower() == column.name.lower()]
    return exact or (alike[0] if len(alike) == 1 else None)


def _check_answers(answers: Answers, told: Sequence[Told]) -> None:
    """That every answer is of something: a typing error would leave a column as it is, in silence."""
    from fnmatch import fnmatchcase

    for pattern, word, _ in answers.columns:
        if word != "drop" and not any(fnmatchcase(one.name, pattern) for one in told):
            raise Invalid(f"No column is called {pattern[:100]!r}.", code="answer-of-nothing")


# --- what is asked ------------------------------------------------------------------------------------


def _questions(inputs: Inputs, told: Sequence[Told], columns: Sequence[DraftedColumn]) -> Iterator[Question]:
    if inputs.population_id is None and inputs.answers.last("population") is None:
        yield Question(answer="source.population=", asks="Which population are these people of? Its id.")
    unknown = [one.name for one in columns if one.column is None]
    if unknown:
        asks = "Nobody says what these may hold. Say it as in NAME=integer 0..120, NAME=categories a|b, or NAME=drop."
        yield Question(answer=f"{unknown[0]}=", asks=asks, columns=unknown)
    known = [one.column for one in columns if one.column is not None]
    read = [one.name for one in known if one.origin is not None and one.origin.kind == "data"]
    if read:
        asks = (
            f"Bounds or categories were READ FROM THE ROWS, so nothing is proven over this table. {PUBLIC_DOMAIN} "
            "To have them measured, answer NAME=unmeasured: docs/guides/measuring-a-domain.md."
        )
        yield Question(answer=f"{read[0]}=", asks=asks, default="as read, earning no proof", columns=read)
    roles = [one.name for one in known if one.role != "plain" and "role" not in inputs.answers.of(one.name)]
    if roles:
        asks = "These were given a role by their names. Is it theirs? Else say as in NAME=role plain."
        yield Question(answer=f"{roles[0]}=role ", asks=asks, default="as suggested", columns=roles)
    shown = {one.name: one.missing for one in told if one.shows_missing}
    worded = [one.name for one in known if one.missing_values and one.name in shown]
    if worded:
        words = in_short(sorted({word for name in worded for word in shown[name]}))
        asks = f"Words stand here where a value would be ({words}). Else say as in NAME=missing none."
        yield Question(answer=f"{worded[0]}=missing ", asks=asks, default="read as missing", columns=worded)
    silent = [one.name for one in told if one.said_nothing_of_missing]
    if silent:
        asks = "Nobody says whether values of these may be missing. Where none is, NAME=required makes tables truer."
        yield Question(answer=f"{silent[0]}=required", asks=asks, default="may be missing", columns=silent)


# --- the declaration ----------------------------------------------------------------------------------


def _relations(answers: Answers, tables: Sequence[TableSaid], columns: Sequence[DraftedColumn]) -> list[Relation]:
    """What documents say of two columns of every row, and what a person says."""
    names = {one.name for one in columns if one.column is not None and one.column.role != "identifier"}
    documented = [one for table in tables for one in table.constraints if {one[0], one[2]} <= names]
    said = [] if answers.last("constraint") == "none" else answers.source.get("constraint", [])
    return [*documented, *(_relation(one) for one in said)]


def _relation(text: str) -> Relation:
    parts = [part.strip() for part in re.split(r"(<=|>=|!=|<|>|=)", text, maxsplit=1)]
    if len(parts) != 3 or not all(parts):  # noqa: PLR2004 - left, relation, right
        raise Invalid(f"No relation: {text[:100]!r}; it is written as in start <= end.", code="answer-unreadable")
    return parts[0], parts[1], parts[2]


def _declaration(
    inputs: Inputs, tables: Sequence[TableSaid], columns: Sequence[Column], unit: str, relations: Sequence[Relation]
) -> SourceDeclaration:
    """Raises Invalid: the answers do not go together."""
    answers = inputs.answers
    whole = next((one for one in tables if one.name or one.words), None)
    name = (
        answers.last("name")
        or inputs.name
        or (inputs.rows.table.name if inputs.rows else "")
        or (whole.name if whole else "")
    )
    members: dict[str, Any] = {
        "name": re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:100] or "source",
        "description": answers.last("description") or (whole.words if whole and whole.words else _drafted_from(inputs)),
        "population_id": str(answers.last("population") or inputs.population_id),
        "privacy_unit": _privacy_unit(unit),
        "columns": [one.model_dump(mode="json") for one in _required(columns, answers, unit)],
        "constraints": [{"left": left, "relation": sign, "right": right} for left, sign, right in relations],
        "left_out": [one.name for one in _told(inputs, tables) if "drop" in one.answers],
    } | _structures(answers)
    try:
        return SourceDeclaration.model_validate(members)
    except ValidationError as error:
        raise Invalid("What was said makes no declaration.", code="draft-unfit", reasons=faults_of(error)) from None


def _drafted_from(inputs: Inputs) -> str:
    names = [given.name for given in inputs.documents] + ([inputs.rows.table.reference] if inputs.rows else [])
    return f"Drafted from {', '.join(names)}."


def _privacy_unit(unit: str) -> dict[str, Any]:
    if unit == "row":
        return {}
    parts = unit_parts(unit)
    identifies = {"identifies": parts.identifies} if parts.identifies else {}
    return {"column": parts.column, "maximum_rows": parts.rows} | identifies


def _required(columns: Sequence[Column], answers: Answers, unit: str) -> list[Column]:
    """The columns that hold the table together are never missing."""
    said = [answers.last("sequence") or "", answers.last("survival") or "", answers.last("partition") or ""]
    needed = {word for line in said for word in line.split()} | {unit_parts(unit).column}
    never = {"nullable": False, "missing_values": []}
    return [one.model_copy(update=never) if one.name in needed else one for one in columns]


def _structures(answers: Answers) -> dict[str, Any]:
    found: dict[str, Any] = {}
    said: Mapping[str, str] = {
        member: answer
        for member in ("target", "partition", "sequence", "survival")
        if (answer := answers.last(member)) not in {None, "none"} and answer is not None
    }
    if "target" in said:
        found["target"] = said["target"]
    if "partition" in said:
        found["partition_column"] = said["partition"]
    if "sequence" in said:
        column, _, order = said["sequence"].partition(" ")
        found["sequence"] = {"column": column, "order": order.strip()}
    if "survival" in said:
        event, _, rest = said["survival"].partition(" ")
        occurred, _, duration = rest.rpartition(" ")
        found["survival"] = {"event": event, "occurred": occurred, "duration": duration}
    return found
