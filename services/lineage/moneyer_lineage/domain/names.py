"""Names that belong to somebody before anything bears them."""

from collections.abc import Collection

from moneyer_shared.errors import Forbidden

HOUSE = "moneyer"


def check_name(model: str, registries: Collection[str]) -> None:
    """See that a model's name is not one that a registry elsewhere will tell of, however it is spelled.

    Raises:
        Forbidden: it lies in a registry's namespace.
    """
    space, colon, _ = model.partition(":")
    if colon and space.strip().casefold() in {name.casefold() for name in registries}:
        raise Forbidden(f"Names that begin with {space}: are told by that registry itself.", code="not-yours")


def check_space(namespace: str) -> None:
    """See that a namespace of datasets is not the house's own.

    Raises:
        Forbidden: it is.
    """
    space = namespace.strip().casefold()
    if space == HOUSE or space.startswith(f"{HOUSE}."):
        raise Forbidden(f"Datasets of {namespace} are the house's own to describe.", code="not-yours")


def check_speaker(service: str, speaker: str | None) -> None:
    """See that a service speaks in its own name.

    Raises:
        Forbidden: it says that another service did something.
    """
    if service != speaker:
        raise Forbidden(f"Only {service} says what {service} did.", code="not-yours")
