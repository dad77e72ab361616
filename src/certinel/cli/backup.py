"""``certinel backup`` and ``certinel restore``: a node's data directory as one file, and back."""

import asyncio
import os
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from certinel.cli.admin.printing import Cell, print_done
from certinel.cli.admin.questions import first_line
from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.config import Settings, WrongSettingError, load
from certinel.services.clock import SystemClock
from certinel.storage.engine import Database
from certinel.storage.errors import StorageError
from certinel.wiring.backup import BackupError, Manifest, back_up
from certinel.wiring.backup import restore as restore_backup
from certinel.wiring.data_directory import DataDirectory
from certinel.wiring.sealed_file import MAGIC

VARIABLE: Final = "CERTINEL_BACKUP_PASSPHRASE"

PassphraseFile = Annotated[
    Path | None, typer.Option(help=f"First line: the passphrase. Else {VARIABLE} of the environment.")
]


def backup(
    output: Annotated[Path, typer.Argument(help="Where the backup goes; there must be no such file.")],
    data_dir: Annotated[Path | None, typer.Option(help="Data directory of the node, which may be running.")] = None,
    database: Annotated[
        str | None, typer.Option(help="postgresql://… when the node uses it: then only the keys are backed up.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it; the passphrase is asked for.")] = False,
) -> None:
    """Write database and keys of a node into one file, which only you can read, while the node runs.

    The database is that of one moment. The file holds private keys: encrypt it (--encrypt, --passphrase-file), or keep
    it where the data directory could be. A PostgreSQL database is not in it; back that up with pg_dump.
    """
    settings = _settings({"data_dir": data_dir, "database": database})
    directory = DataDirectory(settings.data_dir.absolute())
    is_sqlite = settings.database is None
    if not (directory.database if is_sqlite else directory.encryption_key).is_file():
        raise CommandError(f"there is no node in {directory.path}", EXIT_USAGE)
    passphrase = _given(passphrase_file)
    if passphrase is None and encrypt:
        passphrase = typer.prompt("Passphrase of the backup", hide_input=True, err=True, confirmation_prompt=True)
    try:
        made = back_up(
            directory,
            output.absolute(),
            version=version("certinel"),
            at=SystemClock().now(),
            has_database=is_sqlite,
            passphrase=passphrase,
        )
    except BackupError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(f"{error.filename or output}: {error.strerror}") from None
    missing: dict[str, Cell] = {} if is_sqlite else {"not in it": "the PostgreSQL database; that is for pg_dump"}
    print_done(f"backed up to {output}", _rows(made, is_encrypted=passphrase is not None) | missing)


def restore(
    archive: Annotated[Path, typer.Argument(help="A file that certinel backup has made.")],
    data_dir: Annotated[Path | None, typer.Option(help="Where the node will be; new, or empty.")] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make the data directory of a node from a backup; when it is damaged, nothing is left of it.

    Every file is compared with its hash, and the database is looked through and brought to what this version needs.
    What happened after the backup has not happened then: what was revoked since is to be revoked again.
    """
    target = _settings({"data_dir": data_dir}).data_dir.absolute()
    try:
        passphrase = _given(passphrase_file)
        if passphrase is None and _is_sealed(archive):
            passphrase = typer.prompt("Passphrase of the backup", hide_input=True, err=True)
        found = restore_backup(archive, target, passphrase, _check)
    except BackupError as error:
        raise CommandError(f"{archive} is not restored: {error}") from None
    except OSError as error:
        raise CommandError(f"{error.filename or archive}: {error.strerror}", EXIT_USAGE) from None
    print_done(f"restored to {target}", _rows(found, is_encrypted=passphrase is not None))


def _check(database: Path) -> None:
    """Refuse a database that is damaged, or of a newer version than this program."""
    try:
        damage = asyncio.run(_damage(database))
    except StorageError as error:
        raise BackupError(f"the database in it: {error}") from None
    if damage:
        raise BackupError(f"the database in it is damaged: {damage[0]}")


async def _damage(path: Path) -> list[str]:
    database = await Database.open(f"sqlite:///{path}")
    try:
        await database.migrate()
        return await database.damage()
    finally:
        await database.close()


def _settings(options: dict[str, object]) -> Settings:
    try:
        return load({name: value for name, value in options.items() if value is not None}, None)
    except WrongSettingError as error:
        raise CommandError(str(error), EXIT_USAGE) from None


def _given(file: Path | None) -> str | None:
    return first_line(file) if file is not None else os.environ.get(VARIABLE) or None


def _is_sealed(archive: Path) -> bool:
    with archive.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _rows(manifest: Manifest, *, is_encrypted: bool) -> dict[str, Cell]:
    return {
        "made": f"{manifest.at:%Y-%m-%d %H:%M:%S} UTC, by certinel {manifest.version}",
        "files": ", ".join(manifest.files),
        "encrypted": "yes" if is_encrypted else "no: whoever has the file has the private keys",
    }
