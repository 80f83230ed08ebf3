"""What every service must be told by its surroundings; each service adds its own under its own prefix."""

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from moneyer_shared.claims import Reading, read_names, read_path


class DatabaseSettings(BaseSettings):
    """All that making a service's tables takes: a migration holds no key and speaks to nobody."""

    database_url: SecretStr


class IssuerSettings(BaseSettings):
    """Which claims of the issuer's tokens say what (``docs/guides/signing-in.md``)."""

    audience: str = ""
    subject_claim: str = "sub"
    client_claim: str = "client_id"
    scope_claim: str = "scope"
    role_claims: list[str | list[str]] = []
    role_names: dict[str, str | list[str]] = {}
    plain_jwt: bool = False
    token_scope: str = ""

    @field_validator("role_claims")
    @classmethod
    def _are_paths(cls, said: list[str | list[str]]) -> list[str | list[str]]:
        for path in said:
            read_path(path)
        return said

    @field_validator("role_names")
    @classmethod
    def _are_known(cls, said: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        read_names(said)
        return said

    @property
    def reading(self) -> Reading:
        return Reading(
            subject=self.subject_claim,
            client=self.client_claim,
            scope=self.scope_claim,
            roles=[read_path(path) for path in self.role_claims],
            names=read_names(self.role_names),
            plain=self.plain_jwt,
        )


class ServiceSettings(DatabaseSettings, IssuerSettings):
    """Read once, in ``__main__``; frozen afterwards."""

    issuer: str
    token_url: str
    client_id: str
    client_secret: SecretStr
    lineage_url: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    log_level: str = "INFO"
