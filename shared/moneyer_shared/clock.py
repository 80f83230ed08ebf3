"""Time as a collaborator: use cases are given a clock, tests give them another."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


EARLIEST, LATEST = datetime(100, 1, 1, tzinfo=UTC), datetime(9900, 1, 1, tzinfo=UTC)
"""What times lie between. At the ends of the calendar (years 1 and 9999) a database keeps a time as infinite, offsets
and periods lead out of it, and what was stored is never read again; a century is more than any period counts.
"""


def in_calendar(moment: datetime) -> datetime:
    """The same moment.

    Raises:
        ValueError: it lies so near an end of the calendar that nobody can count from it.
    """
    try:
        inside = EARLIEST <= moment.astimezone(UTC) < LATEST
    except OverflowError:
        inside = False
    if not inside:
        message = "a time lies in the years 100 to 9899 of UTC; for what never ends, name a year as far off as needed"
        raise ValueError(message)
    return moment
