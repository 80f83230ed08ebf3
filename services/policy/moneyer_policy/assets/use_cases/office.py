"""What use cases about assets ask of the office besides."""

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases.keyring import Keyring
from moneyer_policy.gate.use_cases.office import Office as OfficeOfGate


class Office(OfficeOfGate, Protocol):
    """Whose keys are kept, how long backups of them are, and where the house is found."""

    @property
    def keyring(self) -> Keyring: ...
    @property
    def backups_kept(self) -> timedelta: ...
    @property
    def public_url(self) -> str: ...

    def opening(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that opens keys."""
        ...
