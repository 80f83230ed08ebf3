"""Who speaks on the command line, and to which mintmark."""

from pathlib import Path
from typing import Annotated

import typer

from mintmark.client import Connection, Mintmark

Data = Annotated[Path, typer.Option("--data", envvar="MINTMARK_DATA", help="A one-machine data directory.")]
Person = Annotated[str, typer.Option("--as", envvar="MINTMARK_AS", help="Who speaks, e.g. scientist.")]
DEFAULT_DATA = Path(".mintmark/data")


def speak(data: Path, person: str) -> Mintmark:
    """A client for this machine's mintmark, or for the one the environment names."""
    return Mintmark(Connection.found(data, person))
