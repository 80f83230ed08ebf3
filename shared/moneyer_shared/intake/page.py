"""``docs/types.md``, written from the table of meaning: ``python -m moneyer_shared.intake.page > docs/types.md``."""

import sys

from moneyer_shared.intake.meanings import AT_REST, IN_POSTGRES, MEANINGS, UNWRAPPED, WRITTEN_AS, Meaning, PhysicalType

INTRODUCTION = """# What a table's values mean

*Written from `moneyer_shared/intake/meanings.py` by `python -m moneyer_shared.intake.page`; a test holds it to that.*

A column is declared as one of eight kinds. What a file holds is read from its **type**, exactly, and never by way of
text unless it is text; what a person wrote means one thing or is refused with what to do. Equal content in CSV,
Parquet, an Arrow stream or an Arrow file gives equal sealed tables, or equal refusals.

- **Missing** is null, and NaN in a column of numbers. In CSV an empty cell is missing, and `""` in quotes is empty
  text. `NA`, `NULL` and `None` are words, unless the column's `missing_values` list them: what is listed there
  (`?`, `NA`, `-99`) is missing in every format, as text or as the number that it writes.
- **Outside the domain**: refused, unless the column declares what becomes of it (`outside`, `unlisted`; ADR 55).
  What the forms below do not give a value for is refused whatever is declared, and so is a day beyond the years 1 to
  9999 or a time beyond a day's hours.
- **Zones**: a moment with a time zone is refused everywhere. Convert it to the time it is to be learned in, and leave
  the zone out.
- **Out again** a column is what it is at rest, in every form of a download; in PostgreSQL it becomes the type named
  beside, which holds every value of it exactly.
- **Header cells** are text, whatever they look like; the order of columns is free. A column that is not declared is
  refused, unless `left_out` names it: then it is never kept.
- Around numbers, dates and times in text, spaces and tabs are left out. Other digits than ASCII, underscores and
  no-break spaces are refused.
- A data frame's index is refused as a column that is not declared: write the file with `index=False`.
- JSON is no door for tables. A declaration's bounds and a plan's conditions are JSON: there whole numbers are JSON
  numbers without a point, decimals are text, and dates and times are text in ISO 8601.
"""


def page() -> str:
    """The whole page."""
    forms = ["## Forms", "", UNWRAPPED, "", "| form | written as |", "|---|---|"]
    forms += [f"| {form.value} | {written} |" for form, written in WRITTEN_AS.items()]
    return "\n".join([INTRODUCTION, *forms, *(line for kind in MEANINGS for line in _kind(kind)), ""])


def _kind(kind: str) -> list[str]:
    rows = [f"| {form.value} | {_outcome(MEANINGS[kind][form])} |" for form in PhysicalType]
    lies = f"At rest: {AT_REST[kind]}. In a table of PostgreSQL that a delivery makes: `{IN_POSTGRES[kind]}`."
    return ["", f"## {kind}", "", lies, "", "| from | what comes out |", "|---|---|", *rows]


def _outcome(meaning: Meaning) -> str:
    if meaning.read is None:
        return f"**refused**: {meaning.says}; {meaning.remedy}"
    where = f" ({meaning.where[0]})" if meaning.where else ""
    otherwise = f". Else: {meaning.remedy}" if meaning.remedy else ""
    return f"{meaning.says}{where}{otherwise}"


if __name__ == "__main__":
    sys.stdout.write(page())
