"""Each service carries its own alembic tree inside its package; this runs it."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, pool
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine


def configuration(package: str, url: str = "") -> Config:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        message = f"package {package} is not installed"
        raise ModuleNotFoundError(message)
    config = Config()
    config.set_main_option("script_location", str(Path(spec.origin).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(package: str, url: str) -> None:
    """Bring the database to the head of the package's migrations."""
    command.upgrade(configuration(package, url), "head")


def head(package: str) -> str | None:
    return ScriptDirectory.from_config(configuration(package)).get_current_head()


async def current(connection: AsyncConnection) -> str | None:
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def run_environment(metadata: MetaData) -> None:
    """The whole of a service's ``migrations/env.py``."""
    url: str = context.config.attributes["url"]

    def migrate(connection: Connection) -> None:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            compare_server_default=True,
            include_name=lambda name, kind, _: not (kind == "table" and str(name).startswith("pgqueuer")),
        )
        with context.begin_transaction():
            context.run_migrations()

    async def over_asyncpg() -> None:
        engine = create_async_engine(url, poolclass=pool.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
        await engine.dispose()

    asyncio.run(over_asyncpg())
