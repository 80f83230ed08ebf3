"""Namespaces that the house alone describes."""

from moneyer_shared.errors import Forbidden

HOUSE = "moneyer"


def check_space(namespace: str) -> None:
    """See that a namespace of datasets is not the house's own.

    Raises:
        Forbidden: it is.
    """
    space = namespace.strip().casefold()
    if space == HOUSE or space.startswith(f"{HOUSE}."):
        raise Forbidden(f"Datasets of {namespace} are the house's own to describe.", code="not-yours")
