"""Reading and writing what the toolkit works on; keys for the owner's eyes only, nothing replaced unless told."""

import contextlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from certinel.cli.chain_file import STANDARD_INPUT
from certinel.cli.pki.secrets_given import CA_VARIABLE, asked, given
from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.pki.authority import Authority
from certinel.pki.chain import chain_from_pem
from certinel.pki.errors import PassphraseRequiredError, PkiError
from certinel.pki.keys import PrivateKey, key_from_pem

MAX_FILE_BYTES = 16 * 1024 * 1024
KEY_SUFFIX = ".key"
SECRET_MODE = 0o600
PUBLIC_MODE = 0o644

CaFile = Annotated[Path, typer.Option("--ca", help="Certificate of the CA, followed by those above it, in PEM.")]
CaKeyFile = Annotated[
    Path | None, typer.Option("--ca-key", help="Private key of the CA; by default beside it, with the ending .key.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]

_UNSAFE = re.compile(r"[^\w.-]")


def content_of(file: Path) -> bytes:
    """Return what is in ``file``, of which ``-`` is standard input."""
    try:
        if str(file) == STANDARD_INPUT:
            return sys.stdin.buffer.read(MAX_FILE_BYTES)
        with file.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}", EXIT_USAGE) from None


def read_chain(file: Path) -> list[x509.Certificate]:
    """Read the certificates of a PEM file, at least one."""
    try:
        return chain_from_pem(content_of(file))
    except PkiError as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None


def read_key(file: Path, passphrase_file: Path | None, variable: str) -> PrivateKey:
    """Read a private key; the passphrase is asked for when it is needed and not given."""
    return opened_key(file, passphrase_file, variable)[0]


def opened_key(file: Path, passphrase_file: Path | None, variable: str) -> tuple[PrivateKey, str | None]:
    """Read a private key as `read_key` does, and return the passphrase too, for whoever reads the file again."""
    pem = content_of(file)
    try:
        passphrase = given(passphrase_file, variable)
        try:
            return key_from_pem(pem, passphrase), passphrase
        except PassphraseRequiredError:
            passphrase = asked(str(file))
            return key_from_pem(pem, passphrase), passphrase
    except PkiError as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None


def read_authority(
    ca: Path, ca_key: Path | None, passphrase_file: Path | None
) -> tuple[Authority, list[x509.Certificate]]:
    """Read a CA that can issue, and its chain: itself and those above it, as far as the file has them."""
    chain = read_chain(ca)
    key = read_key(ca_key or ca.with_suffix(KEY_SUFFIX), passphrase_file, CA_VARIABLE)
    return Authority(chain[0], key), chain


def key_file_of(certificate: Path) -> Path:
    """Return where the private key of a new certificate goes."""
    if certificate.suffix == KEY_SUFFIX:
        raise CommandError(f"{certificate}: the ending {KEY_SUFFIX} is that of the private key", EXIT_USAGE)
    return certificate.with_suffix(KEY_SUFFIX)


def refuse_existing(*files: Path, force: bool) -> None:
    """Refuse to go on when a file would be replaced; asked before anything is made."""
    for file in files:
        if not force and os.path.lexists(file):
            raise CommandError(f"{file} is there already; --force replaces it", EXIT_USAGE)


def write_secret(file: Path, content: bytes, *, force: bool) -> None:
    """Write what only its owner may read; all of it or nothing."""
    _write(file, content, SECRET_MODE, force=force)


def write_public(file: Path, content: bytes, *, force: bool) -> None:
    """Write what anybody may read; all of it or nothing."""
    _write(file, content, PUBLIC_MODE, force=force)


def file_name_of(common_name: str) -> str:
    """Return the name of a device without what file systems or shells take for something else."""
    return _UNSAFE.sub("_", common_name).lstrip(".-") or "_"


def _write(file: Path, content: bytes, mode: int, *, force: bool) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # 0600 from the start
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            temporary.chmod(mode)
            if force:
                temporary.replace(file)
            else:
                os.link(temporary, file)  # fails when the file is there, unlike a rename
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except FileExistsError:
        raise CommandError(f"{file} is there already; --force replaces it", EXIT_USAGE) from None
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}", EXIT_USAGE) from None
