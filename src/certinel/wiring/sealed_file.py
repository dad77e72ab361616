"""A file under a passphrase: AES-256-GCM in pieces, so that it may be larger than memory.

The key comes from the passphrase by scrypt, with a salt of its own for every file. Each piece is sealed with its number
and with whether it is the last, so that pieces that were swapped, repeated or cut off do not open (the construction
called STREAM). Its length is not hidden.
"""

import io
import os
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from typing_extensions import Buffer, override

MAGIC: Final = b"certinel sealed file 1\n"
PIECE_BYTES: Final = 1 << 20
_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32
_SCRYPT_COST: Final = 1 << 17
"""128 MiB and some tenths of a second (RFC 7914; the advice of OWASP)."""


class SealedFileError(Exception):
    """The file cannot be opened; the message says why."""


class SealedWriter(io.RawIOBase):
    """Seals what is written to it; the file is whole only after ``close``."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        super().__init__()
        salt = os.urandom(_SALT_BYTES)
        self._file, self._pieces = file, _Pieces(passphrase, salt)
        self._waiting = bytearray()
        file.write(MAGIC + salt)

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, content: Buffer, /) -> int:
        self._waiting += content
        while len(self._waiting) > PIECE_BYTES:
            self._file.write(self._pieces.seal(bytes(self._waiting[:PIECE_BYTES]), is_last=False))
            del self._waiting[:PIECE_BYTES]
        return len(memoryview(content))

    @override
    def close(self) -> None:
        if not self.closed:
            self._file.write(self._pieces.seal(bytes(self._waiting), is_last=True))
        super().close()


class SealedReader(io.RawIOBase):
    """Opens a sealed file while it is read; what it gives is genuine, and the end is the end only when it is read."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        """Begin behind ``MAGIC``."""
        super().__init__()
        salt = file.read(_SALT_BYTES)
        if len(salt) != _SALT_BYTES:
            raise SealedFileError("it is cut off")
        self._file, self._pieces = file, _Pieces(passphrase, salt)
        self._next = file.read(PIECE_BYTES + _TAG_BYTES)
        self._opened = memoryview(b"")
        self._is_end = False

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        if not self._opened and not self._is_end:
            sealed, self._next = self._next, self._file.read(PIECE_BYTES + _TAG_BYTES)
            self._is_end = not self._next
            self._opened = memoryview(self._pieces.open(sealed, is_last=self._is_end))
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._opened))
        target[:count] = self._opened[:count]
        self._opened = self._opened[count:]
        return count


class _Pieces:
    """The cipher, and the number of the next piece."""

    def __init__(self, passphrase: str, salt: bytes) -> None:
        key = Scrypt(salt=salt, length=_KEY_BYTES, n=_SCRYPT_COST, r=8, p=1).derive(passphrase.encode())
        self._cipher, self._header, self._number = AESGCM(key), MAGIC + salt, 0

    def seal(self, piece: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(is_last=is_last), piece, self._header)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        try:
            return self._cipher.decrypt(self._nonce(is_last=is_last), sealed, self._header)
        except (InvalidTag, ValueError):
            is_first = self._number == 1
            reason = "the passphrase does not open it" if is_first else "it is damaged or cut off"
            raise SealedFileError(reason) from None

    def _nonce(self, *, is_last: bool) -> bytes:
        """Number the pieces: every key seals one file only, so that no nonce is used twice."""
        nonce = self._number.to_bytes(11) + bytes([is_last])
        self._number += 1
        return nonce
