"""Dates, moments and times of the day, as whole numbers of their steps.

What lies beyond the years 1 to 9999, or a day's hours, is no such value in any form: text cannot say it.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from moneyer_shared.contracts.domains import DateDomain, TimeDomain, TimestampDomain
from moneyer_shared.intake.readings.reading import FARTHEST, UNREADABLE, Read, all_read, none, present, without
from moneyer_shared.intake.readings.texts import of_text

DAY_SECONDS = 86_400
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(:00([.,]0{1,9})?)?")
ENDS: Mapping[str, tuple[str, str]] = {
    "date": ("0001-01-01", "9999-12-31"),
    "timestamp": ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"),
    "time": ("00:00:00", "23:59:59"),
}


def exact_of_text(array: pa.Array, domain: Any) -> Read:
    """A date, moment or time as ISO 8601 writes it in full."""

    def read(written: str) -> Any:
        if isinstance(domain, DateDomain) and (midnight := MIDNIGHT.fullmatch(written)):
            written = midnight[1]
        try:
            return domain.steps(written)
        except ValueError:
            return UNREADABLE

    return of_text(array, read, pa.int64())


def date_of_moment(array: pa.Array, domain: DateDomain) -> Read:
    """The day of a moment that is a midnight; any other has a time of the day that a date would lose."""
    a_day = DAY_SECONDS * 10**9 // NANOSECONDS[array.type.unit]
    return _within_the_calendar(_days(array.cast(pa.int64()), a_day), domain)


def date_of_date(array: pa.Array, domain: DateDomain) -> Read:
    if pa.types.is_date32(array.type):
        return _within_the_calendar(all_read(array.cast(pa.int32()).cast(pa.int64())), domain)
    return _within_the_calendar(_days(array.cast(pa.int64()), DAY_SECONDS * 1000), domain)


def _days(counts: pa.Array, a_day: int) -> Read:
    whole = np.asarray(counts.fill_null(0), dtype=np.int64)
    broken = whole % a_day != 0
    return Read(pa.array(whole // a_day, mask=broken | ~present(counts)), broken, none(counts))


def moment_of_moment(array: pa.Array, domain: TimestampDomain) -> Read:
    """What is finer than the resolution is cut off, as the domain says."""
    read = _steps(array.cast(pa.int64()), NANOSECONDS[array.type.unit], 10**9 // domain.per_second)
    return _within_the_calendar(read, domain)


def moment_of_date(array: pa.Array, domain: TimestampDomain) -> Read:
    """The midnight that a day begins with."""
    days = pa.types.is_date32(array.type)
    counts = (array.cast(pa.int32()) if days else array).cast(pa.int64())
    read = _steps(counts, DAY_SECONDS * 10**9 if days else 10**6, 10**9 // domain.per_second)
    return _within_the_calendar(read, domain)


def time_of_time(array: pa.Array, domain: TimeDomain) -> Read:
    """To the second; what is finer is cut off, as the domain says."""
    counts = array.cast(pa.int32()) if pa.types.is_time32(array.type) else array
    return _within_the_calendar(_steps(counts.cast(pa.int64()), NANOSECONDS[array.type.unit], 10**9), domain)


def _steps(counts: pa.Array, unit: int, step: int) -> Read:
    """Counts of a unit in steps (both in nanoseconds), rounded down; what lies beyond every domain is not read."""
    whole = np.asarray(counts.fill_null(0), dtype=np.int64)
    if step >= unit:
        return Read(pa.array(whole // (step // unit), mask=~present(counts)), none(counts), none(counts))
    factor = unit // step
    far = (whole > FARTHEST // factor) | (whole < -(FARTHEST // factor))
    steps = np.where(far, 0, whole) * factor
    return Read(pa.array(steps, mask=far | ~present(counts)), far & present(counts), none(counts))


def _within_the_calendar(read: Read, domain: DateDomain | TimestampDomain | TimeDomain) -> Read:
    first, last = (domain.steps(end) for end in ENDS[domain.kind])
    steps = np.asarray(read.values.fill_null(first), dtype=np.int64)
    beyond = (steps < first) | (steps > last)
    return Read(without(read.values, beyond), read.unreadable | beyond, read.outside)
