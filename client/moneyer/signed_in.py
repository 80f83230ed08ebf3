"""Somebody who signed in, as a client's connection: their token for every service, renewed by itself."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from moneyer.profiles import USUAL, Profile, Profiles
from moneyer.signing_in import AGAIN, Issuer, NotSignedIn, Tokens

PATIENCE = httpx.Timeout(30, connect=5)


@dataclass(frozen=True)
class SignedIn:
    """Who signed in at a profile's issuer; ``http`` and ``clock`` may be a test's."""

    profile: Profile
    profiles: Profiles
    name: str = USUAL
    clock: Callable[[], float] = time.time
    http: Callable[[], httpx.Client] = field(default=lambda: httpx.Client(timeout=PATIENCE))

    @classmethod
    def found(cls, name: str = USUAL, profiles: Profiles | None = None) -> "SignedIn | None":
        """Who signed in under a profile's name; None where nobody did."""
        kept = profiles or Profiles()
        profile = kept.find(name)
        return cls(profile, kept, name) if profile is not None and kept.tokens(name) is not None else None

    @property
    def services(self) -> Mapping[str, str]:
        return self.profile.services

    def token(self) -> str:
        """An access token that is good for a while yet.

        Raises:
            NotSignedIn: the sign-in has ended, or the issuer cannot be asked for another.
        """
        kept = self._kept()
        if kept.last(self.clock()):
            return kept.access
        with self.profiles.alone(self.name):
            # Another process may have renewed it while this one waited.
            kept = self._kept()
            if kept.last(self.clock()):
                return kept.access
            with self.http() as http:
                issuer = Issuer.discover(self.profile.issuer, self.profile.client_id, http, clock=self.clock)
                renewed = issuer.renew(kept)
            self.profiles.keep(self.name, renewed)
        return renewed.access

    def _kept(self) -> Tokens:
        kept = self.profiles.tokens(self.name)
        if kept is None:
            raise NotSignedIn(f"Nobody is signed in here{AGAIN}")
        return kept
