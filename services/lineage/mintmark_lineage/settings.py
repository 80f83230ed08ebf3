"""What lineage is told by its surroundings."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from mintmark_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """``MINTMARK_LINEAGE_*``; the checkpoint key is base64 of 32 bytes."""

    model_config = SettingsConfigDict(env_prefix="MINTMARK_LINEAGE_", frozen=True)

    checkpoint_key: SecretStr
    log_origin: str = "mintmark.dev/log"
    checkpoint_seconds: float = 2.0
