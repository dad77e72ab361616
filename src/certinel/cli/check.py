"""``certinel check``: is the database sound, and was nothing in the audit log tampered with?"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError, console
from certinel.config import WrongSettingError, load
from certinel.domain.audit import ChainHead
from certinel.domain.identifiers import TenantId
from certinel.services import audit
from certinel.services.audit import HEAD_NOTED, ChainReport
from certinel.storage.engine import Database
from certinel.storage.errors import StorageError
from certinel.wiring.data_directory import DataDirectory


def check(
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of the node, which may be running.")] = None,
    database: Annotated[str | None, typer.Option(help="postgresql://… when the node uses it.")] = None,
    log: Annotated[
        list[Path] | None,
        typer.Option(
            help="Log of a node (JSON lines): the audit log must agree with what was noted in it. Repeatable."
        ),
    ] = None,
) -> None:
    """Verify the database and the hash chains of the audit log; ends with 1 when something is wrong.

    Changes nothing. Without --log, records cut off the end of the audit log, or a log rewritten as a whole, cannot be
    told from one that never was different.
    """
    options = {"data_dir": data_dir, "database": database}
    try:
        settings = load({name: value for name, value in options.items() if value is not None}, None)
    except WrongSettingError as error:
        raise CommandError(str(error), EXIT_USAGE) from None
    directory = DataDirectory(settings.data_dir.absolute())
    if settings.database is None and not directory.database.is_file():
        raise CommandError(f"there is no database {directory.database}", EXIT_USAGE)
    url = settings.database.get_secret_value() if settings.database else f"sqlite:///{directory.database}"
    noted = list(_noted_heads(log or []))
    try:
        is_sound = asyncio.run(_check(url, noted if log else None))
    except StorageError as error:
        raise CommandError(str(error)) from error
    if not is_sound:
        raise typer.Exit(EXIT_FAILURE)


async def _check(url: str, noted: list[ChainHead] | None) -> bool:
    database = await Database.open(url)
    try:
        console.print(f"database   {database.place}", markup=False)
        fault = await database.schema_fault()
        _say("schema", fault or "as this version needs it", is_fault=fault is not None)
        if fault is not None:
            return False
        damage = await database.damage()
        for line in damage or ["no damage found"]:
            _say("storage", line, is_fault=bool(damage))
        reports = await audit.verify(database, audit.by_tenant(noted or []))
        for report in reports:
            _say("audit log", _outcome(report), is_fault=report.fault is not None)
        if noted is not None:
            # a log that was emptied, or is not JSON, would otherwise agree with everything
            found = f"{len(noted)} heads" if noted else "no head"
            _say("log", f"{found} of the audit log noted in it", is_fault=not noted)
        return not damage and noted != [] and all(report.fault is None for report in reports)
    finally:
        await database.close()


def _outcome(report: ChainReport) -> str:
    head = report.head
    if report.fault is not None:
        return f"{head.tenant}: {report.fault}; the first {head.sequence} records are sound"
    return f"{head.tenant}: {head.sequence} records, the last one {head.hash.hex()}"


def _say(subject: str, words: str, *, is_fault: bool) -> None:
    console.print(f"{subject:<10} {'FAULT: ' if is_fault else ''}{words}", markup=False)


def _noted_heads(files: list[Path]) -> Iterator[ChainHead]:
    """Read the lines in which a node noted the ends of chains; other lines do not matter."""
    for file in files:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if HEAD_NOTED in line:
                        yield from _noted_head(line)
        except OSError as error:
            raise CommandError(f"{file}: {(error.strerror or str(error)).lower()}", EXIT_USAGE) from error


def _noted_head(line: str) -> Iterator[ChainHead]:
    try:
        noted: Any = json.loads(line)
        if noted["event"] == HEAD_NOTED:
            yield ChainHead(TenantId(noted["tenant"]), int(noted["sequence"]), bytes.fromhex(noted["hash"]))
    except (ValueError, TypeError, KeyError):
        return  # a line that only mentions the event
