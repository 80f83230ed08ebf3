"""What strangers wrote reaches no terminal raw, in whatever is shown."""

import io

from rich.console import Console

from moneyer.cli import console
from moneyer.client import Refused

OBEYED = "\x1b]0;owned\x07\x1b[2J\u202eevil\x9b[bold red]name[/]"


def test_no_cell_of_a_table_is_obeyed() -> None:
    written = io.StringIO()
    console.table("t", ("a",), [(OBEYED,), ("two\nlines",)], to=Console(file=written, width=400))
    said = written.getvalue()
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said)
    assert "[bold red]name[/]" in said
    assert "\\u001b" in said


def test_no_word_of_a_refusal_is_obeyed() -> None:
    written = io.StringIO()
    reasons = [{"code": "c", "column": OBEYED, "row": 1, "expected": OBEYED, "actual": "x"}]
    refusal = Refused(422, {"code": OBEYED, "detail": OBEYED, "reasons": reasons})
    console.show_refusal(refusal, to=Console(file=written, width=400))
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(written.getvalue())
