"""The key that only policy signs with."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from moneyer_policy.gate.store.decisions import StoredPermit
from moneyer_policy.gate.store.hot import PermitRow
from moneyer_shared.canonical import canonical
from moneyer_shared.contracts.policy import Permit
from moneyer_shared.dsse import STATEMENT, dsse
from moneyer_shared.errors import Forbidden


class Signer:
    """Signs permits as JWS and certificates in envelopes (both Ed25519): anybody may read them, nobody makes one."""

    def __init__(self, signing_key: str) -> None:
        private = Ed25519PrivateKey.from_private_bytes(b64decode(signing_key, validate=True))
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = OKPKey.import_key(pem)
        self._private = private
        raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public_key, self.key_id = b64encode(raw).decode(), hashlib.sha256(raw).hexdigest()

    def sign_statement(self, statement: Mapping[str, object]) -> dict[str, Any]:
        """An in-toto statement in a signed envelope (DSSE 1.0)."""
        return dsse(STATEMENT, canonical(statement), key_id=self.key_id, sign=self._private.sign)

    def sign(self, *, permit_id: str, run_id: str, plan_digest: str, made_at: datetime, expires_at: datetime) -> str:
        claims = {
            "jti": permit_id,
            "run": run_id,
            "plan": plan_digest,
            "iat": int(made_at.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode({"alg": "Ed25519", "typ": "permit+jwt"}, claims, self._key, algorithms=["Ed25519"])

    def permit(self, given: PermitRow | StoredPermit) -> Permit:
        """What was permitted as the caller gets it, with the token that redeems it."""
        token = self.sign(
            permit_id=str(given.id),
            run_id=str(given.run_id),
            plan_digest=given.plan_digest,
            made_at=given.made_at,
            expires_at=given.expires_at,
        )
        return Permit(id=given.id, token=token, expires_at=given.expires_at)

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
