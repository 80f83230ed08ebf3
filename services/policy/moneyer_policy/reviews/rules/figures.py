"""What is put up for votes, or decided by figures, as a reader may see it."""

from collections.abc import Mapping
from typing import Any

from moneyer_shared.figures import Precision, criterion_at


def at_precision(document: Mapping[str, Any], *, raw: bool) -> dict[str, Any]:
    """A decision by figures, or what is put up for votes because of some, as a reader may see it.

    ``raw``: the reader holds the right to read figures in full. ``figures`` in what is kept says at which precision
    others see them; where it says nothing, they are withheld.
    """
    criteria = document.get("criteria")
    if criteria is None:
        return dict(document)
    precision: Precision = "raw" if raw else "rounded" if document.get("figures") == "rounded" else "withheld"
    shown = [criterion_at(one, precision) if "actual" in one else dict(one) for one in criteria]
    return {**document, "criteria": shown, "figures": precision}
