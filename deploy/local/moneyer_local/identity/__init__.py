"""An identity provider for development: real sign-ins and signed tokens for the people and services of this machine.

Production points every service at its own OpenID Connect issuer instead; nothing else changes.
"""

from moneyer_local.identity.app import create_app
from moneyer_local.identity.people import CAST, PEOPLE, SERVICES
from moneyer_local.identity.tokens import complete, new_registry, sign_token

__all__ = ["CAST", "PEOPLE", "SERVICES", "complete", "create_app", "new_registry", "sign_token"]
