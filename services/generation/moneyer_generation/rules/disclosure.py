"""What callers are shown of a table's making: counts of real rows roughly, of made rows exactly."""

from collections.abc import Mapping, Sequence
from typing import Any

from moneyer_shared.figures import about

SHARE_STEP = 0.05
"""A share of real rows is shown in steps of a twentieth."""
Json = Mapping[str, Any]


def disclosed_asset(asset: Json | None) -> dict[str, Any] | None:
    """A table's report, as JSON, as callers see it.

    What was counted among real rows is a look at people that nothing paid for.
    """
    if asset is None:
        return None
    shown = dict(asset)
    if asset.get("suppression"):
        shown["suppression"] = [_left_out(one) if one["of"] == "input" else one for one in asset["suppression"]]
    if asset.get("blend"):
        shown["blend"] = _blend(asset["blend"])
    return shown


def _blend(blend: Json) -> dict[str, Any]:
    """The real part was asked for by share, so how long it is tells nothing; what it was chosen from does."""
    strata: Sequence[Json] = blend.get("strata") or []
    rough = [{**one, "share_of_model": _roughly(one["share_of_model"])} for one in strata]
    return dict(blend) | {"strata": rough, "suppression": [_left_out(one) for one in blend.get("suppression") or []]}


def _roughly(share: float) -> float:
    return round(round(share / SHARE_STEP) * SHARE_STEP, 2)


def _left_out(report: Json) -> dict[str, Any]:
    """How many were seen and left out, to two figures; of the worst group, what the rule demands of every one."""
    rules = [
        one | {"smallest_group": one["least_rows"], "fewest_values": one["least_values"]} for one in report["rules"]
    ]
    rough = {name: about(report[name]) for name in ("rows_seen", "rows_left_out")}
    return dict(report) | rough | {"rules": rules}
