"""What the command line remembers: where each moneyer is, and who signed in there."""

import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from moneyer.signing_in import NotSignedIn, Tokens
from moneyer_shared.documents import read_json
from moneyer_shared.errors import Invalid

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
USUAL = "default"
SERVICE = "moneyer"
OWNERS_ALONE, OTHERS = 0o600, 0o077


@dataclass(frozen=True)
class Profile:
    """One moneyer: the issuer one signs in at, as which client, and where the services are."""

    issuer: str
    client_id: str
    services: Mapping[str, str]
    scope: str = ""
    audience: str = ""


class Keeper(Protocol):
    """Where tokens are kept."""

    @property
    def place(self) -> str:
        """In words."""
        ...

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, text: str) -> None: ...

    def forget(self, name: str) -> None: ...


@dataclass(frozen=True)
class Files:
    """Files that their owner alone may read, replaced whole."""

    folder: Path

    @property
    def place(self) -> str:
        return str(self.folder)

    def read(self, name: str) -> str | None:
        path = self._path(name)
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return None
        if os.name == "posix" and mode & OTHERS:
            raise NotSignedIn(f"Others may read {path}; it holds a token. Run: chmod 600 {path}")
        return path.read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        staging = self.folder / f".{name}.{os.getpid()}.new"
        opened = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNERS_ALONE)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            os.chmod(staging, OWNERS_ALONE)  # noqa: PTH101 - a file left by a killed process may be another's
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(self._path(name))

    def forget(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


@dataclass(frozen=True)
class Keyring:
    """The keyring of the desktop, by the package of that name."""

    ring: Any

    @property
    def place(self) -> str:
        return "the keyring"

    def read(self, name: str) -> str | None:
        with _ringing(self.ring):
            found: str | None = self.ring.get_password(SERVICE, name)
        return found

    def write(self, name: str, text: str) -> None:
        with _ringing(self.ring):
            self.ring.set_password(SERVICE, name, text)

    def forget(self, name: str) -> None:
        if self.read(name) is not None:
            with _ringing(self.ring):
                self.ring.delete_password(SERVICE, name)


@contextmanager
def _ringing(ring: Any) -> Generator[None]:
    try:
        yield
    except ring.errors.KeyringError as error:
        raise NotSignedIn(f"The keyring does not open: {error}") from error


def keeper_of(folder: Path) -> Keeper:
    """The keyring where there is one; a machine without a desktop has files."""
    try:
        import keyring  # pyright: ignore[reportMissingImports]
        from keyring.backends import fail  # pyright: ignore[reportMissingImports]
    except ImportError:
        return Files(folder / "tokens")
    if isinstance(keyring.get_keyring(), fail.Keyring):
        return Files(folder / "tokens")
    return Keyring(keyring)


def usual_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "moneyer"


class Profiles:
    """All that is remembered in one folder."""

    def __init__(self, folder: Path | None = None, keeper: Keeper | None = None) -> None:
        self._folder = folder or usual_folder()
        self.keeper = keeper or keeper_of(self._folder)
        self._files = Files(self._folder / "profiles")

    def find(self, name: str) -> Profile | None:
        kept = self._files.read(checked(name))
        if kept is None:
            return None
        said = _read(kept, name)
        return Profile(said["issuer"], said["client_id"], said["services"], said["scope"], said["audience"])

    def save(self, name: str, profile: Profile) -> None:
        self._files.write(checked(name), json.dumps(asdict(profile)))

    def tokens(self, name: str) -> Tokens | None:
        kept = self.keeper.read(checked(name))
        if kept is None:
            return None
        said = _read(kept, name)
        return Tokens(said["access"], said["ends_at"], said["refresh"])

    def keep(self, name: str, tokens: Tokens) -> None:
        self.keeper.write(checked(name), json.dumps(asdict(tokens)))

    def forget(self, name: str) -> None:
        self.keeper.forget(checked(name))

    @contextmanager
    def alone(self, name: str) -> Generator[None]:
        """One process of this person at a time: a refresh token counts once, and two that show it end the sign-in."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / f"{checked(name)}.lock").open("w") as lock:
            if os.name == "posix":
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def checked(name: str) -> str:
    """Raises NotSignedIn: it is no name of a profile."""
    if NAME.fullmatch(name) is None:
        raise NotSignedIn(f"A profile is named by letters, digits, dots and dashes: {name!r}")
    return name


def _read(kept: str, name: str) -> dict[str, Any]:
    try:
        said = read_json(kept.encode())
    except Invalid:
        said = None
    if not isinstance(said, dict):
        raise NotSignedIn(f"What is kept of {name} cannot be read; sign in again: moneyer login --profile {name}")
    return said
