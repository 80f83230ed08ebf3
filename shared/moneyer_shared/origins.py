"""What is said, in one way everywhere, of domains that are not public."""

from collections.abc import Sequence

MOST_NAMED = 10
PUBLIC_DOMAIN = (
    "Confirm them from documentation, widen them to round public bounds, or have them measured under budget, and "
    "register the source anew."
)


def in_short(names: Sequence[str]) -> str:
    """The first of some columns, and how many more there are."""
    further = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {further} more" if further > 0 else "")
