"""Sessions: sealed in the browser's cookies, so that no process keeps them; what is kept is which have ended.

A cookie is AES-256-GCM over what it holds, under a key for each purpose (HKDF-SHA256, RFC 5869), so that one is never
taken for another. Access tokens can be longer than a cookie may be: a value is cut into as many as it takes.
"""

import hashlib
import json
import os
import secrets
import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hmac import compare_digest
from hmac import digest as mac
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Response

Purpose = Literal["session", "sign-in", "kept-form"]
PIECE = 3_800
"""Browsers keep 4,096 bytes of a cookie, its name and attributes among them."""
MOST_PIECES = 6
NONCE_BYTES = 12


@dataclass(frozen=True)
class Session:
    """Who signed in, when they last proved it, and the tokens they were given; times in seconds since 1970."""

    id: str
    subject: str
    name: str
    access_token: str
    token_ends: float
    refresh_token: str | None
    id_token: str
    began: float
    confirmed_at: float

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Session":
        return cls(**content)


class Seal:
    """Seals what a browser keeps for us: it can neither read it nor change it, nor use it past its end."""

    def __init__(self, key: str) -> None:
        self._master = b64decode(key)

    def _key(self, purpose: str) -> bytes:
        return HKDF(SHA256(), length=32, salt=None, info=f"moneyer-console:{purpose}".encode()).derive(self._master)

    def close(self, purpose: Purpose, content: Mapping[str, Any], *, ends: float) -> str:
        nonce = os.urandom(NONCE_BYTES)
        inner = json.dumps({"ends": ends, "content": content}, ensure_ascii=False).encode()
        return urlsafe_b64encode(nonce + AESGCM(self._key(purpose)).encrypt(nonce, inner, purpose.encode())).decode()

    def open(self, purpose: Purpose, sealed: str, *, even_over: bool = False) -> Any:
        """What was sealed; None where it is not ours, was changed, was sealed for another purpose, or is over."""
        try:
            raw = urlsafe_b64decode(sealed.encode("ascii"))
            inner = AESGCM(self._key(purpose)).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            return None
        told = json.loads(inner)
        return told["content"] if even_over or told["ends"] > time.time() else None

    def form_token(self, session_id: str) -> str:
        """What every form of a session carries, and nobody else's page can know (double submit, bound to a session)."""
        return urlsafe_b64encode(mac(self._key("form-token"), session_id.encode(), "sha256")).decode()

    def is_form_token(self, session_id: str, given: str) -> bool:
        return compare_digest(self.form_token(session_id).encode(), given.encode())


# --- cookies -----------------------------------------------------------------------------------------


def cookie_value(cookies: Mapping[str, str], name: str) -> str:
    """The pieces of a value, put together; empty where there are none."""
    pieces = [cookies.get(_name_of(name, number), "") for number in range(MOST_PIECES)]
    return "".join(pieces)


def set_cookie(response: Response, cookies: Mapping[str, str], name: str, value: str, *, seconds: int) -> bool:
    """Put a value into as many cookies as it takes, and take away what is left of a longer one.

    Returns:
        Whether it fits; where it does not, nothing is set.
    """
    pieces = [value[start : start + PIECE] for start in range(0, len(value), PIECE)]
    if len(pieces) > MOST_PIECES:
        return False
    for number in range(MOST_PIECES):
        if number < len(pieces):
            _set(response, _name_of(name, number), pieces[number], seconds)
        elif _name_of(name, number) in cookies:
            _set(response, _name_of(name, number), "", 0)
    return True


def forget_cookie(response: Response, cookies: Mapping[str, str], name: str) -> None:
    set_cookie(response, cookies, name, "", seconds=0)


def _name_of(name: str, number: int) -> str:
    return f"__Host-moneyer-{name}" + (f"-{number}" if number else "")


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    """``Lax``: the issuer sends people back to us from another site, and links in letters must find them signed in.

    What changes something is a POST, which a ``Lax`` cookie does not go along with from elsewhere.
    """
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


# --- which have ended --------------------------------------------------------------------------------


class Endings:
    """What may be used no more: sessions that were ended, and sign-ins that were carried through.

    One empty file for each, named by a digest, in a folder that all processes of the console share: a cookie that was
    stolen is worth nothing after its owner signed out, at whichever process, and after a restart. A file is removed
    when what it names would have ended anyway.
    """

    def __init__(self, folder: Path, *, kept_seconds: float) -> None:
        self._folder = folder
        self._kept_seconds = kept_seconds
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def has_ended(self, name: str) -> bool:
        return self._file(name).exists()

    def end(self, name: str) -> bool:
        """End it; whether it had not ended before.

        Raises:
            OSError: it could not be written down, so it has not ended.
        """
        self._forget_old()
        try:
            written = os.open(self._file(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return False
        try:
            os.fsync(written)
        finally:
            os.close(written)
        self._sync_folder()
        return True

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def check(self) -> None:
        """Raises OSError: endings could not be written down now."""
        tried = self._folder / f"check-{secrets.token_hex(8)}"
        tried.write_bytes(b"written")
        tried.unlink()

    def _file(self, name: str) -> Path:
        return self._folder / hashlib.sha256(name.encode()).hexdigest()

    def _forget_old(self) -> None:
        oldest = time.time() - self._kept_seconds
        for entry in os.scandir(self._folder):
            # Another process may have removed it first.
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < oldest:
                    Path(entry.path).unlink()


def sealed_session(seal: Seal, session: Session, *, lasts: float) -> str:
    return seal.close("session", asdict(session), ends=session.began + lasts)
