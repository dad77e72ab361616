"""The header of the PROXY protocol, version 2: whom a load balancer speaks for. Bytes in, facts out.

Whether the sender may be believed is *not* decided here: see proxied. Version 1, the text form, is recognised and
refused: it has no checksum, no length, and no command for the balancer's own health checks.
"""

import ipaddress
import struct
from dataclasses import dataclass

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
"""How every header begins (PROXY protocol, 2.2)."""

_VERSION_1 = b"PROXY "

FIXED_BYTES = 16
"""Signature, version and command, family, length."""

MAX_FOLLOWING_BYTES = 2048
"""Addresses take at most 216 bytes, the type-length-values that balancers add some hundred; the format allows 65535."""

_VERSION, _LOCAL, _PROXY = 2, 0, 1
_ADDRESS_BYTES = {0x11: 4, 0x21: 16}
"""TCP over IPv4 and over IPv6; whatever else there is cannot be the peer of a TCP connection."""

_KIND_AND_LENGTH = 3
_CRC32C = 0x03
_CRC_BYTES = 4


class ProxyHeaderError(ValueError):
    """Not a header that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What one header says."""

    source: tuple[str, int] | None
    """Address and port of the peer of the proxy; None when the proxy speaks for itself, as its health checks do."""
    size: int
    """How many bytes the header takes; what follows belongs to the connection."""


def read_proxy_header(received: bytes) -> ProxyHeader | None:
    """Read the header at the beginning of what was received; None while it is not complete.

    Raises:
        ProxyHeaderError: this never becomes a header, whatever follows.
    """
    if received[: len(SIGNATURE)] != SIGNATURE[: len(received)]:
        if received.startswith(_VERSION_1):
            raise ProxyHeaderError("the header is of version 1; only version 2 is read")
        raise ProxyHeaderError("the connection does not begin with a header of PROXY protocol version 2")
    if len(received) < FIXED_BYTES:
        return None
    version_and_command, family, length = struct.unpack_from("!BBH", received, len(SIGNATURE))
    command = version_and_command & 0x0F
    if version_and_command >> 4 != _VERSION or command not in {_LOCAL, _PROXY}:
        raise ProxyHeaderError("the version or the command is unknown")
    if length > MAX_FOLLOWING_BYTES:
        raise ProxyHeaderError(f"it is longer than {MAX_FOLLOWING_BYTES} bytes")
    size = FIXED_BYTES + length
    if len(received) < size:
        return None
    header = received[:size]
    if command == _LOCAL:  # the rest is to be ignored
        return ProxyHeader(None, size)
    width = _ADDRESS_BYTES.get(family)
    if width is None:
        raise ProxyHeaderError("it is not about a TCP connection over IPv4 or IPv6")
    values_at = FIXED_BYTES + 2 * width + 4
    if size < values_at:
        raise ProxyHeaderError("it is too short for its addresses")
    _check_values(header, values_at)
    address = ipaddress.ip_address(header[FIXED_BYTES : FIXED_BYTES + width])
    (port,) = struct.unpack_from("!H", header, FIXED_BYTES + 2 * width)
    return ProxyHeader((_printed(address), port), size)


def _printed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)  # one device, one name, whichever way the proxy was reached


def _check_values(header: bytes, at: int) -> None:
    """Walk over the type-length-values; only the checksum is looked at."""
    while at < len(header):
        if len(header) - at < _KIND_AND_LENGTH:
            raise ProxyHeaderError("a type-length-value is cut off")
        kind, length = struct.unpack_from("!BH", header, at)
        at += _KIND_AND_LENGTH
        if length > len(header) - at:
            raise ProxyHeaderError("a type-length-value is longer than the header")
        if kind == _CRC32C:
            if length != _CRC_BYTES:
                raise ProxyHeaderError("the checksum is not of four bytes")
            blanked = header[:at] + b"\0" * _CRC_BYTES + header[at + _CRC_BYTES :]
            if crc32c(blanked) != int.from_bytes(header[at : at + _CRC_BYTES], "big"):
                raise ProxyHeaderError("the checksum is wrong")
        at += length


def _table() -> tuple[int, ...]:
    entries = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)  # noqa: PLW2901 - the shift register
        entries.append(value)
    return tuple(entries)


_CRC32C_TABLE = _table()


def crc32c(octets: bytes) -> int:
    """The checksum of Castagnoli (RFC 9260, appendix A)."""
    register = 0xFFFFFFFF
    for octet in octets:
        register = register >> 8 ^ _CRC32C_TABLE[(register ^ octet) & 0xFF]
    return register ^ 0xFFFFFFFF
