"""PostgreSQL: a pool of asyncpg connections, and COPY for rows that only ever get appended."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import asyncpg  # type: ignore[import-untyped] # has no types
from sqlalchemy import Connection, Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from certinel.storage.errors import DatabaseUrlError, StorageError, storage_error
from certinel.storage.json_text import compact_json, parse_jsonb
from certinel.storage.row_writer import RowWriter

SCHEMES = ("postgresql", "postgres")
CONNECTIONS = 10
CONNECT_TIMEOUT_SECONDS = 10.0
STATEMENT_TIMEOUT_SECONDS = 60.0
"""A server that does not answer for so long is taken for lost."""
MIGRATION_LOCK = 0x6365_7274_696E_656C
"""The advisory lock that one migrating node holds ("certinel")."""
COPY_FROM_ROWS = 24
"""COPY costs one more round trip than INSERT; from about here on it is the quicker one."""


def place_of(url: str) -> str:
    """Return host, port and database of ``url`` for messages: never the user's password."""
    parts = _split(url)
    host = parts.hostname or "localhost"
    port = f":{parts.port}" if parts.port else ""
    return f"{host}{port}{parts.path}"


def _split(url: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(url)
        is_readable = parts.port is None or parts.port > 0
        if is_readable and not parts.fragment and "@" not in parts.path + parts.query:
            return parts
    # Not even the reason may be repeated: an unescaped sign puts a part of the password where the port belongs.
    raise DatabaseUrlError("postgresql://…", "write signs such as @ / ? # in the password as %40 %2F %3F %23")


def open_pool(url: str) -> AsyncEngine:
    """Return the engine for reading and writing; connects when first used."""
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=_connector(url, STATEMENT_TIMEOUT_SECONDS),
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=STATEMENT_TIMEOUT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=compact_json,
        json_deserializer=parse_jsonb,
    )


def open_readers(pool: AsyncEngine) -> AsyncEngine:
    """Return a view of ``pool`` whose transactions are consistent and cannot write."""
    return pool.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def open_migrator(url: str) -> AsyncEngine:
    """Return an engine whose statements may take as long as they need."""
    return create_async_engine("postgresql+asyncpg://", async_creator=_connector(url, None), hide_parameters=True)


def _connector(url: str, statement_timeout: float | None) -> Callable[[], Awaitable[Any]]:
    place = place_of(url)

    async def connect() -> Any:
        try:
            return await asyncpg.connect(
                url,
                timeout=CONNECT_TIMEOUT_SECONDS,
                command_timeout=statement_timeout,
                server_settings={"application_name": "certinel", "synchronous_commit": "on", "timezone": "UTC"},
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise _connect_error(error, place) from None

    return connect


def _connect_error(error: Exception, place: str) -> StorageError:
    if isinstance(error, (asyncpg.InterfaceError, ValueError)) and not isinstance(error, asyncpg.PostgresError):
        # About the URL's options, whose text may repeat the URL.
        return DatabaseUrlError(f"of {place}", "an option after the question mark is not understood")
    return storage_error(error, place)


def lock_for_migration(connection: Connection) -> None:
    """Wait until no other node migrates; the lock ends with the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert all rows, many of them by COPY."""
    if len(rows) < COPY_FROM_ROWS:
        await connection.execute(insert(table), list(rows))
        return
    # SQLAlchemy sends BEGIN with its first statement, of which COPY past it would know nothing.
    await connection.exec_driver_sql("SELECT 1")
    writer = RowWriter.of(table, connection.dialect, tuple(rows[0]))
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101 - an open connection has one
    await raw.driver_connection.copy_records_to_table(table.name, records=writer.tuples(rows), columns=writer.columns)
