"""What stands around every page: where one can go, who one is, and the calls of the API that the page is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Link:
    """A place in the navigation, with how much waits there."""

    title: str
    to: str
    is_here: bool = False
    waiting: int | None = None


@dataclass(frozen=True)
class Frame:
    """What stands around a page; of nobody, where nobody is signed in."""

    person: str = ""
    subject: str = ""
    form_token: str = ""
    links: Sequence[Link] = field(default_factory=list[Link])
    calls: Sequence[str] = field(default_factory=list[str])
    here: str = "/"
    theme: str = "system"


PLACES = (("Inbox", "/"), ("Reviews", "/reviews"), ("Runs", "/runs"), ("Assets", "/assets"))
"""Another page that is always at hand is a line here."""


def navigation(path: str, waiting: int | None) -> list[Link]:
    return [
        Link(title, to, _is_at(path, to), waiting if to == "/" else None)
        for title, to in PLACES
    ]  # fmt: skip


def _is_at(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(f"{place}/"))
