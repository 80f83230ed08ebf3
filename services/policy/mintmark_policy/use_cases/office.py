"""What every use case of policy works with, and the two secrets only policy holds."""

import os
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.store.rulebook import RulebookStore
from mintmark_policy.use_cases.lane import Lane
from mintmark_policy.use_cases.rulebook import Rulebook
from mintmark_shared.clock import Clock
from mintmark_shared.database import Database
from mintmark_shared.errors import Forbidden, Gone

KEY_BYTES = 32
NONCE_BYTES = 12


class Keyring:
    """Wraps data keys under the master key (AES-256-GCM); the key's id and resource are authenticated."""

    def __init__(self, master_key: str) -> None:
        self._cipher = AESGCM(b64decode(master_key, validate=True))

    @staticmethod
    def new_key() -> bytes:
        return os.urandom(KEY_BYTES)

    def wrap(self, key: bytes, *, resource: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, resource.encode())

    def unwrap(self, wrapped: bytes | None, *, resource: str) -> str:
        """The key as base64.

        Raises:
            Gone: the key was destroyed.
        """
        if wrapped is None:
            raise Gone("The key of this table was destroyed.", code="key-destroyed")
        key = self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], resource.encode())
        return b64encode(key).decode()


class PermitSigner:
    """Signs permits as JWS (Ed25519), so that a holder can show one and nobody can make one."""

    def __init__(self, signing_key: str) -> None:
        private = Ed25519PrivateKey.from_private_bytes(b64decode(signing_key, validate=True))
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = OKPKey.import_key(pem)

    def sign(self, *, permit_id: str, run_id: str, plan_digest: str, made_at: datetime, expires_at: datetime) -> str:
        claims = {
            "jti": permit_id,
            "run": run_id,
            "plan": plan_digest,
            "iat": int(made_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode({"alg": "Ed25519", "typ": "permit+jwt"}, claims, self._key, algorithms=["Ed25519"])

    def check(self, token: str, *, permit_id: str, plan_digest: str) -> None:
        """That the token is a permit we signed, for this id and plan; its time is the store's to judge.

        Raises:
            Forbidden: it is not.
        """
        try:
            decoded = jwt.decode(token, self._key, algorithms=["Ed25519"])
        except (JoseError, ValueError) as error:
            raise Forbidden("The permit's signature is not ours.", code="permit-forged") from error
        claims: dict[str, Any] = decoded.claims
        if claims.get("jti") != permit_id or claims.get("plan") != plan_digest:
            raise Forbidden("The permit is bound to another plan.", code="permit-for-another-plan")


@dataclass(frozen=True)
class Office:
    """Policy's collaborators."""

    database: Database
    clock: Clock
    keyring: Keyring
    signer: PermitSigner
    permit_lifetime: timedelta
    public_url: str = ""
    rulebook: Rulebook = field(default_factory=Rulebook)
    lane: Lane = field(default_factory=Lane)

    @asynccontextmanager
    async def changing(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that changes what the gate reads: it waits for the decisions under way, none outruns it."""
        async with self.database.transaction() as connection:
            await RulebookStore(connection).raise_epoch()
            yield connection
