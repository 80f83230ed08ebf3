"""What every service must be told by its surroundings; each service adds its own under its own prefix."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings


class DatabaseSettings(BaseSettings):
    """All that making a service's tables takes: a migration holds no key and speaks to nobody."""

    database_url: SecretStr


class ServiceSettings(DatabaseSettings):
    """Read once, in ``__main__``; frozen afterwards."""

    issuer: str
    token_url: str
    client_id: str
    client_secret: SecretStr
    lineage_url: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    log_level: str = "INFO"
