"""Certificates as people have them in files: PEM with anything around it, DER, bare base64, PKCS#12."""

import sys
from pathlib import Path

from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.pki.certificates_in import certificates_in
from certinel.pki.errors import PkiError, WrongPassphraseError

STANDARD_INPUT = "-"
MAX_FILE_BYTES = 16 * 1024 * 1024
"""A bundle of every CA of the web has a quarter of a megabyte."""


def read_certificates(file: Path, passphrase: str | None = None) -> list[bytes]:
    """Return the DER of every certificate in ``file``, in its order; of a key store, that of the key first.

    What is in PEM is not parsed: a damaged certificate is to be explained, not to be an error. Raises CommandError
    when there is no certificate at all.
    """
    try:
        return certificates_in(_content_of(file), passphrase)
    except WrongPassphraseError:
        reason = "the passphrase does not open it" if passphrase else "it is encrypted; give --passphrase"
    except PkiError as error:
        reason = str(error)
    raise CommandError(f"{file}: {reason}", EXIT_USAGE)


def _content_of(file: Path) -> bytes:
    try:
        if str(file) == STANDARD_INPUT:
            return sys.stdin.buffer.read(MAX_FILE_BYTES)
        with file.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}", EXIT_USAGE) from None
