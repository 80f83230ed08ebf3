"""What waits for somebody, on the wire."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from moneyer_shared.contracts.documents import Document
from moneyer_shared.errors import Invalid

InboxKind = Literal["vote", "condition", "duty", "action", "expiry", "request", "refusal"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = r"^[01]\.-?[0-9]{1,18}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
After = Annotated[str, Field(pattern=CURSOR, description="Where the page before ended, as its `Link` says.")]


class InboxEntry(Document):
    """One thing that waits for the caller: what it is, why it is theirs, since and until when, and where it is found.

    ``kind``: a ``vote`` they can cast now; a ``condition`` to be met; a ``duty`` or a corrective ``action`` of an
    incident; something of theirs that ends soon (``expiry``); a ``request`` of theirs that awaits votes; a ``refusal``
    of late. ``about`` is what the entry is of: a kind of review or deadline, ``permit``, ``grant``, ``decision``.
    """

    kind: InboxKind
    about: str
    id: UUID
    title: str
    because: str
    since: datetime
    due_by: datetime | None
    href: str

    @property
    def cursor(self) -> str:
        """Its place in the order of the inbox, which the next page goes on after."""
        microseconds = ((self.due_by or self.since) - EPOCH) // timedelta(microseconds=1)
        return f"{int(self.due_by is None)}.{microseconds}.{self.id}"


class InboxCounts(Document):
    """How much of each kind waits, whatever the page shows."""

    vote: int = 0
    condition: int = 0
    duty: int = 0
    action: int = 0
    expiry: int = 0
    request: int = 0
    refusal: int = 0


class Power(Document):
    """A function that somebody votes with: their own, or lent to them by its ``principal``."""

    function: str
    principal: str


class Me(Document):
    """Who asks, by their token and the committee: what a page or a terminal offers them follows from it."""

    subject: str
    client: str
    scopes: list[str]
    functions: list[Power]
    expires_at: datetime


class Inbox(Document):
    """What waits for the caller: first what has a time limit, the soonest first, then the rest, the oldest first."""

    counts: InboxCounts
    entries: list[InboxEntry]


def place_of(cursor: str) -> tuple[bool, datetime, UUID]:
    """The place a cursor names: without a limit, the moment, the id.

    Raises:
        Invalid: there is no such moment.
    """
    unlimited, microseconds, name = cursor.split(".")
    try:
        at = EPOCH + timedelta(microseconds=int(microseconds))
    except OverflowError as error:
        raise Invalid("No page ended there; begin again without after.", code="cursor-unreadable") from error
    return unlimited == "1", at, UUID(name)
