"""What lineage is told by its surroundings."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from moneyer_shared.settings import DatabaseSettings, ServiceSettings


class Settings(ServiceSettings):
    """``MONEYER_LINEAGE_*``; the two keys are base64 of 32 bytes."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_LINEAGE_", frozen=True)

    checkpoint_key: SecretStr
    webhook_key: SecretStr
    policy_url: str
    evaluation_url: str
    log_origin: str = "moneyer.dev/log"
    checkpoint_seconds: float = 2.0
    checkpoint_webhooks: tuple[str, ...] = ()
    checkpoint_store_url: str | None = None
    openlineage_sinks: Mapping[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """Bearer token of each other receiver of OpenLineage events by its URL; an empty one for none."""
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of one's own that webhooks may lead into; else only the public internet is called, and by https."""
    curator: str = "the operator of this moneyer"
    """Who answers for the data, by the name that stands on public cards."""
    registries: Mapping[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """The secret that each MLflow model registry signs its webhooks with, by a name of one's own for it."""
    speakers: Mapping[str, str] = Field(
        default_factory=lambda: {name: name for name in ("policy", "generation", "evaluation")}
    )
    """The service that each client at the issuer speaks for in the audit log, by its ``client_id``."""
    witnesses: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Verifier key of each witness by the URL it takes checkpoints at."""


class MigrationSettings(DatabaseSettings):
    """What ``migrate`` is told."""

    model_config = SettingsConfigDict(env_prefix="MONEYER_LINEAGE_", frozen=True)
