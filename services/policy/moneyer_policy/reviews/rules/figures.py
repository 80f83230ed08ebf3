"""How what is put up for votes, or decided by figures, is told."""

from collections.abc import Mapping
from typing import Any

from moneyer_shared.figures import Telling, told_criterion


def told(document: Mapping[str, Any], *, raw: bool) -> dict[str, Any]:
    """A decision by figures, or what is put up for votes because of some, as it is told.

    ``figures`` in what is kept says how others than holders of the right are told; where it says nothing, they are not.
    """
    criteria = document.get("criteria")
    if criteria is None:
        return dict(document)
    telling: Telling = "raw" if raw else "rounded" if document.get("figures") == "rounded" else "withheld"
    shown = [told_criterion(one, telling) if "actual" in one else dict(one) for one in criteria]
    return {**document, "criteria": shown, "figures": telling}
