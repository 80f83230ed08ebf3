"""Who speaks on the command line, and to which moneyer."""

from pathlib import Path
from typing import Annotated

import typer

from moneyer.client import Connection, Moneyer

Data = Annotated[Path, typer.Option("--data", envvar="MONEYER_DATA", help="A one-machine data directory.")]
Person = Annotated[str, typer.Option("--as", envvar="MONEYER_AS", help="Who speaks, e.g. scientist.")]
DEFAULT_DATA = Path(".moneyer/data")


def speak(data: Path, person: str) -> Moneyer:
    """A client for this machine's moneyer, or for the one the environment names."""
    return Moneyer(Connection.found(data, person))
