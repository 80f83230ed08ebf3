"""What is due, and what people were told when it was."""

from datetime import timedelta
from uuid import UUID

from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.incidents.documents import Deadline, Notification
from moneyer_policy.reviews.documents import Subject
from moneyer_policy.work import Work
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.errors import Invalid

A_YEAR = timedelta(days=366)


async def get_calendar(
    work: Work, start: Moment | None = None, end: Moment | None = None, after: UUID | None = None
) -> list[Deadline]:
    """A page of what is due from ``start`` (else now) to ``end`` (else a year later), the soonest first.

    Raises:
        Invalid: no calendar reaches that far.
    """
    begin = start or work.now
    try:
        until = end or begin + A_YEAR
    except OverflowError as error:
        raise Invalid("No calendar reaches that far.", code="calendar-range") from error
    rows = await CalendarStore(work.connection).between(begin, until, after)
    return [Deadline.model_validate(row) for row in rows]


async def list_notifications(
    work: Work, recipient: Subject | None = None, after: UUID | None = None
) -> list[Notification]:
    """A page of what people were told, the newest first."""
    rows = await CalendarStore(work.connection).notifications(recipient, after)
    return [Notification.model_validate(row) for row in rows]
