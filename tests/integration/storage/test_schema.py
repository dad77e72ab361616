"""Migrations, on both engines."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select, text

from certinel.storage.engine import Database, EngineName
from certinel.storage.errors import NewerSchemaError
from certinel.storage.tables import metadata, tenant
from support.engines import Engines

AT = datetime(2026, 11, 23, tzinfo=UTC)


def differences(connection: Connection) -> list[Any]:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_migrations_make_exactly_the_tables_the_program_knows(engine_name: EngineName, engines: Engines) -> None:
    async with engines.fresh_url(engine_name, migrated=False) as url:
        database = await Database.open(url)
        await database.migrate()
        async with database._writers.connect() as connection:
            assert await connection.run_sync(differences) == []
        await database.close()


async def test_migrating_again_changes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(insert(tenant).values(id="t1", domain=None, status="ACTIVE", created_at=AT))
    await database.migrate()
    async with database.reading() as tx:
        assert (await tx.execute(select(tenant.c.id))).all() == [("t1",)]


async def test_nodes_that_start_at_once_migrate_once(engine_name: EngineName, engines: Engines) -> None:
    async with engines.fresh_url(engine_name, migrated=False) as url:
        databases = [await Database.open(url) for _ in range(3)]
        await asyncio.gather(*(database.migrate() for database in databases))
        for database in databases:
            await database.close()


async def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchemaError, match=r"newer version of certinel \(schema 9999\)"):
        await database.migrate()


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(engine_name: EngineName, engines: Engines) -> None:
    async with engines.fresh_url(engine_name, migrated=False) as url:
        database = await Database.open(url)
        # A table of that name in the way makes one of the later steps fail.
        async with database.transaction() as tx:
            await tx.execute(text("CREATE TABLE measurement (id integer)"))
        with pytest.raises(Exception, match="measurement"):
            await database.migrate()
        async with database._writers.connect() as connection:
            assert await connection.run_sync(table_names) == {"measurement"}
        await database.close()
