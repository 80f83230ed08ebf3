"""The one reader of JSON: what two readers could read in two ways is refused, and reading costs no more than it may.

Stricter than RFC 8259 where it leaves readers a choice, as I-JSON is (RFC 7493): UTF-8 without a mark, each member
once, numbers that every reader keeps, text that Postgres keeps, and no deeper than a person could follow.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import isinf
from typing import Any, NoReturn, ParamSpec, TypeAlias, TypeVar

from pydantic import ValidationError

from moneyer_shared.errors import MOST_FAULTS, Invalid, first_faults

EXACT = 2**53 - 1
"""The largest whole number that a reader with binary floats keeps (RFC 7493 §2.2)."""
LONG = 2**63 - 1
"""The largest whole number that producers of other systems count in."""
DEEPEST = 64
LONG_BYTES = 64 * 1024
BYTES_OF_A_PART = 20
_SHOWN_OF_A_NAME = 60
_DIGITS_OF_A_LONG = 20
_FULL_NUMBER = re.compile(r"[0-9]{16}|[eE][+-]?[0-9]{3}")
_SURROGATE = re.compile("[\ud800-\udfff]")

Whole: TypeAlias = dict[str, Any] | list[Any]
"""A JSON value that has parts."""
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
# Two at a time: long documents wait for each other, and nobody else waits for them.
_WORKERS = ThreadPoolExecutor(2, thread_name_prefix="documents")


async def apart(work: Callable[Arguments, Result], *given: Arguments.args, **named: Arguments.kwargs) -> Result:
    """Do work on a document beside the event loop, a few at a time."""
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, partial(work, *given, **named))


async def read_body(body: bytes, *, largest: int = 2**20, whole_numbers_to: int = EXACT) -> Any:
    """``read_json``, beside the event loop where the text is long.

    Raises:
        Invalid: as ``read_json``.
    """
    read = partial(read_json, body, most_parts=largest // BYTES_OF_A_PART, whole_numbers_to=whole_numbers_to)
    return await apart(read) if len(body) > LONG_BYTES else read()


def read_json(content: bytes, *, most_parts: int = 2**20 // BYTES_OF_A_PART, whole_numbers_to: int = EXACT) -> Any:
    """The value that a JSON text states.

    Raises:
        Invalid: it is no JSON text, states a member twice, or holds what not every reader reads alike.
    """
    text = utf8(content, "json-unreadable")
    if text.count(",") > most_parts:
        raise Invalid(f"A document here may have {most_parts} parts.", code="too-many-parts")
    decoder = _careful(whole_numbers_to) if _FULL_NUMBER.search(text) else _DECODER
    try:
        document = decoder.decode(text)
    except RecursionError:
        raise too_deep() from None
    except ValueError as error:
        raise Invalid("The body is not JSON.", code="json-unreadable") from error
    if text.count("[") + text.count("{") > DEEPEST and depth_beyond(document, DEEPEST):
        raise too_deep()
    if "\\u" in text:
        check_storable(document)
    return document


def utf8(content: bytes, code: str) -> str:
    """The text of a document.

    Raises:
        Invalid: it is not UTF-8, or begins with a byte order mark, which some readers take for a part of it.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise Invalid("The body is not UTF-8.", code=code) from None
    if text.startswith("\ufeff"):
        raise Invalid("The body begins with a byte order mark; leave it out.", code=code)
    return text


def too_deep() -> Invalid:
    return Invalid(f"A document may be nested {DEEPEST} deep.", code="too-deep")


def depth_beyond(document: object, limit: int) -> bool:
    """Whether lists and objects lie in each other more than ``limit`` deep; asked without recursion."""
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(limit):
        level = [part for whole in level for part in _parts(whole) if isinstance(part, dict | list)]
        if not level:
            return False
    return bool(level)


def _parts(whole: Whole) -> Iterable[object]:
    return whole.values() if isinstance(whole, dict) else whole


