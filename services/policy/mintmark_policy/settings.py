"""What policy is told by its surroundings."""

from datetime import timedelta

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from mintmark_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """``MINTMARK_POLICY_*``; the two keys are base64 of 32 bytes each."""

    model_config = SettingsConfigDict(env_prefix="MINTMARK_POLICY_", frozen=True)

    master_key: SecretStr
    signing_key: SecretStr
    public_url: str = ""
    permit_lifetime: timedelta = timedelta(minutes=30)
    sweep_seconds: float = 5.0
