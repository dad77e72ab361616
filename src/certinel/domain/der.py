"""The little of DER that is read and written without a library: element by element, for lists of a million entries."""

from datetime import UTC, datetime
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30

_LONG_FORM: Final = 0x80
_MAX_LENGTH_OCTETS: Final = 4
"""An element of 4 GiB is far beyond anything that is read."""
_FIRST_UTC_YEAR: Final = 1950
_FIRST_GENERALIZED_YEAR: Final = 2050
"""Between the two, a year is written with two digits (RFC 5280, 4.1.2.5)."""


class MalformedDerError(ValueError):
    """The bytes are not DER of the expected form."""


def content_of(data: bytes, start: int, end: int, *tags: int) -> tuple[int, int]:
    """Return where the content of the element at ``start`` begins and ends; its tag must be one of ``tags``.

    Raises:
        MalformedDerError: another tag, a length that is not in the shortest form, or an element that leaves ``end``.
    """
    if start + 2 > end or data[start] not in tags:
        raise MalformedDerError(f"not the expected element at byte {start}")
    length = data[start + 1]
    begin = start + 2
    if length >= _LONG_FORM:
        begin, length = _long_length(data, start, end)
    if begin + length > end:
        raise MalformedDerError(f"an element that is cut off at byte {start}")
    return begin, begin + length


def _long_length(data: bytes, start: int, end: int) -> tuple[int, int]:
    octets = data[start + 1] & ~_LONG_FORM
    begin = start + 2 + octets
    if not 0 < octets <= _MAX_LENGTH_OCTETS or begin > end:
        raise MalformedDerError(f"an impossible length at byte {start}")
    length = int.from_bytes(data[start + 2 : begin], "big")
    if length < _LONG_FORM or length < 1 << 8 * (octets - 1):
        raise MalformedDerError(f"a length that is not in its shortest form at byte {start}")
    return begin, length


def element(tag: int, *contents: bytes | bytearray) -> bytes:
    """Write one element."""
    length = sum(len(content) for content in contents)
    if length < _LONG_FORM:
        return b"".join((bytes((tag, length)), *contents))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return b"".join((bytes((tag, _LONG_FORM | len(octets))), octets, *contents))


def time_element(at: datetime) -> bytes:
    """Write a moment in UTC, to the second."""
    moment = at.astimezone(UTC)
    if _FIRST_UTC_YEAR <= moment.year < _FIRST_GENERALIZED_YEAR:
        return element(UTC_TIME, f"{moment:%y%m%d%H%M%S}Z".encode())
    return element(GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%S}Z".encode())


def read_time(content: bytes, tag: int) -> datetime:
    """Read the content of a UTCTime or GeneralizedTime in the one form that RFC 5280 allows."""
    text = content.decode("ascii", errors="replace")
    if tag == UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text  # RFC 5280, 4.1.2.5.1
    digits = text[:-1]
    if len(text) != len("YYYYMMDDHHMMSSZ") or text[-1] != "Z" or not (digits.isascii() and digits.isdigit()):
        raise MalformedDerError("a time that is not in the required form")
    try:
        month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise MalformedDerError("a time that does not exist") from None
