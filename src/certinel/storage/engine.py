"""The database: opening it, and transactions on it. Statements live in the modules of their nouns."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import Any, Literal, Self, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Table
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from certinel.storage import postgresql, schema, sqlite
from certinel.storage.errors import CONNECTION_ERRORS, DatabaseUrlError, storage_error

EngineName = Literal["sqlite", "postgresql"]
Work = TypeVar("Work")
Found = TypeVar("Found")


class Transaction:
    """One transaction. Ends with the ``async with`` block that opened it, and belongs to one task."""

    def __init__(self, connection: AsyncConnection, engine_name: EngineName, place: str) -> None:
        self.engine_name = engine_name
        self._connection = connection
        self._place = place
        self._is_committed = False
        self._added: dict[Table, list[dict[str, Any]]] = {}
        self._at_commit: dict[Callable[..., Awaitable[None]], list[Any]] = {}
        self._after_commit: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    async def execute(
        self, statement: Executable, parameters: dict[str, Any] | Sequence[dict[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run ``statement``; raises ``RowConflictError`` if constraints forbid it, else another ``StorageError``.

        On PostgreSQL a failed statement ends the whole transaction: use ``insert_if_absent`` where a conflict
        is an expected answer.
        """
        with _sorting_errors(self._place):
            return await self._connection.execute(statement, parameters)

    async def insert_if_absent(self, table: Table, row: dict[str, Any]) -> bool:
        """Insert ``row`` unless a unique key of it exists; tell whether it was inserted."""
        statement = self._insert(table).values(row).on_conflict_do_nothing().inline()
        return (await self.execute(statement)).rowcount == 1

    async def insert_all_if_absent(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """Insert those of ``rows``, which must have the same columns, of which no unique key exists."""
        if rows:
            await self.execute(self._insert(table).on_conflict_do_nothing().inline(), rows)

    async def upsert(self, table: Table, row: dict[str, Any]) -> None:
        """Insert ``row``, or change the row that has the same primary key to hold these values."""
        key = [column.name for column in table.primary_key]
        changed = {name: value for name, value in row.items() if name not in key}
        statement = self._insert(table).values(row).on_conflict_do_update(index_elements=key, set_=changed)
        await self.execute(statement.inline())

    async def add_up(self, table: Table, row: dict[str, Any], column: str) -> None:
        """Insert ``row``, or add what it has in ``column`` to the row that has the same primary key."""
        statement = self._insert(table).values(row)
        key = [one.name for one in table.primary_key]
        total = {column: table.c[column] + statement.excluded[column]}
        await self.execute(statement.on_conflict_do_update(index_elements=key, set_=total).inline())

    def add(self, table: Table, row: dict[str, Any]) -> None:
        """Insert ``row`` at commit, together with all rows added to ``table``.

        All rows of a table must have the same columns. Until the commit no statement sees them.
        """
        self._added.setdefault(table, []).append(row)

    def at_commit(self, function: Callable[["Transaction", Sequence[Work]], Awaitable[None]], work: Work) -> None:
        """Call ``function`` once at the very end, still inside the transaction, with every ``work`` given for it.

        For what all writers contend for, such as the end of a chain: it is locked late, and for all works together.
        """
        self._at_commit.setdefault(function, []).append(work)

    def after_commit(self, function: Callable[..., object], *arguments: object) -> None:
        """Call (and await, if it returns an awaitable) ``function`` once the commit is durable.

        The block that holds the transaction ends only after that, even when it is cancelled meanwhile.
        An error in one function does not keep the following ones from being called; it reaches the caller.
        """
        self._after_commit.append((function, arguments))

    def _insert(self, table: Table) -> sqlite_dialect.Insert | postgresql_dialect.Insert:
        return sqlite_dialect.insert(table) if self.engine_name == "sqlite" else postgresql_dialect.insert(table)

    async def _finish(self) -> None:
        for function, works in self._at_commit.items():
            await function(self, works)
        await self._insert_added()

    async def _insert_added(self) -> None:
        insert_rows = sqlite.insert_rows if self.engine_name == "sqlite" else postgresql.insert_rows
        with _sorting_errors(self._place):
            for table, rows in self._added.items():
                await insert_rows(self._connection, table, rows)

    async def _commit(self) -> None:
        with _sorting_errors(self._place):
            await self._connection.commit()
        self._is_committed = True

    async def _tell(self) -> None:
        async with AsyncExitStack() as stack:
            for function, arguments in reversed(self._after_commit):
                stack.push_async_callback(_call, function, arguments)


class Database:
    """An open database. Transactions that write take turns on SQLite and run side by side on PostgreSQL."""

    def __init__(
        self,
        engine_name: EngineName,
        place: str,
        *,
        writers: AsyncEngine,
        readers: AsyncEngine,
        open_migrator: Callable[[], AsyncEngine],
    ) -> None:
        self.engine_name = engine_name
        self.place = place
        self._writers = writers
        self._readers = readers
        self._open_migrator = open_migrator
        self._turn = asyncio.Lock() if engine_name == "sqlite" else nullcontext()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open ``sqlite:///path`` or ``postgresql://…`` and check that it can be reached; does not migrate."""
        scheme = url.partition("://")[0]
        if scheme in sqlite.SCHEMES:
            path = sqlite.path_of(url)
            with _sorting_errors(str(path)):
                sqlite.create_private(path)
            database = cls(
                "sqlite",
                str(path),
                writers=sqlite.open_writer(path),
                readers=sqlite.open_readers(path),
                open_migrator=lambda: sqlite.open_migrator(path),
            )
        elif scheme in postgresql.SCHEMES:
            pool = postgresql.open_pool(url)
            database = cls(
                "postgresql",
                postgresql.place_of(url),
                writers=pool,
                readers=postgresql.open_readers(pool),
                open_migrator=lambda: postgresql.open_migrator(url),
            )
        else:
            # The rest is not repeated: a URL that misses only its scheme may hold a password.
            raise DatabaseUrlError("(not shown)", "it must begin with sqlite:/// or postgresql://")
        try:
            async with database.transaction():
                pass
        except BaseException:
            await database.close()
            raise
        return database

    @override
    def __repr__(self) -> str:
        return f"Database({self.engine_name}, {self.place})"

    async def migrate(self) -> None:
        """Bring the schema up to date; nodes that start at once wait for each other.

        Raises ``NewerSchemaError`` if the database belongs to a newer version of the program.
        """
        lock = sqlite.lock_for_migration if self.engine_name == "sqlite" else postgresql.lock_for_migration
        check = sqlite.check_after_migration if self.engine_name == "sqlite" else None
        engine = self._open_migrator()
        try:
            with _sorting_errors(self.place):
                async with engine.begin() as connection:
                    await connection.run_sync(lock)
                    await connection.run_sync(schema.upgrade, self.place)
                    if check is not None:
                        await connection.run_sync(check, self.place)
        finally:
            await engine.dispose()

    async def schema_fault(self) -> str | None:
        """Say why this program cannot use the tables as they are; None when it can."""
        return await self._looked_into(lambda connection: schema.fault(connection, self.place))

    async def damage(self) -> list[str]:
        """Return what the engine itself finds damaged; a PostgreSQL server watches over its files by itself."""
        return await self._looked_into(sqlite.faults) if self.engine_name == "sqlite" else []

    async def _looked_into(self, look: Callable[[Connection], Found]) -> Found:
        with _sorting_errors(self.place):
            async with self._readers.connect() as connection:
                return await connection.run_sync(look)

    async def close(self) -> None:
        """Close all connections; transactions must have ended."""
        await self._readers.dispose()
        await self._writers.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Read and write: durable when the block has ended, rolled back when it raises.

        Never open one inside another: on SQLite the inner one would wait for the outer one for ever.
        """
        transaction: Transaction | None = None
        try:
            async with self._turn, self._begun(self._writers) as transaction:
                yield transaction
                await transaction._finish()  # noqa: SLF001 - the two classes are one module's inside
                await _uninterrupted(transaction._commit())  # noqa: SLF001
        finally:
            # After the connection is free again, since what is called may need one; and also when the task is
            # cancelled during the commit, since what was committed must be told.
            if transaction is not None and transaction._is_committed and transaction._after_commit:  # noqa: SLF001
                await _uninterrupted(transaction._tell())  # noqa: SLF001

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Read one consistent state; a write raises ``ReadOnlyStorageError``. Never waits for writers."""
        async with self._begun(self._readers) as transaction:
            yield transaction

    @asynccontextmanager
    async def _begun(self, engine: AsyncEngine) -> AsyncIterator[Transaction]:
        async with AsyncExitStack() as stack:
            with _sorting_errors(self.place):
                connection = await stack.enter_async_context(engine.connect())
                _ = await connection.begin()
            yield Transaction(connection, self.engine_name, self.place)


async def _call(function: Callable[..., object], arguments: tuple[object, ...]) -> None:
    result = function(*arguments)
    if inspect.isawaitable(result):
        await result


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` to its end even if the calling task is cancelled; only then pass the cancellation on."""
    task = asyncio.ensure_future(work)
    is_cancelled = False
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            is_cancelled = True
    task.result()
    if is_cancelled:
        raise asyncio.CancelledError


@contextmanager
def _sorting_errors(place: str) -> Iterator[None]:
    try:
        yield
    except CONNECTION_ERRORS as error:
        raise storage_error(error, place) from error
