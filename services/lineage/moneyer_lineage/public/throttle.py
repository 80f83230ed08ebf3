"""How much strangers may send."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from moneyer_shared.errors import TooMany

BUSY_AGAIN = timedelta(minutes=1)


class Throttle:
    """So many in a minute, from everybody together: what strangers send is bounded, whoever they say they are."""

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self._most = most
        self._clock = clock
        self._taken: deque[datetime] = deque()

    def take(self) -> None:
        """Raises TooMany: there were too many in the last minute."""
        now = self._clock()
        while self._taken and self._taken[0] <= now - BUSY_AGAIN:
            self._taken.popleft()
        if len(self._taken) >= self._most:
            raise TooMany("Too many messages just now; try again in a minute.", headers={"Retry-After": "60"})
        self._taken.append(now)
