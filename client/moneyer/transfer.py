"""A table on its way here, without the sending: what to ask for, what came, and whether it is what was stated.

A download that is cut off goes on where it stopped, with the ``ETag`` it was begun with (RFC 9110, 14.2): where the
table was rendered to other bytes since, it begins anew. What has come is held to the digest of the answer
(``Repr-Digest``, RFC 9530) and to the one its record states.
"""

import hashlib
import re
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from dataclasses import replace
from typing import IO

from moneyer.calls import Call, Id
from moneyer.calls.generation import Form, download

MOST_TRIES = 5
PARTIAL = 206


class NotAsStated(Exception):
    """What came is not, byte for byte, what its record or its answer states."""


class Transfer:
    """One download into a file that can be read and written from its start."""

    def __init__(self, asset_id: Id, form: Form, into: IO[bytes], stated: str | None) -> None:
        self._asset_id, self._into, self._stated = asset_id, into, stated
        self._form: Form = form
        self._etag: str | None = None
        self._told: str | None = None
        self.got = 0
        self.tries = 0

    def call(self) -> Call[bytes]:
        """What to ask for now: the whole, or what is missing of what was begun."""
        call = download(self._asset_id, form=self._form)
        begun = self.got and self._etag is not None
        part = {"Range": f"bytes={self.got}-", "If-Range": str(self._etag)} if begun else {}
        # Digests and ranges are of the table's own bytes.
        return replace(call, headers={"Accept-Encoding": "identity", **part})

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Take up an answer: the part that was asked for, or the whole anew."""
        begins = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
        if status != PARTIAL or begins is None or int(begins[1]) != self.got:
            self._into.seek(0)
            self._into.truncate()
            self.got = 0
        self._etag, self._told = headers.get("ETag"), _sha256_of(headers.get("Repr-Digest", ""))

    def take(self, piece: bytes) -> None:
        self._into.write(piece)
        self.got += len(piece)

    def may_go_on(self) -> bool:
        """Whether to ask again after an answer was cut off."""
        self.tries += 1
        return self.tries < MOST_TRIES

    def finish(self) -> str:
        """The SHA-256 of what came, in hexadecimal digits.

        Raises:
            NotAsStated: the answer or the record states another.
        """
        self._into.seek(0)
        found = hashlib.file_digest(self._into, "sha256").hexdigest()  # type: ignore[arg-type]  # it is a binary file
        self._into.seek(0)
        for whose, stated in (("its record", self._stated), ("its answer", self._told)):
            if stated is not None and stated != found:
                raise NotAsStated(
                    f"asset {self._asset_id} as {self._form}: sha256 {found}, and {whose} states {stated}"
                )
        return found


def _sha256_of(header: str) -> str | None:
    """The digest in a ``Repr-Digest`` header, in hexadecimal digits."""
    found = re.search(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):", header)
    try:
        return b64decode(found[1], validate=True).hex() if found else None
    except NoBase64:
        return None
