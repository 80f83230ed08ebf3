"""Bounds and categories that everybody can look up, by what columns are usually called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from moneyer_shared.drafting.facts import BOOLEANS, Kind
from moneyer_shared.drafting.lists import COUNTRIES_2, COUNTRIES_3, CURRENCIES, ICD_CHAPTERS, STATES

NUMERIC: frozenset[Kind] = frozenset({"integer", "number", "decimal"})
LISTED: frozenset[Kind] = frozenset({"text", "categorical", "integer"})
DAYS: frozenset[Kind] = frozenset({"date"})
MOMENTS: frozenset[Kind] = frozenset({"timestamp"})
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True)
class Standard:
    """A range or a list, where it is written down, and the names and kinds of columns it is meant for.

    ``names`` match the words of a column's name, joined by ``_`` and in small letters.
    """

    name: str
    reference: str
    names: str
    kinds: frozenset[Kind]
    minimum: str | None = None
    maximum: str | None = None
    categories: tuple[str, ...] = ()


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SEX, _ISO_SEX = r"(.*_)?(sex|gender)(_.*)?", "ISO/IEC 5218, codes for the representation of human sexes"
_MONTH, _WEEKDAY = r"(.*_)?month(_name)?", r"(.*_)?(weekday|day_of_week|dow)"
_CALENDAR, _WEEK = "ISO 8601, months of the Gregorian calendar", "ISO 8601, days of the week"
_COUNTRY = r"(.*_)?(country|nationality|citizenship)(_code|_iso)?[23]?"
_FLAG = r"(is|has|was|had)_.*|.*_(flag|yn|yes_no|indicator)"
_TRUTH = "the two truth values"

STANDARDS: tuple[Standard, ...] = (
    Standard("age", "ages of people in years, to 120",
             r"(.*_)?age(_years|_in_years|_yrs)?|ridageyr", NUMERIC, "0", "120"),
    Standard("age-in-months", "ages in months, to 120 years", r"(.*_)?age_(in_)?months?", NUMERIC, "0", "1440"),
    Standard("percentage", "a share of a hundred", r"(.*_)?(percent|percentage|pct)(_.*)?", NUMERIC, "0", "100"),
    Standard("year", "years 1900 to 2100 of the Gregorian calendar", r"(.*_)?(year|yob|birth_year)", frozenset({"integer"}),
             "1900", "2100"),
    Standard("month-number", _CALENDAR, _MONTH, frozenset({"integer"}), "1", "12"),
    Standard("weekday-number", _WEEK, _WEEKDAY, frozenset({"integer"}), "1", "7"),
    Standard("hour", "hours of a day", r"(.*_)?hour(_of_day)?", frozenset({"integer"}), "0", "23"),
    Standard("hours-per-week", "hours of a week", r"(.*_)?hours?_(per|a)_week", NUMERIC, "0", "168"),
    Standard("day-of-month", _CALENDAR, r"(.*_)?day_of_month", frozenset({"integer"}), "1", "31"),
    Standard("latitude", "ISO 6709, degrees", r"(.*_)?(lat|latitude)", NUMERIC, "-90", "90"),
    Standard("longitude", "ISO 6709, degrees", r"(.*_)?(lon|lng|longitude)", NUMERIC, "-180", "180"),
    Standard("date", "days of the years 1900 to 2100", r".*", DAYS, "1900-01-01", "2100-12-31"),
    Standard("moment", "moments of the years 1900 to 2100", r".*", MOMENTS, "1900-01-01T00:00:00", "2100-12-31T23:59:59"),
    Standard("sex-codes", _ISO_SEX, _SEX, LISTED, categories=("0", "1", "2", "9")),
    Standard("sex-letters", "the letters M, F and X of ICAO Doc 9303 (travel documents)", _SEX, LISTED,
             categories=("F", "M", "X")),
    Standard("sex-small-letters", "the letters of ICAO Doc 9303, small", _SEX, LISTED, categories=("f", "m", "x")),
    Standard("sex-words", "HL7 FHIR administrative-gender", _SEX, LISTED, categories=("female", "male", "other", "unknown")),
    Standard("sex-capitalised", "HL7 FHIR administrative-gender, capitalised", _SEX, LISTED,
             categories=("Female", "Male", "Other", "Unknown")),
    Standard("month-names", _CALENDAR, _MONTH, LISTED, categories=_MONTHS),
    Standard("month-abbreviations", _CALENDAR, _MONTH, LISTED, categories=tuple(name[:3] for name in _MONTHS)),
    Standard("weekday-names", _WEEK, _WEEKDAY, LISTED, categories=_DAYS),
    Standard("weekday-abbreviations", _WEEK, _WEEKDAY, LISTED, categories=tuple(name[:3] for name in _DAYS)),
    Standard("country-2", "ISO 3166-1 alpha-2", _COUNTRY, LISTED, categories=COUNTRIES_2),
    Standard("country-3", "ISO 3166-1 alpha-3", _COUNTRY, LISTED, categories=COUNTRIES_3),
    Standard("currency", "ISO 4217", r"(.*_)?(currency|ccy)(_code)?", LISTED, categories=CURRENCIES),
    Standard("us-state", "ANSI INCITS 38, states of the USA, with DC and territories", r"(.*_)?(state|us_state)(_code)?", LISTED,
             categories=STATES),
    Standard("icd-chapter", "WHO ICD-10, chapters", r"(.*_)?icd(_?10)?_chapter", LISTED, categories=ICD_CHAPTERS),
    Standard("truth", _TRUTH, _FLAG, LISTED, categories=BOOLEANS),
    Standard("truth-capitalised", _TRUTH, _FLAG, LISTED, categories=("False", "True")),
    Standard("truth-digits", _TRUTH, _FLAG, LISTED, categories=("0", "1")),
    Standard("yes-no", _TRUTH, _FLAG, LISTED, categories=("no", "yes")),
    Standard("yes-no-capitalised", _TRUTH, _FLAG, LISTED, categories=("No", "Yes")),
    Standard("yes-no-letters", _TRUTH, _FLAG, LISTED, categories=("N", "Y")),
)  # fmt: skip
BY_NAME = {standard.name: standard for standard in STANDARDS}
SPELLINGS: tuple[tuple[str, ...], ...] = tuple(one.categories for one in STANDARDS if one.reference == _TRUTH)
"""How tables write truth and falsehood."""


def words(name: str) -> str:
    """The words of a column's name: ``customerID`` and ``Customer Id`` are ``customer_id``."""
    return "_".join(word.lower() for word in WORDS.findall(name))


def meant_for(name: str, kind: Kind | None) -> Sequence[Standard]:
    """The standards that a column of that name and kind may follow, the likeliest first."""
    told = words(name)
    return [one for one in STANDARDS if kind in one.kinds and re.fullmatch(one.names, told)]
