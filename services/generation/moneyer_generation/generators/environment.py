"""What a table was made with: enough to make it again, and to tell that one cannot."""

import platform
from importlib.metadata import distributions
from typing import Any

from moneyer_shared.canonical import digest

NAMED = ("dpmm", "numpy", "opendp", "pandas", "pyarrow", "scikit-learn", "synthcity", "torch")


def environment() -> dict[str, Any]:
    """Python, machine and the libraries that matter by name; ``digest`` covers every installed distribution."""
    installed = {str(found.metadata["Name"]).lower(): found.version for found in distributions()}
    made_with = {"python": platform.python_version(), "machine": platform.machine()}
    return made_with | {
        "libraries": {name: installed[name] for name in NAMED if name in installed},
        "digest": digest(made_with | {"installed": installed}),
    }
