"""What generation is told by its surroundings."""

from pydantic_settings import SettingsConfigDict

from moneyer_shared.settings import DatabaseSettings, ServiceSettings


class Settings(ServiceSettings):
    """``MONEYER_GENERATION_*``."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_GENERATION_", frozen=True)

    policy_url: str
    evaluation_url: str
    objects_url: str
    maximum_upload_bytes: int = 4 * 2**30
    maximum_table_bytes: int = 16 * 2**30
    concurrent_runs: int = 1
    keep_spare: bool = True
    job_seconds: float | None = 6 * 3600
    job_mebibytes: int | None = None
    heartbeat_seconds: float = 20.0
    ray_address: str | None = None
    """A Ray cluster's head, such as ``10.0.0.7:6379``; jobs are then carried on its nodes."""


class MigrationSettings(DatabaseSettings):
    """What ``migrate`` is told."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_GENERATION_", frozen=True)
