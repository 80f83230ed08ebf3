"""Long lists are told a page at a time: each goes on right after the row that the one before ended with."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.errors import NotFound

PAGE = 100
T = TypeVar("T")


class Filtered(list[T]):
    """What is told of a page of rows; the next page goes on after the last of these, told or not."""

    def __init__(self, told: Iterable[T], *, page: Sequence[object]) -> None:
        super().__init__(told)
        self.page = page


async def page(
    connection: AsyncConnection,
    query: Select[Any],
    *order: ColumnElement[Any],
    after: object = None,
    newest_first: bool = False,
    limit: int = PAGE,
) -> Sequence[Row[Any]]:
    """The rows of a query that follow the one named ``after``, in an order whose last column tells all rows apart.

    Rows of one moment follow each other by that last column, so that none is told twice or left out between pages.
    ``after`` is looked up without the query's own conditions: a row that meets them no more still has its place.

    Raises:
        NotFound: there is no row of that name.
    """
    if after is not None:
        place = await _place(connection, order, after)
        here, there = tuple_(*order), tuple_(*place)
        query = query.where(here < there if newest_first else here > there)
        if len(order) > 1:
            # Says the same of the first column alone, by which whole partitions need not be looked at.
            query = query.where(order[0] <= place[0] if newest_first else order[0] >= place[0])
    ordered = query.order_by(*(column.desc() if newest_first else column for column in order)).limit(limit)
    found: Sequence[Row[Any]] = (await connection.execute(ordered)).all()
    return found


async def _place(connection: AsyncConnection, order: Sequence[ColumnElement[Any]], after: object) -> Sequence[Any]:
    if len(order) == 1:
        return [after]
    found = (await connection.execute(select(*order).where(order[-1] == after))).one_or_none()
    if found is None:
        raise NotFound(f"No page ended with {after}; begin again without after.")
    return list(found)
