"""The engines on offer. Importing this is light: an engine brings its library in when it fits."""

from collections.abc import Mapping

from moneyer_generation.generators.domain_discovery import DomainDiscovery
from moneyer_generation.generators.dpmm_engines import DpmmFixed, DpmmMst
from moneyer_generation.generators.protocol import Described, Engine
from moneyer_generation.generators.synthcity_engines import SYNTHCITY_ENGINES, WITHDRAWN
from moneyer_shared.errors import Invalid

__all__ = ["CATALOGUE", "DISCOVERY", "OFFERED", "WITHDRAWN", "engine_named", "offered_named"]

CATALOGUE: Mapping[str, Engine] = {engine.name: engine for engine in (DpmmMst(), DpmmFixed(), *SYNTHCITY_ENGINES)}


DISCOVERY = DomainDiscovery()
OFFERED: Mapping[str, Described] = {**CATALOGUE, DISCOVERY.name: DISCOVERY}
"""All that a plan may name: the engines that make tables, and what measures a domain."""


def offered_named(name: str) -> Described:
    """Whatever is offered under that name.

    Raises:
        Invalid: nothing is, or it was withdrawn.
    """
    if name in WITHDRAWN:
        raise Invalid(f"{name} was withdrawn. {WITHDRAWN[name]}", code="generator-withdrawn")
    if name not in OFFERED:
        raise Invalid(
            f"There is no generator {name}; there are {', '.join(sorted(OFFERED))}.",
            code="generator-unknown",
        )
    return OFFERED[name]


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        Invalid: there is none, it was withdrawn, or it makes no table.
    """
    offered_named(name)
    if name not in CATALOGUE:
        raise Invalid(f"{name} measures a domain and makes no table.", code="makes-no-table")
    return CATALOGUE[name]
