"""A call of the API as a line of a shell, for whoever would rather script what a page shows."""

import json
import shlex
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from moneyer.calls import Call


def as_curl(call: Call[Any]) -> str:
    """The call as curl sends it: addresses and token are variables, so that nothing secret is ever shown.

    The names of the addresses are those that our own client reads.
    """
    query = f"?{urlencode(call.query, doseq=True)}" if call.query else ""
    where = f'"$MONEYER_{call.service.upper()}_URL"{shlex.quote(call.path + query)}'
    parts = ["curl", *([f"-X {call.method}"] if call.method != "GET" else []), where]
    parts.append('-H "Authorization: Bearer $TOKEN"')
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers.items()]
    if call.json is not None:
        body = json.dumps(call.json, ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " ".join(parts)


def as_curls(calls: Iterable[Call[Any]]) -> list[str]:
    """Each call once, in the order they were made."""
    return list(dict.fromkeys(as_curl(call) for call in calls))
