"""What policy is told by its surroundings."""

from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from moneyer_shared.settings import DatabaseSettings, ServiceSettings


class Settings(ServiceSettings):
    """``MONEYER_POLICY_*``; the two keys are base64 of 32 bytes each, ``vault`` a folder."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_POLICY_", frozen=True)

    master_key: SecretStr
    signing_key: SecretStr
    vault: Path
    vault_backups_kept: timedelta = timedelta(days=30)
    public_url: str = ""
    permit_lifetime: timedelta = timedelta(minutes=30)
    sweep_seconds: float = 5.0


class MigrationSettings(DatabaseSettings):
    """What ``migrate`` is told."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_POLICY_", frozen=True)
