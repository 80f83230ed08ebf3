"""What values a column may hold, said before a row is seen."""

import re
from datetime import date, datetime, time
from decimal import Context
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.shape import NumberText
from moneyer_shared.numbers import read_decimal


class CategoricalDomain(Document):
    """The categories known without looking at the data."""

    kind: Literal["categorical"]
    categories: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _distinct(self) -> "CategoricalDomain":
        if len(set(self.categories)) != len(self.categories):
            message = "categories must be distinct"
            raise ValueError(message)
        return self


class IntegerDomain(Document):
    """Whole numbers from minimum to maximum, both included; ``bins`` is how finely engines may look."""

    kind: Literal["integer"]
    minimum: Annotated[int, Field(ge=-(2**50), le=2**50)]
    maximum: Annotated[int, Field(ge=-(2**50), le=2**50)]
    bins: Annotated[int, Field(ge=1, le=1024)] = 32

    @model_validator(mode="after")
    def _ordered(self) -> "IntegerDomain":
        if self.maximum < self.minimum:
            message = "maximum must not be below minimum"
            raise ValueError(message)
        return self


class NumberDomain(Document):
    """Real numbers from minimum to maximum, both included."""

    kind: Literal["number"]
    minimum: Annotated[float, Field(allow_inf_nan=False)]
    maximum: Annotated[float, Field(allow_inf_nan=False)]
    bins: Annotated[int, Field(ge=1, le=1024)] = 32

    @model_validator(mode="after")
    def _ordered(self) -> "NumberDomain":
        if self.maximum <= self.minimum:
            message = "maximum must be above minimum"
            raise ValueError(message)
        return self


MOST_STEPS = 2**50
# ISO 8601 has more forms than these, and who reads them reads others too: week dates, bare digits, any separator.
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
_DATE, _TIME = re.compile(DATE), re.compile(TIME)
_MOMENT = re.compile(rf"{DATE}([T ]{TIME})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?")


_WIDE = Context(prec=200)


