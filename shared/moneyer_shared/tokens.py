"""What token endpoints answer, as they do: RFC 6749 §5.1 and its neighbours."""

import re
from dataclasses import dataclass

from moneyer_shared.documents import read_json
from moneyer_shared.errors import Invalid


@dataclass(frozen=True)
class IssuedToken:
    """A token, and for how many seconds it is worth asking for no other."""

    text: str
    seconds: float


USUAL_SECONDS = 300.0
SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 24 * 3600.0
RENEWED_BEFORE = 30.0


def token_of(content: bytes) -> IssuedToken | None:
    """What a token endpoint gave, with its end as providers tell it: a number, its text, or not at all (RFC 6749 §5.1).

    A token that ends at once is kept for a few seconds all the same: refusals are better than a storm of requests.
    """
    try:
        body = read_json(content)
    except Invalid:
        return None
    text = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text:
        return None
    return IssuedToken(text, _lasts(body.get("expires_in")))


def _lasts(told: object) -> float:
    written = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", told) if isinstance(told, str) else None
    if written:
        seconds = float(written[0])
    elif isinstance(told, int | float) and not isinstance(told, bool):
        seconds = float(told)
    else:
        return USUAL_SECONDS - RENEWED_BEFORE
    # One that lasts less than a renewal takes is renewed halfway.
    return min(max(seconds - RENEWED_BEFORE, seconds / 2, SHORTEST_SECONDS), LONGEST_SECONDS)
