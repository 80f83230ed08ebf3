"""Names that belong to somebody before anything bears them."""

from collections.abc import Collection

from moneyer_shared.errors import Forbidden


def check_name(model: str, registries: Collection[str]) -> None:
    """See that a model's name is not one that a registry elsewhere will tell of, however it is spelled.

    Raises:
        Forbidden: it lies in a registry's namespace.
    """
    space, colon, _ = model.partition(":")
    if colon and space.strip().casefold() in {name.casefold() for name in registries}:
        raise Forbidden(f"Names that begin with {space}: are told by that registry itself.", code="not-yours")
