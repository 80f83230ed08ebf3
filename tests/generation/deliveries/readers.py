"""Policy as a delivery asks it: importable without fixtures, for a worker in a process of its own."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from generation.conftest import PolicyThatPermits

from moneyer_shared.contracts.policy import DataKey
from moneyer_shared.errors import Forbidden


class PolicyOfReaders(PolicyThatPermits):
    """Lets everybody read until ``refuse``; which copies it knows of is written down, and outlives the process."""

    def __init__(self, book: Path) -> None:
        super().__init__()
        self._book = book
        self._book.touch()

    def refuse(self, code: str | None) -> None:
        self._refusal.write_text(code or "")

    @property
    def copies(self) -> set[str]:
        """The deliveries that a table was opened for, and that are not known to have left nothing."""
        said = [json.loads(line) for line in self._book.read_text().splitlines()]
        void = {one["void"] for one in said if "void" in one}
        return {one["opened"] for one in said if "opened" in one} - void

    async def check_reader(self, asset_id: UUID, subject: str) -> None:
        self._check()

    async def unlock(self, asset_id: UUID, request: Any) -> DataKey:
        self._check()
        if request.delivery is not None:
            self._note(opened=str(request.delivery), subject=request.subject)
        return await super().unlock(asset_id, request)

    async def void_copy(self, asset_id: UUID, delivery_id: UUID) -> None:
        self._note(void=str(delivery_id))

    @property
    def _refusal(self) -> Path:
        return self._book.with_suffix(".refused")

    def _check(self) -> None:
        if self._refusal.exists() and (code := self._refusal.read_text()):
            raise Forbidden("Policy says no.", code=code)

    def _note(self, **said: str) -> None:
        with self._book.open("a") as book:
            book.write(json.dumps(said) + "\n")
