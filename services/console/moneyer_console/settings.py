"""The console's settings, read from the environment."""

from base64 import b64decode
from binascii import Error as NotBase64
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

KEY_BYTES = 32


def _key(told: SecretStr) -> SecretStr:
    try:
        long_enough = len(b64decode(told.get_secret_value(), validate=True)) == KEY_BYTES
    except NotBase64:
        long_enough = False
    if not long_enough:
        message = "a session key is base64 of 32 bytes"
        raise ValueError(message)
    return told


def _address(told: str) -> str:
    return told.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """``MONEYER_CONSOLE_*``."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_CONSOLE_", frozen=True)

    issuer: Address
    client_id: str
    client_secret: SecretStr
    public_url: Address
    session_key: Annotated[SecretStr, AfterValidator(_key)]
    ended_sessions: Path
    policy_url: Address
    generation_url: Address
    evaluation_url: Address
    lineage_url: Address
    subject_claim: str = "sub"
    sign_in_scope: str = "openid profile offline_access"
    authorization_parameters: dict[str, str] = {}
    session_seconds: float = 8 * 3600
    confirmed_seconds: int = 300
    host: str = "127.0.0.1"
    port: int = 0
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _cookies_are_safe(self) -> Self:
        """Cookies of sessions are for https; a browser makes an exception of its own machine alone."""
        address = urlsplit(self.public_url)
        if address.scheme != "https" and not _is_loopback(address.hostname or ""):
            message = "PUBLIC_URL must be https, but on this machine alone"
            raise ValueError(message)
        return self

    @property
    def services(self) -> dict[str, str]:
        """Where the public API is, by service."""
        return {
            "policy": self.policy_url,
            "generation": self.generation_url,
            "evaluation": self.evaluation_url,
            "lineage": self.lineage_url,
        }


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
