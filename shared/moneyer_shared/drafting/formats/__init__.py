"""Every format a document may be in: a further one is a file here, and a line in ``FORMATS``."""

from collections.abc import Callable
from dataclasses import dataclass

from moneyer_shared.drafting.facts import TableSaid
from moneyer_shared.drafting.formats import arrow, codebook, croissant, frictionless, json_schema, odcs, pandera, sql
from moneyer_shared.drafting.given import Given, check_names, unreadable
from moneyer_shared.errors import Invalid


@dataclass(frozen=True)
class Format:
    """A format: whether a document is in it, and what such a document says of its tables."""

    name: str
    fits: Callable[[Given], bool]
    read: Callable[[Given], list[TableSaid]]


FORMATS = tuple(
    Format(one.NAME, one.fits, one.read)
    for one in (arrow, sql, codebook, odcs, croissant, frictionless, pandera, json_schema)
)


def read_document(given: Given) -> list[TableSaid]:
    """The tables that a public document tells of.

    Raises:
        Invalid: it is in none of the formats, or damaged, or tells of no column.
    """
    found = next((one for one in FORMATS if one.fits(given)), None)
    if found is None:
        known = ", ".join(one.name for one in FORMATS)
        raise Invalid(f"{given.name} is none of: {known}.", code="document-unknown")
    tables = [table for table in found.read(given) if table.columns]
    if not tables:
        raise unreadable(given, "it tells of no column.")
    for table in tables:
        check_names(given, [column.name for column in table.columns])
    return tables
