"""Evaluation's settings, read from the environment."""

from pydantic_settings import SettingsConfigDict

from moneyer_shared.settings import DatabaseSettings, ServiceSettings


class Settings(ServiceSettings):
    """``MONEYER_EVALUATION_*``."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_EVALUATION_", frozen=True)

    policy_url: str
    generation_url: str
    objects_url: str
    concurrent_assays: int = 1
    glance_seconds: float = 30.0
    heartbeat_seconds: float = 20.0


class MigrationSettings(DatabaseSettings):
    """What ``migrate`` needs."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_EVALUATION_", frozen=True)
