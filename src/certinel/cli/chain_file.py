"""Certificates as people have them in files: PEM with anything around it, DER, bare base64, PKCS#12."""

import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.domain.pem import CertificateTextError, all_der
from certinel.pki.errors import NotAStoreError, PkiError, WrongPassphraseError
from certinel.pki.keystore import read_store

STANDARD_INPUT = "-"
MAX_FILE_BYTES = 16 * 1024 * 1024
"""A bundle of every CA of the web has a quarter of a megabyte."""

_DER_SEQUENCE = 0x30


def read_certificates(file: Path, passphrase: str | None = None) -> list[bytes]:
    """Return the DER of every certificate in ``file``, in its order; of a key store, that of the key first.

    What is in PEM is not parsed: a damaged certificate is to be explained, not to be an error. Raises CommandError
    when there is no certificate at all.
    """
    content = _content_of(file)
    try:
        if content[:1] == bytes([_DER_SEQUENCE]):
            return _binary(content, passphrase)
        return all_der(content.decode(errors="replace"))
    except CertificateTextError:
        reason = "there is no certificate in it, or one is cut off"
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


def _binary(content: bytes, passphrase: str | None) -> list[bytes]:
    try:
        store = read_store(content, passphrase or "")
    except NotAStoreError:
        return [content]
    found = [*store.chain, *store.trusted.values()]
    if not found:
        raise NotAStoreError("there is no certificate in this key store")
    return [_der(certificate) for certificate in found]


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
