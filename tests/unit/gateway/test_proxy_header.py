"""The header of PROXY protocol version 2."""

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.gateway.proxy_header import (
    MAX_FOLLOWING_BYTES,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    crc32c,
    read_proxy_header,
)
from support.proxy import proxy_header

AUTHORITY_TLV = b"\x02\x00\x05hello"


def with_checksum(header: bytes) -> bytes:
    """The same header with the checksum as its last type-length-value."""
    longer = header[:14] + struct.pack("!H", len(header) - 16 + 7) + header[16:] + b"\x03\x00\x04"
    return longer + crc32c(longer + b"\0\0\0\0").to_bytes(4, "big")


def test_checksum_is_that_of_castagnoli() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("source", [("192.0.2.7", 40000), ("2001:db8::7", 65535)])
def test_source_is_read(source: tuple[str, int]) -> None:
    header = proxy_header(source)
    assert read_proxy_header(header) == ProxyHeader(source, len(header))


def test_ipv4_within_ipv6_is_the_same_address() -> None:
    header = read_proxy_header(proxy_header(("::ffff:192.0.2.7", 1)))
    assert header is not None
    assert header.source == ("192.0.2.7", 1)


def test_what_follows_is_not_part_of_the_header() -> None:
    header = proxy_header(("192.0.2.7", 1))
    assert read_proxy_header(header + b"\x16\x03\x01") == ProxyHeader(("192.0.2.7", 1), len(header))


def test_local_command_has_no_source_whatever_its_family() -> None:
    assert read_proxy_header(SIGNATURE + b"\x20\x00\x00\x03abc") == ProxyHeader(None, 19)


def test_type_length_values_are_passed_over() -> None:
    header = proxy_header(("192.0.2.7", 1), values=AUTHORITY_TLV)
    assert read_proxy_header(header) == ProxyHeader(("192.0.2.7", 1), len(header))


def test_right_checksum_is_accepted() -> None:
    header = with_checksum(proxy_header(("2001:db8::7", 9), values=AUTHORITY_TLV))
    assert read_proxy_header(header) == ProxyHeader(("2001:db8::7", 9), len(header))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"PROXY TCP4 192.0.2.7", "version 1"),
        (b"\x16\x03\x01\x02\x00", "does not begin"),
        (SIGNATURE + b"\x11\x11\x00\x0c" + b"\0" * 12, "version or the command"),
        (SIGNATURE + b"\x22\x11\x00\x0c" + b"\0" * 12, "version or the command"),
        (SIGNATURE + b"\x21\x12\x00\x0c" + b"\0" * 12, "not about a TCP"),
        (SIGNATURE + b"\x21\x31\x00\xd8" + b"\0" * 216, "not about a TCP"),
        (SIGNATURE + b"\x21\x00\x00\x00", "not about a TCP"),
        (SIGNATURE + b"\x21\x11\x00\x0b" + b"\0" * 11, "too short"),
        (SIGNATURE + b"\x21\x11" + struct.pack("!H", MAX_FOLLOWING_BYTES + 1), "longer than"),
        (proxy_header(("192.0.2.7", 1), values=b"\x02\x00"), "cut off"),
        (proxy_header(("192.0.2.7", 1), values=b"\x02\x00\x05hell"), "longer than the header"),
        (proxy_header(("192.0.2.7", 1), values=b"\x03\x00\x02ab"), "four bytes"),
        (proxy_header(("192.0.2.7", 1), values=b"\x03\x00\x04abcd"), "checksum is wrong"),
    ],
)
def test_what_is_no_header_is_refused(header: bytes, words: str) -> None:
    with pytest.raises(ProxyHeaderError, match=words):
        read_proxy_header(header)


@given(address=st.ip_addresses(), port=st.integers(0, 65535), data=st.data())
def test_incomplete_header_asks_for_more(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, data: st.DataObject
) -> None:
    header = proxy_header((str(address), port))
    cut = data.draw(st.integers(0, len(header) - 1))
    assert read_proxy_header(header[:cut]) is None


@given(st.binary(max_size=400), st.booleans())
def test_whatever_comes_is_a_header_or_refused_or_incomplete(received: bytes, is_signed: bool) -> None:
    try:
        header = read_proxy_header((SIGNATURE + b"\x21" if is_signed else b"") + received)
    except ProxyHeaderError:
        return
    if header is not None and header.source is not None:
        family = socket.AF_INET6 if ":" in header.source[0] else socket.AF_INET
        assert socket.inet_pton(family, header.source[0])


@given(st.binary(min_size=1, max_size=60), st.integers(16, 51))
def test_changed_byte_of_an_address_under_a_checksum_is_noticed(values: bytes, place: int) -> None:
    header = with_checksum(proxy_header(("2001:db8::7", 9), values=b"\x05" + struct.pack("!H", len(values)) + values))
    broken = header[:place] + bytes([header[place] ^ 1]) + header[place + 1 :]
    with pytest.raises(ProxyHeaderError):
        read_proxy_header(broken)
