"""Secrets by reference: read where the worker runs, at the moment they are used, and kept nowhere."""

import os
from collections.abc import Mapping
from pathlib import Path

from moneyer_generation.connectors.faults import Fault

VARIABLES = "MONEYER_SECRET_"
"""Variables that connections may name; the service's own secrets stand under other names."""
LONGEST = 64 * 1024


def read_secret(ref: str, folder: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """The secret that ``env:NAME`` or ``file:NAME`` refers to.

    A variable is read only under ``MONEYER_SECRET_NAME``. A file's name is one part, and what it leads to lies below
    ``folder``, symbolic links followed: that is how Kubernetes mounts secrets.

    Raises:
        Fault: there is none there; the text says the reference and nothing of what was found.
    """
    place, _, name = ref.partition(":")
    found = environment.get(VARIABLES + name) if place == "env" else _read_file(name, folder)
    if not found:
        raise Fault("secret-missing", f"The worker finds no secret at {ref}: set it there, or name another.")
    return found


def _read_file(name: str, folder: Path | None) -> str | None:
    if folder is None:
        return None
    try:
        file = (folder / name).resolve(strict=True)
        if not file.is_relative_to(folder.resolve(strict=True)) or not file.is_file():
            return None
        with file.open("rb") as opened:
            return opened.read(LONGEST).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None
