"""What is said when a database cannot be used: one line that names it, without any password."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from certinel.storage.engine import Database
from certinel.storage.errors import (
    DatabaseLoginError,
    DatabaseUnreachableError,
    DatabaseUrlError,
    StorageDamagedError,
    StorageError,
)
from support.engines import Engines

SECRET = "hunter2"


async def error_of_opening(url: str) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await Database.open(url)
    line = str(caught.value)
    assert "\n" not in line
    assert SECRET not in line + repr(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "",
        "certinel.db",
        f"mysql://root:{SECRET}@host/db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://host/path",
        "sqlite:///x.db?mode=ro",
        f"postgresql://user:{SECRET}/x@host/db",
        f"postgresql://user:{SECRET}#x@host/db",
        f"postgresql://user:[{SECRET}@host/db",
        f"postgresql://user:{SECRET}@host:port/db",
        f"postgresql://user:{SECRET}@localhost/db?sslmode=perhaps",
        f"postgresql://user/{SECRET}@host/db",
        f"postgresql://user:1?{SECRET}@host/db",
    ],
)
async def test_a_url_that_cannot_be_read_is_refused_without_showing_a_password(url: str) -> None:
    assert isinstance(await error_of_opening(url), DatabaseUrlError)


async def test_a_server_that_is_not_there_is_named(unused_tcp_port: int) -> None:
    error = await error_of_opening(f"postgresql://user:{SECRET}@127.0.0.1:{unused_tcp_port}/db")
    assert isinstance(error, DatabaseUnreachableError)
    assert f"127.0.0.1:{unused_tcp_port}/db" in str(error)


async def test_a_host_without_address_is_named() -> None:
    error = await error_of_opening(f"postgresql://user:{SECRET}@no-such-host.invalid/db")
    assert isinstance(error, DatabaseUnreachableError)
    assert "no-such-host.invalid" in str(error)


async def test_a_wrong_password_is_told_without_the_password(engines: Engines) -> None:
    error = await error_of_opening(engines.server.url("postgres", password=SECRET))
    assert isinstance(error, DatabaseLoginError)
    assert "password authentication failed" in str(error)


async def test_a_missing_database_is_named(engines: Engines) -> None:
    error = await error_of_opening(engines.server.url("nothing_here"))
    assert isinstance(error, DatabaseLoginError)
    assert "nothing_here" in str(error)


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    error = await error_of_opening(f"sqlite:///{tmp_path}/no/such/folder/certinel.db")
    assert isinstance(error, DatabaseUnreachableError)
    assert f"{tmp_path}/no/such/folder/certinel.db" in str(error)


async def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert isinstance(await error_of_opening(f"sqlite:///{tmp_path}"), DatabaseUnreachableError)


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "certinel.db"
    path.write_bytes(b"no database" * 1000)
    assert isinstance(await error_of_opening(f"sqlite:///{path}"), StorageDamagedError)


async def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "certinel.db"
    database = await Database.open(f"sqlite:///{path}")
    await database.migrate()
    assert rights_in(tmp_path) == {"certinel.db": 0o600, "certinel.db-wal": 0o600, "certinel.db-shm": 0o600}
    await database.close()


def rights_in(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def test_a_commit_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "certinel.db"
    database = await Database.open(f"sqlite:///{path}")
    async with database.transaction() as tx:
        settings = [(await tx.execute(text(f"PRAGMA {name}"))).scalar_one() for name in ("synchronous", "foreign_keys")]
    await database.close()
    full = 2
    assert settings == [full, 1]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_server_commits_to_the_disk(engines: Engines) -> None:
    async with engines.fresh("postgresql") as database, database.transaction() as tx:
        assert (await tx.execute(text("SHOW synchronous_commit"))).scalar_one() == "on"


async def test_a_database_shows_itself_without_password(engines: Engines) -> None:
    async with engines.fresh("postgresql") as database:
        assert repr(database).startswith("Database(postgresql, 127.0.0.1:")
        assert "correct-horse" not in repr(vars(database))
