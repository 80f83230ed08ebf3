"""An input of a draft: bytes under a name, bounded before they are read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from moneyer_shared.documents import read_json, utf8
from moneyer_shared.errors import Invalid, TooLarge

LARGEST_DOCUMENT = 2**20
"""Bytes of a schema, a contract or a codebook."""
MOST_COLUMNS = 500
_NAME = re.compile(r"[^\x00-\x1f]{1,120}")
YAML = {".yaml", ".yml"}
JSON = {".json", ".jsonld", ".json-ld"}


@dataclass(frozen=True)
class Given:
    """A document and the name it goes by; its name's ending says how it is read."""

    name: str
    content: bytes

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).name.split(".", 1)[0]

    @cached_property
    def text(self) -> str:
        """The document as text.

        Raises:
            Invalid: it is not UTF-8, or holds NUL.
            TooLarge: it is no document that a person would read.
        """
        if len(self.content) > LARGEST_DOCUMENT:
            raise TooLarge(f"{self.name} is larger than {LARGEST_DOCUMENT} bytes, as no schema or codebook is.")
        if b"\x00" in self.content:
            raise unreadable(self, "text holds no NUL.")
        return utf8(self.content.removeprefix(b"\xef\xbb\xbf"), "document-unreadable")

    @cached_property
    def value(self) -> Any:
        """What a YAML or JSON document states; None where it is neither.

        Raises:
            Invalid: it cannot be read, or in two ways.
        """
        if self.suffix in YAML:
            from moneyer_shared.plain_yaml import LARGEST_YAML, read_yaml

            if len(self.content) > LARGEST_YAML:
                raise TooLarge(f"{self.name} is larger than {LARGEST_YAML} bytes of YAML; send it as JSON.")
            return read_yaml(self.content)
        if self.suffix in JSON:
            return read_json(self.text.encode())
        return None

    @property
    def members(self) -> dict[str, Any]:
        """The members of a document that is an object; none where it is not."""
        return self.value if isinstance(self.value, dict) else {}


def unreadable(given: Given, why: str) -> Invalid:
    return Invalid(f"{given.name} cannot be read: {why}", code="document-unreadable")


def check_names(given: Given, names: Sequence[str]) -> None:
    """That a source may have columns of these names.

    Raises:
        Invalid: they are too many, or one is no name, or two are the same.
    """
    if len(names) > MOST_COLUMNS:
        raise unreadable(given, f"a source has at most {MOST_COLUMNS} columns.")
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise unreadable(given, "every column has a name of its own, of 1 to 120 letters without controls.")


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, where it is one; all else a document may hold in its place is left aside."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def members_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def words_of(value: Any) -> str:
    """Prose out of a document, on one line and short; nothing where there is none."""
    return " ".join(value.split())[:300] if isinstance(value, str) else ""


def text_of(value: Any) -> str | None:
    """A number, truth or text as a table writes it; None for all else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    return value.strip() if isinstance(value, str) and value.strip() else None


def texts_of(values: Any) -> tuple[str, ...]:
    """The distinct values of a list as a table writes them, in their order."""
    found = [text_of(value) for value in values] if isinstance(values, list) else []
    return tuple(dict.fromkeys(text for text in found if text is not None))
