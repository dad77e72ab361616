"""Sealing of what must be stored but never read by who only has the database.

AES-256-GCM. A sealed secret opens only with the key that sealed it and only in the place (``context``) it was sealed
for, so a row copied over another row is noticed. Keeping the key is the caller's business: it lives in the data
directory, never in the database.
"""

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certinel.domain.errors import DeviceIdentityError

KEY_BYTES = 32
"""AES-256."""

_FORMAT = b"\x01"
"""The first byte of every sealed secret: format version, key id, nonce, ciphertext with tag."""

_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
"""What GCM is specified for (SP 800-38D, 8.2.1)."""

_HEADER_BYTES = len(_FORMAT) + _KEY_ID_BYTES


class SealedSecretUnreadableError(DeviceIdentityError):
    """A stored secret cannot be opened: another key sealed it, or it was changed or moved."""

    code = "secret/unreadable"


class Sealer:
    """Seals and opens stored secrets with one key."""

    __slots__ = ("_cipher", "_header")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key for stored secrets must have {KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESGCM(key)
        self._header = _FORMAT + hashlib.sha256(b"certinel key id" + key).digest()[:_KEY_ID_BYTES]

    @property
    def key_id(self) -> str:
        """What tells this key from others; it says nothing about the key."""
        return self._header[len(_FORMAT) :].hex()

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt ``plain`` so that only ``open`` with the same key and ``context`` gives it back."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._header + nonce + self._cipher.encrypt(nonce, plain, self._header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed for ``context``.

        :raises SealedSecretUnreadableError: it was sealed by another key or for another place, or it is damaged.
        """
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        if header != self._header:
            raise SealedSecretUnreadableError("A stored secret was sealed with another key than the one of this node.")
        try:
            return self._cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], header + context)
        except (InvalidTag, ValueError) as error:
            raise SealedSecretUnreadableError("A stored secret is damaged or is not where it was stored.") from error
