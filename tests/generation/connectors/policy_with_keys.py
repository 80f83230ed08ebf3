"""Policy as a pull asks it: importable without the tests' fixtures, for a worker in a process of its own."""

import json
from pathlib import Path
from uuid import UUID, uuid4

from moneyer_shared.contracts.policy import DataKey, KeyRequest, KeyReturn, PopulationUnit

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class PolicyWithKeys:
    """What a pull asks of policy; what it was asked is written down, and outlives the process."""

    def __init__(self, book: Path) -> None:
        self._book = book
        self._book.touch()

    @property
    def open_keys(self) -> set[str]:
        """The resources whose key was made and never given back."""
        said = [json.loads(line) for line in self._book.read_text().splitlines()]
        made = [entry["made"] for entry in said if "made" in entry]
        return set(made) - {entry["back"] for entry in said if "back" in entry}

    @property
    def made(self) -> int:
        return self._book.read_text().count('"made"')

    async def population_unit(self, population_id: UUID) -> PopulationUnit | None:
        return PopulationUnit(kind="row")

    async def new_source_key(self, request: KeyRequest) -> DataKey:
        self._note("made", request.resource)
        return DataKey(id=uuid4(), key=KEY)

    async def give_back_source_key(self, request: KeyReturn) -> None:
        self._note("back", request.resource)

    def _note(self, what: str, resource: str) -> None:
        with self._book.open("a") as book:
            book.write(json.dumps({what: resource}) + "\n")
