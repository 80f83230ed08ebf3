"""What use cases that do not go through the door yet ask of the house's office."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.clock import Clock
from moneyer_shared.database import Database


class Office(Protocol):
    """The house's database and clock."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...

    def changing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that changes what the gate reads."""
        ...
