"""What generation is told by its surroundings."""

from pathlib import Path

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
    connector_secrets: Path | None = None
    """Folder of secrets, a file each, that connections may refer to as ``file:NAME``; read by the worker alone."""
    connector_files: Path | None = None
    """Folder below which connections may read files and deliver new ones; none may without it."""
    connector_hosts: tuple[str, ...] = ()
    """Hosts that connections may reach though they lie in private networks, or without TLS."""
    connector_certificates: Path | None = None
    """Certificate authorities (PEM) that databases' certificates are held against; the public ones unless said."""
    pull_seconds: float = 3600.0
    pull_mebibytes: int = 2048


class MigrationSettings(DatabaseSettings):
    """What ``migrate`` is told."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_GENERATION_", frozen=True)
