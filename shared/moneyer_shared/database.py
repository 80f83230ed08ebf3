"""One Postgres database per service, reached through explicit transactions."""

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import cast

import asyncpg
from sqlalchemy import Column, DateTime, MetaData, Text, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from moneyer_shared.documents import read_stored
from moneyer_shared.errors import Conflict, MoneyerError, Unavailable

UNIQUE_VIOLATION = "23505"
# SQLSTATE classes of a server that is going, coming, out of reach, or out of disk or connections.
OUTAGES = ("08", "53", "57P")
POOL_SECONDS = 10.0
"""How long a request waits for a connection before it is told to come again."""
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def service_metadata() -> MetaData:
    return MetaData(naming_convention=NAMING)


def identifier() -> Column[uuid.UUID]:
    """A time-ordered primary key, so that keyset pages follow creation."""
    return Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("uuidv7()"))


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


class Database:
    """An engine and the transactions made on it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=POOL_SECONDS,
            pool_pre_ping=True,
            json_deserializer=read_stored,
        )

    @asynccontextmanager
    async def transaction(self, *, read_only: bool = False) -> AsyncGenerator[AsyncConnection]:
        """Commit when the block ends well, roll back when it raises; ``read_only`` has Postgres refuse every change.

        Raises:
            Conflict: a row that must be unique was made by somebody else meanwhile.
            Unavailable: the server cannot be reached; nothing was changed that a retry
                with the same ``Idempotency-Key`` would repeat.
        """
        try:
            async with self._begin(read_only=read_only) as connection:
                yield connection
        except MoneyerError:
            raise
        except PoolTimeout as error:
            raise Unavailable("All connections to the database are in use; try again.") from error
        except (OperationalError, InterfaceError, OSError) as error:
            raise Unavailable("The database cannot be reached; try again.") from error
        except IntegrityError as error:
            if _sqlstate(error) == UNIQUE_VIOLATION:
                raise Conflict("Somebody made the same thing at the same moment.", code="already-exists") from error
            raise
        except asyncpg.UniqueViolationError as error:
            raise Conflict("Somebody made the same thing at the same moment.", code="already-exists") from error
        except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError) as error:
            # Raised where a statement goes to the driver directly.
            raise Unavailable("The database connection was lost; try again.") from error
        except DBAPIError as error:
            if error.connection_invalidated or _sqlstate(error).startswith(OUTAGES):
                raise Unavailable("The database connection was lost; try again.") from error
            raise

    @asynccontextmanager
    async def _begin(self, *, read_only: bool) -> AsyncGenerator[AsyncConnection]:
        async with self.engine.connect() as connection:
            if read_only:
                await connection.execution_options(postgresql_readonly=True)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that reads everything as it stood at one moment, changes nothing and locks nothing."""
        async with self.transaction() as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    async def close(self) -> None:
        await self.engine.dispose()


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


async def driver_connection(connection: AsyncConnection) -> asyncpg.Connection:
    """The asyncpg connection underneath, so that a job is enqueued inside our transaction."""
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection", raw.driver_connection)
