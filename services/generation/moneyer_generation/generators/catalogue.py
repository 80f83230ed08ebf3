"""The engines on offer. Importing this is light: an engine brings its library in when it fits."""

from collections.abc import Mapping

from moneyer_generation.generators.dpmm_engines import DpmmFixed, DpmmMst
from moneyer_generation.generators.protocol import Engine
from moneyer_generation.generators.synthcity_engines import SYNTHCITY_ENGINES, WITHDRAWN
from moneyer_shared.errors import Invalid

__all__ = ["CATALOGUE", "WITHDRAWN", "engine_named"]

CATALOGUE: Mapping[str, Engine] = {engine.name: engine for engine in (DpmmMst(), DpmmFixed(), *SYNTHCITY_ENGINES)}


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        Invalid: there is none, or it was withdrawn.
    """
    if name in WITHDRAWN:
        raise Invalid(f"{name} was withdrawn. {WITHDRAWN[name]}", code="generator-withdrawn")
    if name not in CATALOGUE:
        raise Invalid(
            f"There is no generator {name}; there are {', '.join(sorted(CATALOGUE))}.",
            code="generator-unknown",
        )
    return CATALOGUE[name]
