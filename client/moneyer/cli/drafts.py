"""``moneyer source draft``: from a table, and what is publicly said of it, to a declaration. Nothing is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import typer

from moneyer.cli.console import say, table, tell
from moneyer.fetching import fetch, is_url
from moneyer_shared.contracts.drafts import DraftedColumn, Question, SourceDraft
from moneyer_shared.contracts.generation import Column
from moneyer_shared.drafting import draft as drafting
from moneyer_shared.drafting.answers import read_answers
from moneyer_shared.drafting.given import LARGEST_DOCUMENT, Given
from moneyer_shared.drafting.rows import LARGEST_TABLE, is_table, read_rows
from moneyer_shared.errors import Invalid, TooLarge
from moneyer_shared.origins import in_short

LARGEST_FETCHED = 256 * 2**20
FEW = 6
"""Categories that are shown; of more, their number."""
OPEN = 2
"""The exit status of a draft that still has open questions."""


def add_to(app: typer.Typer) -> None:
    app.command("draft")(draft)


def draft(
    inputs: Annotated[list[str], typer.Argument(metavar="FILE|URL...", help="A table, or public documents of one.")],
    schema: Annotated[list[str] | None, typer.Option(help="A schema or contract: SQL, ODCS, JSON Schema, …")] = None,
    codebook: Annotated[list[str] | None, typer.Option(help="A codebook in CSV.")] = None,
    answer: Annotated[list[str] | None, typer.Option(help="As 'LB*=number 0..1000', 'source.unit=id 100'.")] = None,
    answers: Annotated[Path | None, typer.Option(help="A file of answers, one a line.")] = None,
    population: Annotated[UUID | None, typer.Option(help="The population the people are of.")] = None,
    name: Annotated[str | None, typer.Option(help="What the source is to be called.")] = None,
    of: Annotated[str | None, typer.Option("--table", help="Which table of a document that tells of several.")] = None,
    out: Annotated[Path, typer.Option(help="Where the declaration is written.")] = Path("declaration.json"),
) -> None:
    """Propose a source's declaration, each bound with where it comes from; rows stay on this machine."""
    read = list(_given(inputs, (*(schema or ()), *(codebook or ()))))
    try:
        made = _drafted(read, Options(answers, tuple(answer or ()), population, name, of))
    except ModuleNotFoundError as missing:
        because = f"{missing.name} is needed to read this: pip install moneyer[drafting]."
        raise Invalid(because, code="not-installed") from None
    _show(made)
    _write(made, out)


@dataclass(frozen=True)
class Options:
    """What was said beside the inputs."""

    answers: Path | None
    answer: Sequence[str]
    population: UUID | None
    name: str | None
    table: str | None


def _drafted(read: Sequence[tuple[Given, bool]], said: Options) -> SourceDraft:
    """Raises Invalid: more than one table, or as ``draft_source``."""
    tables = [given for given, may_be_rows in read if may_be_rows]
    if len(tables) > 1:
        raise Invalid("One table at a time: name schemas with --schema, codebooks with --codebook.", code="tables-many")
    lines = said.answers.read_text().splitlines() if said.answers else []
    return drafting.draft_source(
        drafting.Inputs(
            documents=[given for given, may_be_rows in read if not may_be_rows],
            rows=read_rows(tables[0]) if tables else None,
            answers=read_answers([*lines, *said.answer]),
            table=said.table,
            name=said.name,
            population_id=said.population,
        )
    )


def _given(inputs: Sequence[str], documents: Sequence[str]) -> Iterator[tuple[Given, bool]]:
    """(what was read, whether its rows are to be looked at). A table named as a schema gives its schema alone."""
    for place in inputs:
        rows = is_table(Given(_name(place), b""))
        yield Given(_name(place), _content(place, LARGEST_TABLE if rows else LARGEST_DOCUMENT)), rows
    for place in documents:
        parquet = Given(_name(place), b"").suffix == ".parquet"
        yield Given(_name(place), _content(place, LARGEST_TABLE if parquet else LARGEST_DOCUMENT)), False


def _name(place: str) -> str:
    return PurePosixPath(urlsplit(place).path).name if is_url(place) else Path(place).name


def _content(place: str, largest: int) -> bytes:
    if is_url(place):
        return fetch(place, largest=min(largest, LARGEST_FETCHED))
    path = Path(place)
    if path.stat().st_size > largest:
        raise TooLarge(f"{path.name} is larger than {largest} bytes.")
    return path.read_bytes()


# --- how it looks -------------------------------------------------------------------------------------


def _show(made: SourceDraft) -> None:
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in made.columns:
        alike.setdefault(_row(one), []).append(one.name)
    rows = [(_called(names), *row) for row, names in alike.items()]
    table("Proposed", ("column", "domain", "role", "comes from", "why"), rows)
    if made.questions:
        asked = map(_asked, made.questions)
        table("To confirm or to answer", ("answer with", "question", "until then", "columns"), asked)
    for line in made.read:
        tell("dim", "read", line)


def _row(one: DraftedColumn) -> tuple[str, ...]:
    if one.column is None:
        return "?", "?", "nobody", "; ".join(one.because)
    origin = one.column.origin
    known = f"{origin.kind}: {origin.reference}" if origin is not None else "nobody yet"
    missing = " or missing" if one.column.nullable else ""
    rule = f"; outside it: {one.column.rule}" if one.column.replaces else ""
    return _domain(one.column) + missing + rule, one.column.role, known, "; ".join(one.because)


def _called(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{in_short(names)} ({len(names)} alike)"


def _domain(column: Column) -> str:
    domain = column.domain
    if domain.kind == "categorical":
        listed = domain.categories
        return " | ".join(listed) if len(listed) <= FEW else f"{len(listed)} categories"
    if domain.kind == "text":
        return "text, left out" if domain.replacement is None else f"text, invented {domain.replacement}"
    if domain.kind == "unmeasured":
        return f"{domain.of}, to be measured"
    return f"{domain.kind} {domain.minimum}..{domain.maximum}"


def _asked(question: Question) -> tuple[str, str, str, str]:
    return question.answer, question.asks, question.default or "NOT ANSWERED", in_short(question.columns)


def _write(made: SourceDraft, out: Path) -> None:
    if made.declaration is None:
        waiting = sum(question.default is None for question in made.questions)
        say(f"Nothing was written: answer what is not answered ({waiting}), with --answer or --population.")
        raise typer.Exit(OPEN)
    out.write_text(made.declaration.model_dump_json(indent=2, exclude_none=True) + "\n")
    say(f"{len(made.declaration.columns)} columns, {len(made.questions)} questions with their defaults: {out}")
