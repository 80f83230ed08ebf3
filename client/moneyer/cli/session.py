"""Who speaks on the command line, and to which moneyer."""

import os
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from moneyer.client import Connection, Moneyer
from moneyer.profiles import USUAL
from moneyer.signed_in import SignedIn

Value = TypeVar("Value")
SAID = frozenset({"COMMANDLINE", "ENVIRONMENT"})
_names_this_machine: ContextVar[bool] = ContextVar("names_this_machine", default=False)
"""Whether ``--data`` or ``--as`` was said: whoever names somebody means them, and not who signed in."""


def _hear(context: typer.Context, parameter: typer.CallbackParam, value: Value) -> Value:
    source = context.get_parameter_source(parameter.name or "")
    if source is not None and source.name in SAID:
        _names_this_machine.set(True)
    return value


Data = Annotated[
    Path, typer.Option("--data", envvar="MONEYER_DATA", help="A one-machine data directory.", callback=_hear)
]
Person = Annotated[
    str, typer.Option("--as", envvar="MONEYER_AS", help="Who speaks on this machine, e.g. scientist.", callback=_hear)
]
ProfileName = Annotated[str, typer.Option("--profile", envvar="MONEYER_PROFILE", help="Which sign-in of several.")]
DEFAULT_DATA = Path(".moneyer/data")


def speak(data: Path, person: str, profile: str | None = None) -> Moneyer:
    """A client for the moneyer that the environment names; else, unless somebody of this machine is named, for who
    signed in; else for this machine's.
    """
    if "MONEYER_TOKEN_URL" not in os.environ and not _names_this_machine.get():
        signed_in = SignedIn.found(profile or os.environ.get("MONEYER_PROFILE") or USUAL)
        if signed_in is not None:
            return Moneyer(signed_in)
    return Moneyer(Connection.found(data, person))
