"""How things look on a terminal."""

import sys
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from moneyer.client import Refused
from moneyer_shared.contracts.evaluation import Assay

SHORT = 4
REASON_COLUMNS = ("code", "column", "row", "where", "expected", "actual", "message", "remedy")
# A log or a pipe has no width of its own; tables need some.
WIDTH = None if sys.stdout.isatty() else 130
LONGEST = 500
LONGEST_CELL = 4000
"""Letters of what a stranger wrote, and of a cell, which is mostly in our own words."""
console = Console(width=WIDTH)
error_console = Console(stderr=True, width=WIDTH)


def say(text: str) -> None:
    console.print(text, highlight=False)


def tell(style: str, label: str, text: str = "", *, to: Console = console) -> None:
    """A line whose parts may come from strangers: nothing in it is markup, and nothing reaches the terminal raw."""
    line = Text(harmless(label), style=style)
    if text:
        line = Text.assemble(line, "  ", Text(harmless(text)))
    to.print(line, highlight=False, soft_wrap=True)


def harmless(text: str, longest: int = LONGEST) -> str:
    """A text without what a terminal obeys or hides: controls, escapes, line ends, marks of direction, cut if long."""
    shown = "".join(letter if _is_harmless(letter) else f"\\u{ord(letter):04x}" for letter in text[:longest])
    return shown if len(text) <= longest else shown + "…"


def _is_harmless(letter: str) -> bool:
    return letter == " " or unicodedata.category(letter)[0] not in {"C", "Z"}


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, to: Console = console) -> None:
    """Rows of cells, any of which a stranger may have written."""
    shown = Table(title=title, title_justify="left", header_style="bold", title_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(cell) for cell in row))
    to.print(shown)


def _cell(content: Any) -> str:
    """What a cell shows: nothing in it is markup, and no line of it reaches the terminal raw."""
    return escape("\n".join(harmless(line, LONGEST_CELL) for line in str(content).splitlines()))


def show_refusal(refusal: Refused, *, to: Console = error_console) -> None:
    """A refusal with every failed clause and what would mend it."""
    to.print(f"[red bold]Refused[/] ({refusal.status} {_cell(refusal.code)}): {_cell(refusal.detail)}")
    if not refusal.reasons:
        return
    shown = Table(header_style="bold")
    given = {name for reason in refusal.reasons for name in reason}
    names = [name for name in REASON_COLUMNS if name in given] + sorted(given - set(REASON_COLUMNS))
    for name in names:
        shown.add_column(name, overflow="fold")
    for reason in refusal.reasons:
        shown.add_row(*(_cell(reason.get(name, "")) for name in names))
    to.print(shown)


def show_budget(population: Mapping[str, Any]) -> None:
    budget = population["budget"]
    rows = [("the population", budget)]
    rows += [(f"charter {entry['charter_id']}", entry) for entry in population["allocations"]]
    table(
        f"Privacy budget of {population['name']} (unit: {population['privacy_unit']})",
        ("account", "ε", "δ", "ε spent", "ε spent or held", "share", "releases"),
        [
            (
                name,
                entry["epsilon"],
                entry["delta"],
                entry["epsilon_spent"],
                entry["epsilon_held"],
                f"{float(entry['share_held']):.1%}",
                _releases(entry),
            )
            for name, entry in rows
        ],
    )


def _releases(entry: Mapping[str, Any]) -> str:
    limit = entry["releases_limit"]
    if entry["charter_id"] is None:
        return "counted by charter"
    return "none allowed" if limit is None else f"{entry['releases_spent']} of {limit}"


def short(figure: Decimal) -> str:
    """To four decimals; a figure that has fewer was rounded, and says no more than it knows."""
    return f"{figure:.4f}" if int(figure.as_tuple().exponent) < -SHORT else f"{figure:f}"


def show_assay(assay: Assay) -> None:
    table(
        f"Assay {assay.id}: {assay.verdict or assay.state}",
        ("metric", "estimate", "95 % interval", "n"),
        [(e.metric, short(e.value), f"[{short(e.lower)}, {short(e.upper)}]", e.n) for e in assay.estimates],
    )
    if assay.figures != "raw":
        say(f"  Figures are {assay.figures}: who answers for the people reads them in full.")
    for missing in assay.not_estimable:
        say(f"  {escape(missing.metric)}: not estimable, {escape(missing.because)}")
