"""What is read of facets where they are of the shape they should be, and nothing where they are not."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
"""A JSON object as somebody told it, or as it is kept."""
Facets = Mapping[str, Any]
"""The facets of a run, job or dataset by their names: of whatever shape they were told in."""
ENDS = ("value", "lower", "upper")


def text_of(facets: Facets, name: str, member: str) -> str | None:
    found = facets.get(name, {}).get(member)
    return found if isinstance(found, str) else None


def fields_of(facets: Facets) -> list[Json] | None:
    """The fields of a schema facet."""
    found = facets.get("schema", {}).get("fields")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


def decimals_of(estimates: object) -> dict[str, dict[str, str]]:
    """Each metric's value and bounds, of those that are decimals in text."""
    found = [one for one in estimates if isinstance(one, dict)] if isinstance(estimates, list) else []
    return {
        one["metric"]: {end: one[end] for end in ENDS}
        for one in found
        if isinstance(one.get("metric"), str) and all(is_decimal(one.get(end)) for end in ENDS)
    }


def is_decimal(value: object) -> bool:
    if not isinstance(value, str):
        return False
    sign_off = value.removeprefix("-").replace(".", "", 1)
    return sign_off.isascii() and sign_off.isdigit()
