"""Connections: places that tables of sources are pulled from, and released tables delivered to."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from moneyer_shared.contracts.documents import Document, Moment, Name

SecretRef = Annotated[str, StringConstraints(pattern=r"^(env|file):[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
"""``env:NAME`` or ``file:NAME``: where the worker finds a secret; the secret itself stands nowhere in moneyer."""
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
Host = Annotated[str, StringConstraints(pattern=HOST)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}$")]
"""A user, a database, a bucket: no space and no quote, so that it means one thing to every driver."""
BelowPath = Annotated[str, StringConstraints(pattern=r"^[^/\x00-\x1f\\][^\x00-\x1f\\]{0,999}$")]
"""Parts with ``/`` between them, below a root that the connection or the operator names."""


def _stays_below(path: str) -> bool:
    return all(part not in {"", ".", ".."} for part in path.split("/"))


class _Below(Document):
    """A place named by parts below a root."""

    path: BelowPath

    @model_validator(mode="after")
    def _is_below(self) -> "_Below":
        if not _stays_below(self.path):
            message = "a path has no empty part, no . and no .. in it"
            raise ValueError(message)
        return self


class Postgres(Document):
    """A PostgreSQL database; the secret is the user's password, proved by SCRAM and never sent."""

    kind: Literal["postgres"]
    host: Host
    port: Port = 5432
    database: Word
    user: Word
    tls: Literal["verify-full", "require", "none"] = "verify-full"


class MySql(Document):
    """A database of MySQL or MariaDB; the secret is the user's password."""

    kind: Literal["mysql"]
    host: Host
    port: Port = 3306
    database: Word
    user: Word
    tls: Literal["verify-full", "require", "none"] = "verify-full"


class Snowflake(Document):
    """A database of Snowflake; the secret is the user's private key (PKCS #8 in PEM), which signs and is never sent."""

    kind: Literal["snowflake"]
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,62}){0,3}$")]
    database: Word
    user: Word
    warehouse: Word
    schema_name: Word = "PUBLIC"
    role: Word | None = None


class BigQuery(Document):
    """A project of BigQuery; the secret is a service account's key (JSON), which signs and is never sent."""

    kind: Literal["bigquery"]
    project: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]{4,99}$")]
    dataset: Word | None = None
    location: Word | None = None


class IcebergCatalog(_Below):
    """An Iceberg SQL catalog in a SQLite file below the operator's folder of files; its tables lie below it too."""

    kind: Literal["iceberg"]
    catalog: Word


class DuckDb(_Below):
    """A DuckDB file below the operator's folder of files."""

    kind: Literal["duckdb"]


class Sqlite(_Below):
    """A SQLite file below the operator's folder of files."""

    kind: Literal["sqlite"]


class Files(Document):
    """The operator's folder of files, or a folder in it."""

    kind: Literal["files"]
    path: BelowPath | None = None

    @model_validator(mode="after")
    def _is_below(self) -> "Files":
        if self.path is not None and not _stays_below(self.path):
            message = "a path has no empty part, no . and no .. in it"
            raise ValueError(message)
        return self


class S3(Document):
    """A bucket of a store that speaks S3's protocol; the secret is that of ``access_key``, none for a public one."""

    kind: Literal["s3"]
    bucket: Word
    region: Word = "us-east-1"
    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$")] | None = None
    access_key: Word | None = None


class Gcs(Document):
    """A bucket of Google Cloud Storage; the secret is a service account's key as JSON, none for a public one."""

    kind: Literal["gcs"]
    bucket: Word


class Azure(Document):
    """A container of Azure Blob Storage; the secret is the account's key, none for a public one."""

    kind: Literal["azure"]
    account: Word
    container: Word


Databases = Postgres | MySql | Snowflake | BigQuery | DuckDb | Sqlite | IcebergCatalog
Target = Annotated[Databases | Files | S3 | Gcs | Azure, Field(discriminator="kind")]
SECRETLESS = {"duckdb", "sqlite", "files", "iceberg"}
SECRETS = {"postgres": "password", "mysql": "password", "snowflake": "private key", "bigquery": "key"}
Kind = Literal[
    "postgres", "mysql", "snowflake", "bigquery", "duckdb", "sqlite", "iceberg",
    "files", "s3", "gcs", "azure",
]  # fmt: skip


Use = Literal["pull", "deliver"]


def _pull_alone() -> list[Use]:
    return ["pull"]


DELIVERABLE = {"postgres", "files", "s3", "gcs", "azure"}


class ConnectionRequest(Document):
    """What a connection leads to, by which secret, what for, and whom besides its owner its owner lets use it.

    Nothing is ever written through one whose ``uses`` do not say ``deliver``.
    """

    name: Name
    target: Target
    secret_ref: SecretRef | None = None
    users: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)] = Field(
        default_factory=list[str]
    )
    uses: Annotated[list[Use], Field(min_length=1, max_length=2)] = Field(default_factory=_pull_alone)

    @model_validator(mode="after")
    def _can_be_used_so(self) -> "ConnectionRequest":
        if len(set(self.uses)) != len(self.uses):
            message = "each use is named once"
            raise ValueError(message)
        if "deliver" in self.uses and self.target.kind not in DELIVERABLE:
            message = f"through a {self.target.kind} connection nothing is delivered; it is for pulling alone"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_the_secret_it_needs(self) -> "ConnectionRequest":
        kind = self.target.kind
        if kind in SECRETLESS and self.secret_ref is not None:
            message = f"a {kind} connection takes no secret"
            raise ValueError(message)
        if kind in SECRETS and self.secret_ref is None:
            message = f"a {kind} connection needs the secret_ref of its {SECRETS[kind]}"
            raise ValueError(message)
        if isinstance(self.target, S3) and (self.target.access_key is None) != (self.secret_ref is None):
            message = "access_key and secret_ref come together"
            raise ValueError(message)
        return self


class Problem(Document):
    """Why a pull or a test failed: never a value, an address or a word of a driver."""

    code: str
    detail: str
    reasons: list[dict[str, str | int]] = Field(default_factory=list[dict[str, str | int]])


class Connection(Document):
    """A connection; where it leads is told to its owner and to those who may use it."""

    id: UUID
    name: str
    kind: Kind
    target: Target | None
    secret_ref: str | None
    users: list[str] | None
    uses: list[Use]
    owner: str
    registered_by: str
    registered_at: Moment
    retired_at: Moment | None
    tested_at: Moment | None
    problem: Problem | None
