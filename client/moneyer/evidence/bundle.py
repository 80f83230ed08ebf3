"""A bundle that is being verified: its documents, the entries it proves, and what was compared so far."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from moneyer.audit import NotProven
from moneyer.evidence.documents import Place, places, read_strictly
from moneyer.evidence.entries import Entry, entries_of, envelope_content
from moneyer.evidence.packed import LARGEST, unpack
from moneyer.evidence.report import Checked, Report
from moneyer_shared import leaves
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import MoneyerError
from moneyer_shared.provenance import MEMBERS, UNLISTED, subjects_of

Json = dict[str, Any]
NAMES = frozenset(MEMBERS) | UNLISTED
"""What a bundle holds: all of these and nothing else. No key is among them: one from inside would prove nothing."""


class Bundle:
    """An evidence bundle and the key it is held to, which the verifier keeps from another day."""

    def __init__(self, files: Mapping[str, bytes], verifier_key: str) -> None:
        self.files = files
        self.key = verifier_key.strip()
        self._proven: set[Place] = set()
        self._notes: list[Checked] = []
        self.documents: dict[str, Any] = {}
        """Those that were read so far."""

    @classmethod
    def open(cls, path: Path, verifier_key: str) -> "Bundle":
        """Read a bundle.

        Raises:
            NotProven: it is no bundle, or could be read in two ways.
        """
        if path.stat().st_size > LARGEST:
            raise NotProven("the file is larger than any bundle")
        return cls(unpack(path.read_bytes(), NAMES), verifier_key)

    def check(self, checks: Iterable[Callable[["Bundle"], None]] | None = None) -> Report:
        """Every check in order; one that cannot be made contradicts what it looks at."""
        from moneyer.evidence.checks import CHECKS

        self._proven, self._notes = set(), []
        for check in checks or CHECKS:
            self._make(check)
        every = {place for name in self.documents for place in places((name,), self.documents[name])}
        proven = {place for place in every if self.is_part_proven(place)}
        return Report(proven, every - proven, tuple(self._notes))

    def _make(self, check: Callable[["Bundle"], None]) -> None:
        try:
            check(self)
        except NotProven as error:
            self.contradict(check.__name__.strip("_"), str(error))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, MoneyerError) as error:
            self.contradict(check.__name__.strip("_"), f"it is not of the form bundles have ({type(error).__name__})")

    # --- what is in it ------------------------------------------------------------------------

    def read(self, name: str) -> Any:
        """A member's document.

        Raises:
            NotProven: it is not there, or could be read in two ways.
        """
        if name not in self.documents:
            if name not in self.files:
                raise NotProven(f"{name} is not in the bundle")
            self.documents[name] = read_strictly(name, self.files[name])
        return self.documents[name]

    def opened(self, name: str, kind: str) -> bytes:
        """The content of a signed envelope (DSSE 1.0).

        Raises:
            NotProven: it is not signed with the log's key, or is of another kind.
        """
        return envelope_content(name, self.read(name), kind, self.key)

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """The log entries that the bundle proves, in their order.

        Raises:
            NotProven: one of them is not proven.
        """
        return entries_of(self.files["checkpoint.txt"], self.read("proofs.json"), self.key)

    @property
    def asset(self) -> str:
        return str(self.read("record.json")["asset"])

    @property
    def dossier(self) -> Json:
        """What policy told, as lineage composes the rest of it."""
        names = {"charter": "charter", "decision": "decision", "request": "request", "charter_review": "votes"}
        told = {part: self.read(f"{name}.json") for part, name in names.items()}
        return told | {"reviews": self.read("reviews.json"), "permit": {"id": self.permit}}

    @property
    def permit(self) -> str | None:
        """The permit that the asset was paid with, by the entry of its redemption."""
        for entry in self.about(Action.PERMIT_REDEEM):
            if entry.details.get("run") == self.asset:
                return entry.subject.removeprefix("permit:")
        return None

    @property
    def subjects(self) -> Sequence[str]:
        return subjects_of(self.asset, self.dossier)

    def about(self, action: str, subject: str | None = None, *, service: str = "policy") -> list[Entry]:
        """Proven entries of an action, which may end in ``.*``, in their order."""
        kind = action.removesuffix("*")
        return [
            entry
            for entry in self.entries
            if (entry.action.startswith(kind) if action.endswith("*") else entry.action == action)
            and entry.service == service
            and subject in {None, entry.subject}
        ]

    # --- what was compared --------------------------------------------------------------------

    def prove(self, *found: Place) -> None:
        """These places, and all that stands under them, are what the log speaks of."""
        self._proven.update(found)

    def contradict(self, item: str, why: str) -> None:
        self._notes.append(Checked(item, "contradicted", why))

    def note(self, item: str, said: str, *, proven: bool) -> None:
        """What was found of something that is no value of a document."""
        self._notes.append(Checked(item, "proven" if proven else "not proven", said))

    def is_proven(self, *names: str) -> bool:
        """Whether all of these members are proven by now, every value."""
        return all(self.is_part_proven(place) for name in names for place in places((name,), self.read(name)))

    def is_part_proven(self, place: Place) -> bool:
        """Whether a place and all that stands under it is proven by now."""
        return any(place[:end] in self._proven for end in range(1, len(place) + 1))

    def salt_of(self, entry: Entry) -> bytes | None:
        told = self.read("salts.json").get(entry.id)
        if told is None:
            return None
        salt = bytes.fromhex(told)
        if salt.hex() != told:
            raise NotProven("a salt is written otherwise than salts are")
        return salt

    def seals(self, entry: Entry, what: str, shown: Any) -> bool | None:
        """Whether an entry holds this document's digest; None where that cannot be told."""
        told, salt = entry.details.get("shown", {}).get(what), self.salt_of(entry)
        if told is None or salt is None:
            return None
        return bool(leaves.document(salt, shown) == told)

    def compare(self, entry: Entry, what: str, shown: Any, *found: Place) -> None:
        """Hold what is shown to what an entry says was so.

        Raises:
            NotProven: it is another.
        """
        held = self.seals(entry, what, shown)
        if held is False:
            raise NotProven(f"the log speaks of another {what} in entry {entry.index}")
        if held:
            self.prove(*found, ("salts.json", entry.id))

    def match(self, entries: Iterable[Entry], what: str, shown: Mapping[Place, Any]) -> None:
        """Hold several documents to the entries that speak of one each.

        Raises:
            NotProven: an entry speaks of one that is not shown.
        """
        left = dict(shown)
        for entry in entries:
            held = {place: self.seals(entry, what, document) for place, document in left.items()}
            found = next((place for place, holds in held.items() if holds), None)
            if found is not None:
                self.prove(found, ("salts.json", entry.id))
                del left[found]
            elif self.seals(entry, what, None) is not None:
                raise NotProven(f"the log speaks in entry {entry.index} of a {what} that is not shown")
