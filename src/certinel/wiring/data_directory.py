"""The data directory of a node: which files it has, and how secrets get into them."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certinel.config import WrongSettingError

ENCRYPTION_KEY_BYTES = 32
"""AES-256."""


class DataDirectoryError(WrongSettingError):
    """The data directory cannot be used; the message names the file and says why."""


class DataDirectoryInUseError(DataDirectoryError):
    """Another process works with the data directory."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"data directory {path}: another node is running in it")


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """A folder that only its owner can read."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.path / "certinel.db"

    @property
    def encryption_key(self) -> Path:
        """The key that seals the secrets in the database."""
        return self.path / "encryption.key"

    @property
    def server_ca(self) -> Path:
        """The certificate of the node's own server CA: what devices trust."""
        return self.path / "server-ca.pem"

    @property
    def server_ca_key(self) -> Path:
        """The private key of the node's own server CA."""
        return self.path / "server-ca.key"

    @property
    def server_certificate(self) -> Path:
        """The server certificate with its CA."""
        return self.path / "server.pem"

    @property
    def server_key(self) -> Path:
        """The private key of the server certificate."""
        return self.path / "server.key"

    @property
    def node_facts(self) -> Path:
        """Written by a node that is ready: process id and ports, for scripts."""
        return self.path / "node.json"

    def create(self) -> None:
        """Make the folder when it is missing, readable by its owner only."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise DataDirectoryError(f"data directory {self.path}: not a directory") from error
        except OSError as error:
            raise DataDirectoryError(f"data directory {self.path}: {_why(error)}") from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise DataDirectoryError(f"data directory {self.path}: not readable and writable for this user")

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the directory for this process; two nodes in one directory would destroy each other's files."""
        path = self.path / "lock"
        try:
            file = path.open("w")
        except OSError as error:
            raise DataDirectoryError(f"{path}: {_why(error)}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DataDirectoryInUseError(self.path) from None
            yield

    def load_encryption_key(self) -> bytes:
        """Return the encryption key, made on the first call."""
        if not self.encryption_key.exists():
            write_secret(self.encryption_key, os.urandom(ENCRYPTION_KEY_BYTES).hex().encode() + b"\n")
        try:
            key = bytes.fromhex(read(self.encryption_key).decode().strip())
        except ValueError as error:
            raise DataDirectoryError(f"{self.encryption_key}: not a key of 64 hexadecimal digits") from error
        if len(key) != ENCRYPTION_KEY_BYTES:
            raise DataDirectoryError(f"{self.encryption_key}: {len(key)} bytes, not {ENCRYPTION_KEY_BYTES}")
        return key


def read(path: Path) -> bytes:
    """Return the content of a file of the data directory, or say in one line why not."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataDirectoryError(f"{path}: {_why(error)}") from error


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; it is there completely or not at all."""
    _write(path, content, mode=stat.S_IRUSR | stat.S_IWUSR)


def write_public(path: Path, content: bytes) -> None:
    """Write a file that everybody can read; it is there completely or not at all."""
    _write(path, content, mode=stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)


def _write(path: Path, content: bytes, *, mode: int) -> None:
    unfinished = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
    except OSError as error:
        raise DataDirectoryError(f"{path}: {_why(error)}") from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
