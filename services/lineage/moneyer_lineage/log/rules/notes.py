"""Checkpoints as C2SP signed notes, and what witnesses put their names to."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519, COSIGNATURE = b"\x01", b"\x04"
KEY_ID, STAMP = 4, 8


class CheckpointSigner:
    """Signs tree heads as signed notes (C2SP tlog-checkpoint and signed-note, Ed25519)."""

    def __init__(self, seed: str, origin: str) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed, validate=True))
        self._public = self._key.public_key().public_bytes_raw()
        name = origin.encode() + b"\n"
        self._key_id = hashlib.sha256(name + ED25519 + self._public).digest()[:KEY_ID]

    @property
    def verifier_key(self) -> str:
        """The public key as a note verifier: name, key hash, algorithm and key."""
        encoded = base64.b64encode(ED25519 + self._public).decode()
        return f"{self.origin}+{self._key_id.hex()}+{encoded}"

    @property
    def key_id(self) -> str:
        """The key's id as signed notes and envelopes name it, hexadecimal."""
        return self._key_id.hex()

    def sign_bytes(self, content: bytes) -> bytes:
        """An Ed25519 signature of other content than a checkpoint; its encoding must say that it is none."""
        return self._key.sign(content)

    def sign(self, size: int, root: bytes) -> str:
        body = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._key_id + self._key.sign(body.encode())).decode()
        return f"{body}\n— {self.origin} {signature}\n"


class NotCosigned(Exception):
    """A witness answered with something that is not its signature on the checkpoint."""


@dataclass(frozen=True)
class Witness:
    """Somebody who signs that they saw a checkpoint and that it extends the last they saw (C2SP tlog-cosignature)."""

    name: str
    key: Ed25519PublicKey
    key_id: bytes

    @classmethod
    def of(cls, verifier_key: str) -> "Witness":
        """A witness by its verifier key, ``<name>+<id>+<base64 of 0x04 and the key>``.

        Raises:
            ValueError: the key is damaged, or of another kind.
        """
        name, told, encoded = verifier_key.strip().split("+", 2)
        key = base64.b64decode(encoded, validate=True)
        key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:KEY_ID]
        if key_id.hex() != told or key[:1] != COSIGNATURE:
            message = f"the key of witness {name} is damaged, or no cosignature key"
            raise ValueError(message)
        return cls(name, Ed25519PublicKey.from_public_bytes(key[1:]), key_id)

    def check(self, line: str, note: str) -> None:
        """That a signature line is this witness' on a checkpoint.

        Raises:
            NotCosigned: it is not.
        """
        if not line.startswith(f"— {self.name} "):
            raise NotCosigned("the line is another's")
        try:
            sealed = base64.b64decode(line.rsplit(" ", 1)[1], validate=True)
            key_id, stamp, signature = sealed[:KEY_ID], sealed[KEY_ID : KEY_ID + STAMP], sealed[KEY_ID + STAMP :]
            if key_id != self.key_id:
                raise NotCosigned("the line is by another key")
            self.key.verify(signature, cosigned(note, int.from_bytes(stamp)))
        except (ValueError, InvalidSignature) as error:
            raise NotCosigned("the signature does not hold") from error


def cosigned(note: str, at: int) -> bytes:
    """What a witness signs: its time, and the note's body."""
    return f"cosignature/v1\ntime {at}\n{body_of(note)}".encode()


def body_of(note: str) -> str:
    """A note without its signatures."""
    return note.partition("\n\n")[0] + "\n"
