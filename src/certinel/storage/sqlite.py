"""SQLite: the connections, tuned so that a commit is on the disk and reading never waits for writing."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Table, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from certinel.storage.errors import DatabaseUrlError, StorageDamagedError
from certinel.storage.json_text import compact_json
from certinel.storage.row_writer import RowWriter

SCHEMES = ("sqlite",)
PREFIX = "sqlite:///"
BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another process, for example for ``certinel admin --data-dir``."""
READERS = 4
READER_WAIT_SECONDS = 60.0


def path_of(url: str) -> Path:
    """Return the file that ``sqlite:///relative`` or ``sqlite:////absolute`` names."""
    name = url.removeprefix(PREFIX)
    if name in ("", url, ":memory:") or "?" in name:
        raise DatabaseUrlError(url, "it must be sqlite:/// and the path of a file")
    return Path(name)


def create_private(path: Path) -> None:
    """Create the file if it is missing, for its owner's eyes only; SQLite gives its log the same rights."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def open_writer(path: Path) -> AsyncEngine:
    """Return the engine of the one connection that writes."""
    return _engine(path, ["PRAGMA foreign_keys=ON"], begin="BEGIN IMMEDIATE", connections=1)


def open_readers(path: Path) -> AsyncEngine:
    """Return the engine of the connections that read, each a snapshot beside the writer (WAL)."""
    return _engine(path, ["PRAGMA query_only=ON"], begin="BEGIN", connections=READERS)


def open_migrator(path: Path) -> AsyncEngine:
    """Return an engine without foreign keys: rebuilding a table would otherwise delete what refers to it."""
    return _engine(path, ["PRAGMA foreign_keys=OFF"], begin="BEGIN IMMEDIATE", connections=1)


def lock_for_migration(connection: Connection) -> None:
    """Nothing to do: ``BEGIN IMMEDIATE`` already keeps other processes out."""


def check_after_migration(connection: Connection, place: str) -> None:
    """Refuse a migration that would leave references to nothing."""
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise StorageDamagedError(place, f"table {broken[0]} refers to rows of {broken[2]} that do not exist")


def faults(connection: Connection) -> list[str]:
    """Return what SQLite itself finds wrong with the file: damaged pages and indexes, references to nothing."""
    damage = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]
    broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    return damage + [f"table {row[0]}: row {row[1]} refers to a row of {row[2]} that does not exist" for row in broken]


def _engine(path: Path, pragmas: Sequence[str], *, begin: str, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        poolclass=AsyncAdaptedQueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=READER_WAIT_SECONDS,
        hide_parameters=True,
        json_serializer=compact_json,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: DBAPIConnection, _record: object) -> None:
        # The driver must not begin transactions by itself: it knows no BEGIN IMMEDIATE and no snapshots.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            cursor.execute(pragma)
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # Straight to the driver: every call into its thread costs more than BEGIN itself.
        adapted: Any = connection.connection.dbapi_connection
        adapted.run_async(lambda raw: raw.execute_fetchall(begin))

    return engine


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert all rows in one call of the driver."""
    writer = RowWriter.of(table, connection.dialect, tuple(rows[0]))
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None  # noqa: S101 - an open connection has one
    await raw.driver_connection.executemany(writer.insert_statement, writer.tuples(rows))
