"""Migrations, on both engines."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, bindparam, insert, inspect, select, text

from certinel.domain.connection_attempt import ConnectionAttempt
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.tenant import Tenant
from certinel.domain.user_account import UserAccount
from certinel.storage import (
    connection_attempts,
    connection_counts,
    device_certificates,
    device_chains,
    schema,
    tenants,
    users,
)
from certinel.storage.column_types import UtcDateTime
from certinel.storage.connection_counts import HourlyCount
from certinel.storage.device_chains import DeviceChain
from certinel.storage.engine import Database, EngineName
from certinel.storage.errors import NewerSchemaError
from certinel.storage.tables import metadata, tenant, trusted_certificate
from support.certificates import root_authority
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


async def test_what_is_known_of_devices_and_attempts_is_taken_along(engine_name: EngineName, engines: Engines) -> None:
    tenant_id, pump = TenantId("t1"), root_authority("Plant CA").device("pump", serial=0xBEEF)
    async with engines.fresh_url(engine_name, migrated=False) as url:
        database = await Database.open(url)
        await migrate_to(database, "0002")
        async with database.transaction() as tx:
            await tenants.insert_if_absent(tx, Tenant(id=tenant_id, created_at=AT))
            await users.insert_if_absent(tx, UserAccount.of_device(tenant_id, DeviceId("pump"), AT))
            for device, leaf in (("pump", pump.der), ("deleted", b"?")):
                digest = hashlib.sha256(leaf).digest()
                await device_chains.remember(
                    tx,
                    DeviceChain(
                        tenant=tenant_id, device=DeviceId(device), leaf_sha256=digest, presented=(leaf,), seen_at=AT
                    ),
                )
            attempt = ConnectionAttempt(tenant=tenant_id, code="admitted", first_at=AT, last_at=AT, count=2)
            for number in (1, 2):
                connection_attempts.add(tx, replace(attempt, id=number))
        await database.migrate()
        async with database.reading() as tx:
            (kept,) = await device_certificates.of_device(tx, tenant_id, DeviceId("pump"), 10)
            counts = await connection_counts.by_hour(tx, tenant_id, AT, AT + timedelta(hours=1))
        assert (kept.serial, kept.last_seen_at, kept.trusted, kept.is_current) == ("beef", AT, None, True)
        assert counts == [HourlyCount(AT, 4, 0)]
        await database.close()


async def migrate_to(database: Database, revision: str) -> None:
    engine = database._open_migrator()
    async with engine.begin() as connection:
        await connection.run_sync(lambda one: command.upgrade(schema.configuration(one), revision))
    await engine.dispose()


async def test_facts_of_trusted_certificates_are_filled_in_for_those_that_are_there(
    engine_name: EngineName, engines: Engines
) -> None:
    issued = root_authority("Plant CA")
    row = {"of": "t1", "fingerprint": "f" * 40, "der": issued.der, "at": AT}
    async with engines.fresh_url(engine_name, migrated=False) as url:
        database = await Database.open(url)
        await migrate_to(database, "0003")
        async with database.transaction() as tx:
            await tx.execute(insert(tenant).values(id="t1", domain=None, status="ACTIVE", created_at=AT))
            columns = "tenant_id, fingerprint, name, status, auto_registration, in_trust_store, der, uploaded_at"
            values = ":of, :fingerprint, 'plant', 'ENABLED', true, true, :der, :at"
            statement = text(f"INSERT INTO trusted_certificate ({columns}) VALUES ({values})")  # noqa: S608
            await tx.execute(statement.bindparams(bindparam("at", type_=UtcDateTime)), row)
        await database.migrate()
        facts = (trusted_certificate.c.subject, trusted_certificate.c.not_after, trusted_certificate.c.algorithm)
        async with database.reading() as tx:
            assert (await tx.execute(select(*facts))).one() == (
                "CN=Plant CA, O=Example",
                issued.certificate.not_valid_after_utc,
                "SHA256withECDSA",
            )
        await database.close()