def check_storable(document: object) -> None:
    """That a free-form JSON value can be kept and read back equal.

    Raises:
        Invalid: it is nested too deep, or holds NUL, a lone surrogate, or a number no JSON reader keeps.
    """
    level = [document]
    for _ in range(DEEPEST + 1):
        for value in level:
            _check_plain(value)
        level = [part for whole in level if isinstance(whole, dict | list) for part in (*_names(whole), *_parts(whole))]
        if not level:
            return
    raise too_deep()


def _names(whole: Whole) -> Iterable[object]:
    return whole if isinstance(whole, dict) else ()


def _check_plain(value: object) -> None:
    if isinstance(value, str) and ("\x00" in value or _SURROGATE.search(value)):
        raise Invalid("Text must not hold NUL or lone surrogates.", code="text-not-storable")
    if isinstance(value, float) and not (value - value == 0):
        raise Invalid("NaN and infinity are not JSON.", code="number-not-storable")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise key_twice(next(name for name, count in counts.items() if count > 1))
    return members


def key_twice(name: str) -> Invalid:
    shown = name[:_SHOWN_OF_A_NAME].encode("unicode_escape").decode()
    return Invalid(f"The member {shown!r} is stated twice; readers differ in which of them counts.", code="key-twice")


def _no_number(text: str) -> NoReturn:
    raise Invalid(f"{text} is no JSON number.", code="number-not-storable")


def _whole(text: str, *, most: int) -> int:
    if len(text) > _DIGITS_OF_A_LONG or abs(number := int(text)) > most:
        raise Invalid(
            f"A whole number may lie between -{most} and {most}: beyond, readers round the number. Write it as text.",
            code="number-not-exact",
        )
    return number


def _fraction(text: str) -> float:
    number = float(text)
    vanished = number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])
    if isinf(number) or vanished:
        raise Invalid("A number lies beyond what JSON readers keep.", code="number-not-exact")
    return number


def _careful(whole_numbers_to: int) -> json.JSONDecoder:
    whole = partial(_whole, most=whole_numbers_to)
    return json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number, parse_int=whole, parse_float=_fraction)


# Without numbers of many digits the decoder's own functions read all of them exactly, and much faster.
_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


# --- what is stored already --------------------------------------------------------------------

DEEPEST_SHOWN = 100
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
NOT_SHOWN = '"not shown: nested too deep"'


def read_stored(text: str) -> Any:
    """A document out of the database. What was kept before its depth was bounded, or has more digits than can be
    read, is shown as not shown: a single row must not break the listing it stands in.
    """
    try:
        document = json.loads(text)
    except (RecursionError, ValueError):
        return json.loads(_cut(text), parse_int=_short)
    return json.loads(_cut(text)) if depth_beyond(document, DEEPEST_SHOWN) else document


def _short(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return f"not shown: a number of {len(text)} digits"


def _cut(text: str) -> str:
    """A JSON text with whatever lies too deep replaced."""
    kept: list[str] = []
    depth = begun = 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == DEEPEST_SHOWN + 1:
                kept += [text[begun : token.start()], NOT_SHOWN]
        elif token[0] in "]}":
            if depth == DEEPEST_SHOWN + 1:
                begun = token.end()
            depth -= 1
    return "".join([*kept, text[begun:]])


def faults_of(error: ValidationError) -> list[dict[str, str]]:
    """What of a document does not fit its model and where, the first few."""
    return faults(error.errors(include_url=False, include_context=False, include_input=False))


def faults(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What pydantic found, the first few. The offending input is left out: it may be a value of a source."""
    # Two dependencies that read one header find the same fault.
    found = list({(item["type"], item["loc"], item["msg"]): item for item in errors}.values())
    told = [
        {"code": item["type"], "where": ".".join(map(str, item["loc"])), "message": item["msg"]}
        for item in found[:MOST_FAULTS]
    ]
    return first_faults(told, f"and {len(found) - len(told)} more" if len(found) > len(told) else "")
