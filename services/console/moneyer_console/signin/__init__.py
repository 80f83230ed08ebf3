"""Signing in by OpenID Connect: what is asked of the issuer, and what of its answers is believed."""
