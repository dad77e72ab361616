"""Connections through a load balancer that tells who its peer is (PROXY protocol, version 2)."""

import asyncio
import ssl
from ipaddress import ip_network
from typing import Any

import pytest

from certinel.gateway.handshake import HandshakeFault
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.proxy_header import MAX_FOLLOWING_BYTES, SIGNATURE
from support.house import House, rest_of, until
from support.proxy import proxy_header

LOOPBACK = (ip_network("127.0.0.0/8"),)
BEHIND_LOOPBACK = ListenerOptions(trusted_proxies=LOOPBACK, handshake_seconds=5)
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
DEVICE = ("192.0.2.7", 40001)


async def connect_behind(house: House, header: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TLS client that speaks through a proxy."""
    reader, writer = await house.dial()
    writer.write(header)
    await writer.start_tls(house.client_context(), server_hostname="localhost", ssl_handshake_timeout=10)
    return reader, writer


@pytest.mark.parametrize("source", [DEVICE, ("2001:db8::7", 40001)])
async def test_the_peer_is_whom_the_trusted_proxy_speaks_for(open_house: Any, source: tuple[str, int]) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, writer = await connect_behind(house, proxy_header(source))
    writer.write(b"hello")
    async with asyncio.timeout(10):
        assert await reader.readexactly(5) == b"hello"
    transport = house.guests[-1].transport
    assert transport.get_extra_info("peername") == source
    assert transport.get_extra_info("socket") is None


async def test_a_proxy_that_speaks_for_itself_is_the_peer(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    await connect_behind(house, LOCAL)
    guest = await house.guest()
    assert guest.transport.get_extra_info("peername")[0] == "127.0.0.1"


async def test_header_and_handshake_may_come_in_any_pieces(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    _, writer = await house.dial()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = house.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    sent = proxy_header(DEVICE) + outgoing.read()
    for octet in sent[:40]:
        writer.write(bytes([octet]))
        await asyncio.sleep(0)
    writer.write(sent[40:])
    await until(lambda: house.listener.handshakes_under_way == 1)


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b"\x16\x03\x01\x02\x00\x01", "does not begin with a header"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n", "only version 2 is read"),
        (SIGNATURE + b"\x21\x11" + (MAX_FOLLOWING_BYTES + 1).to_bytes(2, "big"), "longer than"),
        (SIGNATURE + b"\x21\x11\x00\x04abcd", "too short"),
    ],
)
async def test_a_trusted_proxy_with_another_header_is_closed_and_reported(
    open_house: Any, first: bytes, words: str
) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, writer = await house.dial()
    writer.write(first)
    assert await rest_of(reader) == b""
    (failure,) = house.failures
    assert failure.fault is HandshakeFault.PROXY_HEADER
    assert words in str(failure)
    assert not house.guests


async def test_a_trusted_proxy_that_says_nothing_is_closed(open_house: Any) -> None:
    house = await open_house(ListenerOptions(trusted_proxies=LOOPBACK, handshake_seconds=0.05))
    reader, _ = await house.dial()
    assert await rest_of(reader) == b""
    assert [failure.fault for failure in house.failures] == [HandshakeFault.PROXY_HEADER]


async def test_a_proxy_that_looks_whether_the_port_is_open_is_not_reported(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    _, writer = await house.dial()
    writer.close()
    await connect_behind(house, LOCAL)
    assert not house.failures


async def test_nobody_elses_header_is_read(open_house: Any) -> None:
    house = await open_house(ListenerOptions(trusted_proxies=(ip_network("192.0.2.0/24"),)))
    reader, writer = await house.dial()
    writer.write(proxy_header(DEVICE))
    await rest_of(reader)
    assert [failure.fault for failure in house.failures] == [HandshakeFault.PROXY_NOT_TRUSTED]
    await house.connect()
    assert (await house.guest()).transport.get_extra_info("peername")[0] == "127.0.0.1"


async def test_only_the_first_header_counts(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, writer = await house.dial()
    writer.write(proxy_header(DEVICE) + proxy_header(("198.51.100.1", 1)))
    await rest_of(reader)
    assert house.failed_at == [DEVICE]


async def test_limits_are_those_of_the_real_peer(open_house: Any) -> None:
    house = await open_house(ListenerOptions(trusted_proxies=LOOPBACK, max_handshakes_per_address=1))
    for number in (7, 8):
        _, writer = await house.dial()
        writer.write(proxy_header((f"192.0.2.{number}", 1)))
    await until(lambda: house.listener.handshakes_under_way == 2)
    reader, writer = await house.dial()
    writer.write(proxy_header(("192.0.2.7", 2)))
    assert await rest_of(reader) == b""
    assert house.listener.handshakes_under_way == 2
    assert house.failed_at == [("192.0.2.7", 2)]


async def test_connections_without_a_header_yet_are_limited(open_house: Any) -> None:
    house = await open_house(ListenerOptions(trusted_proxies=LOOPBACK, max_handshakes=1))
    await house.dial()
    reader, _ = await house.dial()
    assert await rest_of(reader) == b""
    assert [failure.fault for failure in house.failures] == [HandshakeFault.OVERLOAD]


async def test_closing_the_listener_ends_connections_without_header(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, writer = await house.dial()
    writer.write(SIGNATURE)
    await asyncio.sleep(0)
    await house.listener.close(grace_seconds=0)
    assert await rest_of(reader) == b""
