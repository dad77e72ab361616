"""A set of revoked serial numbers with their dates, small enough for millions (16 bytes each) and quick to ask.

Kept are digests, not the serials: they cannot be listed again. Two certificates can be confused only by a collision of
96 bits, about one chance in 10^22 for a list of a million; what is in the set is always found.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

_DIGEST_BYTES = 12
_DATE_BYTES = 4
_RECORD_BYTES = _DIGEST_BYTES + _DATE_BYTES
_ISSUER_BYTES = 16
_BUCKETS = 4096
"""A million serials are 4 kB a bucket, which is searched in two microseconds."""
_LATEST = 2**32 - 1
"""Seconds since 1970 that a date can hold; later ones are written as this (the year 2106)."""


def serial_octets(serial: int) -> bytes:
    """Return a serial number as the content of a DER INTEGER."""
    return serial.to_bytes((serial if serial >= 0 else ~serial).bit_length() // 8 + 1, "big", signed=True)


def issuer_digest(issuer: bytes) -> bytes:
    """Return what stands for an issuer's name (DER) beside a serial."""
    return hashlib.blake2b(issuer, digest_size=_ISSUER_BYTES).digest()


class RevokedSerials:
    """Serials, each alone or together with the issuer it counts for. What was added stays."""

    __slots__ = ("_buckets", "_count")

    def __init__(self) -> None:
        self._buckets: dict[int, bytearray] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, serial: bytes, since: int, issuer: bytes = b"") -> None:
        """Add a serial (`serial_octets`) with its date in seconds since 1970.

        ``issuer`` is an `issuer_digest`; without it the serial counts whoever issued it.
        """
        self.update(((serial, since, issuer),))

    def update(self, entries: Iterable[tuple[bytes, int, bytes]]) -> None:
        """Add many, as `add` does. What is added twice is counted twice and keeps its first date."""
        buckets, blake2b = self._buckets, hashlib.blake2b
        for serial, since, issuer in entries:
            digest = blake2b(serial, digest_size=_DIGEST_BYTES, salt=issuer).digest()
            number = digest[0] << 4 | digest[1] >> 4
            bucket = buckets.get(number)
            if bucket is None:
                bucket = buckets[number] = bytearray()
            bucket += digest + (since if 0 <= since <= _LATEST else _nearest(since)).to_bytes(_DATE_BYTES, "big")
            self._count += 1

    def since(self, serial: bytes, issuer: bytes = b"") -> datetime | None:
        """Return when a serial was revoked, to the second, or None if it is not here with exactly this ``issuer``."""
        digest = hashlib.blake2b(serial, digest_size=_DIGEST_BYTES, salt=issuer).digest()
        bucket = self._buckets.get(digest[0] << 4 | digest[1] >> 4)
        if bucket is None:
            return None
        position = _position(bucket, digest)
        if position < 0:
            return None
        date = bucket[position + _DIGEST_BYTES : position + _RECORD_BYTES]
        return datetime.fromtimestamp(int.from_bytes(date, "big"), UTC)

    def to_bytes(self) -> bytes:
        """Return the whole set for storing; `from_bytes` reads it again in milliseconds."""
        return b"".join(self._buckets[number] for number in sorted(self._buckets))

    @classmethod
    def from_bytes(cls, stored: bytes) -> "RevokedSerials":
        """Read what `to_bytes` wrote."""
        read = cls()
        end = len(stored) // _RECORD_BYTES
        start = 0
        while start < end:
            number = _bucket_of(stored, start)
            after = _first_beyond(stored, start, end, number)
            read._buckets[number] = bytearray(stored[start * _RECORD_BYTES : after * _RECORD_BYTES])
            start = after
        read._count = end
        return read


def _nearest(seconds: int) -> int:
    return min(max(seconds, 0), _LATEST)


def _position(bucket: bytearray, digest: bytes) -> int:
    position = bucket.find(digest)
    while position % _RECORD_BYTES and position >= 0:  # it stands across two records, by chance
        position = bucket.find(digest, position + 1)
    return position


def _bucket_of(stored: bytes, record: int) -> int:
    at = record * _RECORD_BYTES
    return stored[at] << 4 | stored[at + 1] >> 4


def _first_beyond(stored: bytes, start: int, end: int, number: int) -> int:
    """Return the first record from ``start`` on that belongs to a later bucket than ``number``."""
    while start < end:
        middle = (start + end) // 2
        if _bucket_of(stored, middle) > number:
            end = middle
        else:
            start = middle + 1
    return start
