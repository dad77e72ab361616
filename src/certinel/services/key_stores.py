"""Certificates in files that people bring, where a node must not wait for them.

A key store (PKCS#12) says itself how often its passphrase is to be hashed, in several places, some of them encrypted:
two billion times take minutes. So a store is read in a process of its own, one at a time, which is ended when it takes
too long.
"""

import asyncio
import base64
import json
import subprocess
import sys

from cryptography import x509

from certinel.pki.certificates_in import certificates_in
from certinel.pki.errors import NotAStoreError, WrongPassphraseError
from certinel.services import key_store_process
from certinel.services.platform import Platform

PATIENCE_SECONDS = 10.0
"""Usual stores take milliseconds, and a process two tenths of a second."""

_DER_SEQUENCE = b"\x30"


async def certificates_in_file(
    platform: Platform, content: bytes, passphrase: str | None, *, patience_seconds: float = PATIENCE_SECONDS
) -> list[bytes]:
    """Return the DER of every certificate in ``content`` as ``pki.certificates_in`` does, and raise as it does.

    Raises:
        NotAStoreError: also for a store that takes too long to read.
    """
    if not _may_be_store(content):
        return await asyncio.to_thread(certificates_in, content, passphrase)
    async with platform.key_stores:
        return await asyncio.to_thread(_read_elsewhere, content, passphrase, patience_seconds)


def _may_be_store(content: bytes) -> bool:
    if not content.startswith(_DER_SEQUENCE):
        return False
    try:
        x509.load_der_x509_certificate(content)
    except ValueError:
        return True
    return False


def _read_elsewhere(content: bytes, passphrase: str | None, patience_seconds: float) -> list[bytes]:
    question = {"content": base64.b64encode(content).decode(), "passphrase": passphrase}
    command = [sys.executable, "-m", key_store_process.__name__]
    try:
        done = subprocess.run(  # noqa: S603 - our own program; what people brought is on its standard input
            command, input=json.dumps(question).encode(), capture_output=True, timeout=patience_seconds, check=True
        )
    except subprocess.TimeoutExpired:
        raise NotAStoreError("reading it takes too long: its passphrase is hashed too often") from None
    except subprocess.CalledProcessError:
        raise NotAStoreError("it is not a PKCS#12 store, or it is damaged") from None
    answer = json.loads(done.stdout)
    if "found" in answer:
        return [base64.b64decode(der) for der in answer["found"]]
    if "fault" in answer:
        raise NotAStoreError(answer["fault"])
    raise WrongPassphraseError