def _written_as(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        message = "not written as such a value is"
        raise ValueError(message)
    return text


def _as_text(value: object) -> object:
    """A number is days to one reader, and seconds or milliseconds to others."""
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[-+]?[0-9. ]*", value)):
        message = "a date or time is written out, as in 2026-01-31 or 10:00:00"
        raise ValueError(message)
    return value


Day = Annotated[date, BeforeValidator(_as_text)]
Local = Annotated[datetime, BeforeValidator(_as_text)]
TimeOfDay = Annotated[time, BeforeValidator(_as_text)]
Bins = Annotated[int, Field(ge=1, le=1024)]


class _Exact(Document):
    """Values that are whole numbers of some step, from a minimum to a maximum, both included."""

    @model_validator(mode="after")
    def _ordered(self) -> "_Exact":
        low, high = self.bounds
        if high < low:
            message = "maximum must not be below minimum"
            raise ValueError(message)
        if max(abs(low), abs(high)) > MOST_STEPS:
            message = "the bounds lie too far from zero for steps as fine as these"
            raise ValueError(message)
        return self

    @property
    def bounds(self) -> tuple[int, int]:
        """Minimum and maximum, in steps."""
        raise NotImplementedError

    def steps(self, text: str) -> int:
        """A value written as text, in steps.

        Raises:
            ValueError: it is not such a value.
        """
        raise NotImplementedError


class DateDomain(_Exact):
    """Days of the Gregorian calendar."""

    kind: Literal["date"]
    minimum: Day
    maximum: Day
    bins: Bins = 32

    @property
    def bounds(self) -> tuple[int, int]:
        return self.steps(self.minimum.isoformat()), self.steps(self.maximum.isoformat())

    def steps(self, text: str) -> int:
        """Days since 1970-01-01."""
        return (date.fromisoformat(_written_as(_DATE, text)) - date(1970, 1, 1)).days


class TimestampDomain(_Exact):
    """Moments without a time zone; what is finer than ``resolution`` is cut off."""

    kind: Literal["timestamp"]
    minimum: Local
    maximum: Local
    resolution: Literal["second", "millisecond"] = "second"
    bins: Bins = 32

    @property
    def bounds(self) -> tuple[int, int]:
        return self.steps(self.minimum.isoformat()), self.steps(self.maximum.isoformat())

    def steps(self, text: str) -> int:
        """Seconds or milliseconds since 1970-01-01T00:00:00."""
        moment = datetime.fromisoformat(_written_as(_MOMENT, text))
        if moment.tzinfo is not None:
            message = "a moment without a time zone is needed"
            raise ValueError(message)
        since = moment - datetime(1970, 1, 1)  # noqa: DTZ001 - these have no zone
        return (since.days * 86_400 + since.seconds) * self.per_second + since.microseconds * self.per_second // 10**6

    @property
    def per_second(self) -> int:
        return 1 if self.resolution == "second" else 1000


class TimeDomain(_Exact):
    """Times of the day, to the second."""

    kind: Literal["time"]
    minimum: TimeOfDay = time(0)
    maximum: TimeOfDay = time(23, 59, 59)
    bins: Bins = 24

    @property
    def bounds(self) -> tuple[int, int]:
        return self.steps(self.minimum.isoformat()), self.steps(self.maximum.isoformat())

    def steps(self, text: str) -> int:
        """Seconds since midnight."""
        moment = time.fromisoformat(_written_as(_TIME, text))
        if moment.tzinfo is not None:
            message = "a time without a zone is needed"
            raise ValueError(message)
        return moment.hour * 3600 + moment.minute * 60 + moment.second


class DecimalDomain(_Exact):
    """Decimals with ``scale`` digits after the point, exactly; money, for one."""

    kind: Literal["decimal"]
    minimum: NumberText
    maximum: NumberText
    scale: Annotated[int, Field(ge=0, le=9)] = 2
    bins: Bins = 32

    @property
    def bounds(self) -> tuple[int, int]:
        return self.steps(self.minimum), self.steps(self.maximum)

    def steps(self, text: str) -> int:
        """Units of the last digit."""
        # The usual context would round what has more than 28 digits, and find a whole number where there is none.
        scaled = _WIDE.scaleb(read_decimal(text), self.scale)
        if abs(scaled) > 2**62 or scaled != int(scaled):
            message = f"a decimal with at most {self.scale} digits after the point is needed"
            raise ValueError(message)
        return int(scaled)


ExactDomain = DateDomain | TimestampDomain | TimeDomain | DecimalDomain


class TextDomain(Document):
    """Free text; no engine ever sees it. It can identify a privacy unit.

    ``replacement`` fills its column in synthetic tables with invented values; without one the column is left out.
    """

    kind: Literal["text"]
    maximum_length: Annotated[int, Field(ge=1, le=10_000)] = 200
    replacement: Literal["uuid", "number", "name", "email", "phone", "address", "company"] | None = None


FARTHEST_WHOLE, FARTHEST_NUMBER = 10**15, 1e18
"""How far from zero whole and real numbers may lie before their bounds are known."""


class UnmeasuredDomain(Document):
    """A domain that nobody knows from outside the data, to be measured under budget before anything else is learned.

    Until then values may be as far apart as their type allows, which looks at no data: ``widest``.
    """

    kind: Literal["unmeasured"]
    of: Literal["integer", "number", "decimal", "date", "timestamp", "category"]
    scale: Annotated[int, Field(ge=0, le=9)] = 2
    resolution: Literal["second", "millisecond"] = "second"
    maximum_length: Annotated[int, Field(ge=1, le=200)] = 200

    @property
    def widest(self) -> "KnownDomain":
        """All that such a column may hold: how it is uploaded and lies at rest."""
        match self.of:
            case "integer":
                return IntegerDomain(kind="integer", minimum=-FARTHEST_WHOLE, maximum=FARTHEST_WHOLE)
            case "number":
                return NumberDomain(kind="number", minimum=-FARTHEST_NUMBER, maximum=FARTHEST_NUMBER)
            case "decimal":
                farthest = f"{read_decimal(str(FARTHEST_WHOLE)).scaleb(-self.scale):f}"
                return DecimalDomain(kind="decimal", minimum=f"-{farthest}", maximum=farthest, scale=self.scale)
            case "date":
                return DateDomain(kind="date", minimum=date.min, maximum=date.max)
            case "timestamp":
                last = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - these have no zone
                first = datetime(1, 1, 1)  # noqa: DTZ001
                return TimestampDomain(kind="timestamp", minimum=first, maximum=last, resolution=self.resolution)
            case "category":
                return TextDomain(kind="text", maximum_length=self.maximum_length)


KnownDomain = CategoricalDomain | IntegerDomain | NumberDomain | ExactDomain | TextDomain
Domain = Annotated[KnownDomain | UnmeasuredDomain, Field(discriminator="kind")]


def step_of(domain: "Domain") -> tuple[str, object]:
    """What values are comparable with: those of the same kind, in the same steps."""
    match domain:
        case UnmeasuredDomain(of="category"):
            return "categorical", None
        case UnmeasuredDomain(widest=widest):
            return step_of(widest)
        case TimestampDomain(kind=kind, resolution=step) | DecimalDomain(kind=kind, scale=step):
            return kind, step
        case IntegerDomain() | NumberDomain():
            return "number", None
        case _:
            return domain.kind, None
