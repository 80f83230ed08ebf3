"""How many rows each stratum of a table gets: whole numbers that add up."""

from collections.abc import Sequence
from decimal import Decimal


def quotas(rows: int, shares: Sequence[Decimal]) -> tuple[int, ...]:
    """Rows per share and, last, the rows left over, by largest remainder (Hamilton's method).

    Each is its exact part of ``rows`` rounded down or up; together they are ``rows``.

    Raises:
        ValueError: the shares are negative or more than the whole.
    """
    rest = 1 - sum(shares)
    if rest < 0 or any(share < 0 for share in shares):
        message = "shares are parts of a whole"
        raise ValueError(message)
    exact = [rows * share for share in (*shares, rest)]
    whole = [int(part) for part in exact]
    missing = rows - sum(whole)
    by_remainder = sorted(range(len(exact)), key=lambda i: (whole[i] - exact[i], i))
    for i in by_remainder[:missing]:
        whole[i] += 1
    return tuple(whole)
