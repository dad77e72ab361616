"""A node's data directory as one file, and back: the database at one moment, the keys, and what both hash to."""

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from certinel.wiring.data_directory import DataDirectory
from certinel.wiring.sealed_file import MAGIC, SealedFileError, SealedReader, SealedWriter

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MAX_MANIFEST_BYTES: Final = 1 << 20
PIECE_BYTES: Final = 1 << 20
QUICKLY: Final = 1
"""Of gzip's levels; the others are several times slower and save a tenth."""
SECRET_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644
DATABASE: Final = "certinel.db"
FILES: Final[Mapping[str, int]] = {
    DATABASE: SECRET_MODE,
    "encryption.key": SECRET_MODE,
    "server-ca.pem": PUBLIC_MODE,
    "server-ca.key": SECRET_MODE,
    "server.pem": PUBLIC_MODE,
    "server.key": SECRET_MODE,
}
"""What a backup may hold, and how it lies in a data directory."""


class BackupError(Exception):
    """It cannot be backed up or restored; the message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    version: str
    """Of certinel, when it was made."""
    at: datetime
    has_database: bool
    """Whether it was SQLite; a PostgreSQL database is not in it."""
    files: Mapping[str, str]
    """SHA-256 by name."""

    def to_json(self) -> bytes:
        """Return the first member of the archive."""
        content = {
            "format": FORMAT,
            "certinel": self.version,
            "time": self.at.isoformat(),
            "database": "sqlite" if self.has_database else "postgresql",
            "files": [{"name": name, "sha256": digest} for name, digest in self.files.items()],
        }
        return json.dumps(content, indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, content: bytes) -> "Manifest":
        """Read the first member of an archive."""
        try:
            found: Any = json.loads(content)
            if found["format"] != FORMAT:
                raise BackupError(f"it has format {found['format']}, and this version reads {FORMAT}")
            files = {str(one["name"]): str(one["sha256"]) for one in found["files"]}
            at = datetime.fromisoformat(found["time"])
            manifest = cls(str(found["certinel"]), at, found["database"] == "sqlite", files)
        except (ValueError, KeyError, TypeError):
            raise BackupError("its manifest cannot be read") from None
        if unknown := sorted(files.keys() - FILES.keys()):
            raise BackupError(f"it holds what is no file of a data directory: {unknown[0]!r}")
        if manifest.has_database != (DATABASE in files):
            raise BackupError("its manifest contradicts itself")
        return manifest


def back_up(
    directory: DataDirectory, output: Path, *, version: str, at: datetime, has_database: bool, passphrase: str | None
) -> Manifest:
    """Write a backup of ``directory``, which may be in use, to ``output``: all of it or nothing, for its owner only.

    Raises:
        BackupError, OSError: it cannot be made.
    """
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:  # 0700
        sources = {name: directory.path / name for name in FILES if (directory.path / name).is_file()}
        sources.pop(DATABASE, None)
        if has_database:
            sources[DATABASE] = Path(folder) / DATABASE
            _copy_database(directory.database, sources[DATABASE])
        manifest = Manifest(version, at, has_database, {name: _digest(path) for name, path in sources.items()})
        unfinished = Path(folder) / "backup"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
        with os.fdopen(descriptor, "wb") as file:
            with (
                _sealing(file, passphrase) as sink,
                gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=QUICKLY) as compressed,
                tarfile.open(fileobj=compressed, mode="w|") as archive,
            ):
                _add(archive, MANIFEST, manifest.to_json())
                for name, path in sources.items():
                    archive.add(path, name, recursive=False, filter=_anonymous)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, output)  # fails when there is such a file, unlike a rename
        except FileExistsError:
            raise BackupError(f"{output} is there already") from None
    return manifest


def restore(archive_file: Path, target: Path, passphrase: str | None, check: Callable[[Path], None]) -> Manifest:
    """Make ``target`` of a backup; it must not exist or be empty, and is there whole or not at all.

    ``check`` is given the database before anything is in its place, and raises what keeps it from being used.

    Raises:
        BackupError, OSError: it is no backup, or damaged, or another passphrase's; or there is something already.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is there and not empty; a backup is restored to a new directory")
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))  # 0700
    try:
        manifest = _unpack(archive_file, folder, passphrase)
        if manifest.has_database:
            check(folder / DATABASE)
        folder.replace(target)  # takes the place of an empty directory too
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return manifest


def _unpack(archive_file: Path, folder: Path, passphrase: str | None) -> Manifest:
    try:
        with (
            archive_file.open("rb") as file,
            _opening(file, passphrase) as source,
            tarfile.open(fileobj=source, mode="r|gz") as archive,
        ):
            members = iter(archive)
            manifest = Manifest.parse(_content(archive, next(members, None)))
            missing = dict(manifest.files)
            for member in members:
                digest = missing.pop(member.name, None)
                if digest is None or not member.isfile():
                    raise BackupError(f"its manifest does not name {member.name!r}")
                _extract(archive, member, folder / member.name, digest)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BackupError("it is damaged, or no backup") from None
    except SealedFileError as error:
        raise BackupError(str(error)) from None
    if missing:
        raise BackupError(f"{next(iter(missing))} is missing in it")
    return manifest


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> bytes:
    source = archive.extractfile(member) if member is not None and member.name == MANIFEST else None
    if member is None or source is None or member.size > MAX_MANIFEST_BYTES:
        raise BackupError("it does not begin with a manifest")
    return source.read()


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, digest: str) -> None:
    source = archive.extractfile(member)
    assert source is not None  # noqa: S101 - it is a file
    found = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILES[path.name])
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, FILES[path.name])
        while piece := source.read(PIECE_BYTES):
            found.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(descriptor)
    if found.hexdigest() != digest:
        raise BackupError(f"{path.name} in it is not what was backed up")


def _copy_database(source: Path, copy: Path) -> None:
    """Copy the database as it is at one moment, while nodes go on writing."""
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE))
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as database,
            closing(sqlite3.connect(copy)) as target,
        ):
            database.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    except sqlite3.Error as error:
        raise BackupError(f"{source}: {error}") from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), SECRET_MODE
    archive.addfile(member, io.BytesIO(content))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owned a file: it belongs to whoever restores it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


@contextmanager
def _sealing(file: BinaryIO, passphrase: str | None) -> Iterator[BinaryIO]:
    if passphrase is None:
        yield file
        return
    with SealedWriter(file, passphrase) as sealed:
        yield cast("BinaryIO", sealed)


@contextmanager
def _opening(file: BinaryIO, passphrase: str | None) -> Iterator[BinaryIO]:
    begin = file.read(len(MAGIC))
    if begin == MAGIC:
        if passphrase is None:
            raise SealedFileError("it is encrypted; give --passphrase-file, or type the passphrase")
        yield cast("BinaryIO", SealedReader(file, passphrase))
        return
    file.seek(0)
    yield file
