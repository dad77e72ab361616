"""What can go wrong with a database, each in one line that never holds a password.

Sorting a driver's error into these classes is here too, so that no other module knows drivers' codes.
"""

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import asyncpg  # type: ignore[import-untyped] # has no types
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from certinel.domain.errors import DeviceIdentityError


class StorageError(DeviceIdentityError):
    """The database could not do what was asked; ``place`` names it (a path, or host and database)."""

    code: ClassVar[str] = "storage/failed"
    sentence: ClassVar[str] = "the database {place} failed: {reason}"

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(self.sentence.format(place=place, reason=reason))
        self.place, self.reason = place, reason


class DatabaseUrlError(StorageError):
    """The database URL cannot be read."""

    code = "storage/url"
    sentence = "the database URL {place} is not usable: {reason}"


class DatabaseUnreachableError(StorageError):
    """The file cannot be opened, or no server answers."""

    code = "storage/unreachable"
    sentence = "the database {place} cannot be reached: {reason}"


class DatabaseLoginError(StorageError):
    """The server refuses the user, the password or the database name."""

    code = "storage/login"
    sentence = "the database {place} refuses the login: {reason}"


class StorageFullError(StorageError):
    """There is no room left to write."""

    code = "storage/full"
    sentence = "the database {place} is full: {reason}"


class ReadOnlyStorageError(StorageError):
    """The database or this transaction may only read."""

    code = "storage/read-only"
    sentence = "the database {place} cannot be written: {reason}"


class StorageBusyError(StorageError):
    """Others kept the database locked for longer than we wait; trying again may help."""

    code = "storage/busy"
    sentence = "the database {place} is busy: {reason}"


class StorageDamagedError(StorageError):
    """The file is no database or is damaged."""

    code = "storage/damaged"
    sentence = "the database {place} is damaged or is not a database: {reason}"


class NewerSchemaError(StorageError):
    """The database was written by a newer version of the program."""

    code = "storage/newer-schema"
    sentence = (
        "the database {place} was written by a newer version of certinel (schema {reason}); "
        "start that version, or restore a backup made before the update"
    )


class UnacceptableValueError(StorageError):
    """A value that the engine cannot keep or compare with, such as a text with U+0000 or a number beyond 64 bits."""

    code = "storage/value"
    sentence = "the database {place} cannot take a value: {reason}"


class RowConflictError(StorageError):
    """A row contradicts others: the same key exists, what it refers to does not, or somebody else was quicker."""

    code = "storage/conflict"
    sentence = "the database {place} holds something that contradicts this: {reason}"


WHOLE_DATABASE = (
    DatabaseUnreachableError,
    DatabaseLoginError,
    StorageFullError,
    ReadOnlyStorageError,
    StorageBusyError,
    StorageDamagedError,
)
"""Errors that are about no row in particular: everything else would fail likewise."""

_BY_SQLITE_CODE: Mapping[int, type[StorageError]] = MappingProxyType(
    {
        sqlite3.SQLITE_FULL: StorageFullError,
        sqlite3.SQLITE_READONLY: ReadOnlyStorageError,
        sqlite3.SQLITE_CANTOPEN: DatabaseUnreachableError,
        sqlite3.SQLITE_PERM: DatabaseUnreachableError,
        sqlite3.SQLITE_BUSY: StorageBusyError,
        sqlite3.SQLITE_LOCKED: StorageBusyError,
        sqlite3.SQLITE_CORRUPT: StorageDamagedError,
        sqlite3.SQLITE_NOTADB: StorageDamagedError,
        sqlite3.SQLITE_IOERR: DatabaseUnreachableError,
        sqlite3.SQLITE_CONSTRAINT: RowConflictError,
        sqlite3.SQLITE_TOOBIG: UnacceptableValueError,
    }
)
_PRIMARY_CODE_MASK = 0xFF
"""SQLite's extended codes keep the primary code in the lowest byte."""

_BY_SQLSTATE: Mapping[str, type[StorageError]] = MappingProxyType(
    {
        "22": UnacceptableValueError,
        "54": UnacceptableValueError,
        "23": RowConflictError,
        "40": RowConflictError,
        "08": DatabaseUnreachableError,
        "57": DatabaseUnreachableError,
        "28": DatabaseLoginError,
        "3D": DatabaseLoginError,
        "53": StorageBusyError,
        "53100": StorageFullError,
        "25006": ReadOnlyStorageError,
        "55P03": StorageBusyError,
        "XX001": StorageDamagedError,
        "XX002": StorageDamagedError,
    }
)
"""Whole codes win over their two-letter classes (PostgreSQL manual, appendix A)."""

CONNECTION_ERRORS = (
    DBAPIError,
    PoolTimeoutError,
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    OverflowError,
    UnicodeEncodeError,
)
"""What the drivers raise, wrapped or (while connecting, and in COPY) bare."""

_VALUE_ERRORS = (OverflowError, UnicodeEncodeError, asyncpg.DataError)


def storage_error(error: BaseException, place: str) -> StorageError:
    """Sort a driver's error into the classes above; the text is its first line."""
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig
    reason = next(iter(str(cause).splitlines()), "") or type(cause).__name__
    # SQLAlchemy's wrapper repeats the driver's class in front of the text
    reason = reason.rpartition(">: ")[2]
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return _BY_SQLITE_CODE.get(sqlite_code & _PRIMARY_CODE_MASK, StorageError)(place, reason)
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is not None:
        by_class = _BY_SQLSTATE.get(sqlstate[:2], StorageError)
        return _BY_SQLSTATE.get(sqlstate, by_class)(place, reason)
    if isinstance(error, PoolTimeoutError):
        return StorageBusyError(place, "no connection became free in time")
    if isinstance(cause, _VALUE_ERRORS) or isinstance(cause.__cause__, _VALUE_ERRORS):
        return UnacceptableValueError(place, reason)
    if isinstance(cause, OSError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return DatabaseUnreachableError(place, reason)
    return StorageError(place, reason)
