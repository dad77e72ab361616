"""Writing DER by hand, for certificates that no library would make."""

from __future__ import annotations

from datetime import datetime

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OBJECT_IDENTIFIER = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18


def tlv(tag: int, *contents: bytes) -> bytes:
    """One element."""
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*elements: bytes) -> bytes:
    return tlv(SEQUENCE, *elements)


def integer(value: int) -> bytes:
    octets = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv(INTEGER, value.to_bytes(octets, "big", signed=True))


def bit_string(content: bytes) -> bytes:
    return tlv(BIT_STRING, b"\x00", content)


def octet_string(content: bytes) -> bytes:
    return tlv(OCTET_STRING, content)


def object_identifier(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return tlv(OBJECT_IDENTIFIER, *(_base_128(arc) for arc in (first * 40 + second, *rest)))


def moment(value: datetime) -> bytes:
    """A time as certificates have it: UTCTime through 2049 (RFC 5280, 4.1.2.5)."""
    if 1950 <= value.year < 2050:
        return tlv(UTC_TIME, value.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(GENERALIZED_TIME, f"{value.year:04}{value:%m%d%H%M%SZ}".encode())


def _base_128(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(0x80 | value & 0x7F)
    return bytes(reversed(octets))
