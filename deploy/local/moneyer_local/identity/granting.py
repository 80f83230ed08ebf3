"""The token endpoint: each grant, what it demands, and what it hands out."""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from moneyer_local.identity.authorizing import openid_scope
from moneyer_local.identity.clients import CODE, CREDENTIALS, DEVICE, REFRESH, Client
from moneyer_local.identity.memory import DEVICE_SECONDS, POLL_SECONDS, Device, Family, Memory, Session
from moneyer_local.identity.people import CAST
from moneyer_local.identity.requests import Asked, OAuthError
from moneyer_local.identity.tokens import LIFETIME_SECONDS, sign_id_token, sign_token

AUDIENCES = ("moneyer-policy", "moneyer-generation", "moneyer-evaluation", "moneyer-lineage")
PERSON_SECONDS = 600
"""How long a person's access token lives: what somebody may do is looked at again by each refresh."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
Answer = dict[str, Any]


@dataclass(frozen=True)
class Issuer:
    """Who signs, and what is remembered."""

    url: str
    registry: Mapping[str, Any]
    memory: Memory

    def grant(self, client: Client, asked: Asked) -> Answer:
        """Tokens for what a client shows.

        Raises:
            OAuthError: it may not, or what it shows does not count.
        """
        kind = asked.get("grant_type", "")
        grants: Mapping[str, Callable[[Client, Asked], Answer]] = {
            CREDENTIALS: self._credentials, CODE: self._code, REFRESH: self._refresh, DEVICE: self._device,
        }  # fmt: skip
        if kind not in grants:
            raise OAuthError("unsupported_grant_type", f"Offered are: {', '.join(grants)}.")
        if kind not in client.grants:
            raise OAuthError("unauthorized_client", "This client may not use that grant.")
        return grants[kind](client, asked)

    def _credentials(self, client: Client, asked: Asked) -> Answer:
        if "audience" not in asked:
            raise OAuthError("invalid_request", "Say whom the token is for: audience.")
        access = sign_token(self.registry, issuer=self.url, client=client.client_id, audience=asked["audience"])
        return {"access_token": access, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS}

    def _code(self, client: Client, asked: Asked) -> Answer:
        code = self.memory.codes.get(asked.get("code", ""))
        if code is None or code.request.client_id != client.client_id:
            raise OAuthError("invalid_grant", "The code is unknown, or its minute is over.")
        if code.family is not None:
            self.memory.families.take(code.family)
            raise OAuthError("invalid_grant", "The code was used before; what it was used for is ended.")
        request = code.request
        # Spent before it is looked at: whoever guesses at its verifier has one guess.
        code.family = self.memory.families.put(Family(client.client_id, code.session, request.scope))
        if asked.get("redirect_uri") != request.redirect_uri or not _proves(asked, request.challenge):
            self.memory.families.take(code.family)
            raise OAuthError("invalid_grant", "The redirect_uri or the code_verifier is not the one of the request.")
        return self._tokens(code.family, nonce=request.nonce)

    def _refresh(self, client: Client, asked: Asked) -> Answer:
        found = self.memory.family_of(asked.get("refresh_token", ""))
        if found is None or found[1].client_id != client.client_id:
            raise OAuthError("invalid_grant", "The refresh token does not count any more; sign in again.")
        return self._tokens(found[0])

    def _device(self, client: Client, asked: Asked) -> Answer:
        name = asked.get("device_code", "")
        device = self.memory.devices.get(name)
        if device is None or device.client_id != client.client_id:
            raise OAuthError("expired_token", "Nobody waits by this device code, or its time is over.")
        now = self.memory.clock()
        if now - device.asked_at < device.pause:
            device.pause += POLL_SECONDS
            device.asked_at = now
            raise OAuthError("slow_down", f"Ask every {device.pause:.0f} seconds.")
        device.asked_at = now
        if device.refused:
            raise OAuthError("access_denied", "Somebody said no.")
        if device.session is None:
            raise OAuthError("authorization_pending", "Nobody has said yet who speaks.")
        self.memory.devices.take(name)
        return self._tokens(self.memory.families.put(Family(client.client_id, device.session, device.scope)))

    def begin_device(self, client: Client, asked: Asked) -> Answer:
        """A device code, and the code that a person types (RFC 8628 §3.2)."""
        if DEVICE not in client.grants:
            raise OAuthError("unauthorized_client", "This client may not use that grant.")
        device = Device(client.client_id, openid_scope(asked.get("scope", "")), self.memory.new_user_code())
        page = f"{self.url}/device"
        return {
            "device_code": self.memory.devices.put(device),
            "user_code": device.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={device.user_code}",
            "expires_in": DEVICE_SECONDS,
            "interval": POLL_SECONDS,
        }

    def revoke(self, client: Client, token: str) -> None:
        """End the family of a refresh token; one of another client, or of nobody, is passed over (RFC 7009 §2.2)."""
        found = self.memory.family_of(token)
        if found is not None and found[1].client_id == client.client_id:
            self.memory.families.take(found[0])

    def _tokens(self, family_id: str, *, nonce: str | None = None) -> Answer:
        family = self.memory.families.get(family_id)
        if family is None:
            raise OAuthError("invalid_grant", "The sign-in ended just now.")
        access = self._access(family)
        told = {"aud": family.client_id, "auth_time": family.session.auth_time, "sid": family.session.sid}
        identity = sign_id_token(
            self.registry,
            issuer=self.url,
            lifetime=PERSON_SECONDS,
            access=access,
            nonce=nonce,
            **told,
            **claims_of(family.session),
        )
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": PERSON_SECONDS,
            "refresh_token": self.memory.next_refresh(family_id),
            "id_token": identity,
            "scope": _scope(family),
        }

    def _access(self, family: Family) -> str:
        return sign_token(
            self.registry,
            issuer=self.url,
            client=family.client_id,
            audience=list(AUDIENCES),
            scope=_scope(family),
            lifetime=PERSON_SECONDS,
            auth_time=family.session.auth_time,
            sid=family.session.sid,
            **claims_of(family.session),
        )


def claims_of(session: Session) -> dict[str, Any]:
    """Who somebody is, in the claims that providers use."""
    person = CAST[session.person]
    roles = list(person.roles)
    return {
        "sub": session.person,
        "name": person.name,
        "preferred_username": session.person,
        "roles": roles,
        "groups": [f"moneyer-{role}" for role in roles],
    }


def _scope(family: Family) -> str:
    return f"{family.scope} {CAST[family.session.person].scope}"


def _proves(asked: Asked, challenge: str) -> bool:
    verifier = asked.get("code_verifier", "")
    if VERIFIER.fullmatch(verifier) is None:
        return False
    made = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
