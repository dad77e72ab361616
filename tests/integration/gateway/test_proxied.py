"""Connections through a load balancer that tells who its peer is (PROXY protocol, version 2)."""

import asyncio
import ssl
from ipaddress import ip_network
from typing import Any

import pytest

from certinel.gateway.limits import ListenerOptions
from certinel.gateway.proxy_header import SIGNATURE
from support.house import House, rest_of, until
from support.proxy import proxy_header

BEHIND_LOOPBACK = ListenerOptions(trusted_proxies=(ip_network("127.0.0.0/8"),), handshake_seconds=5)


async def connect_behind(house: House, header: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TLS client that speaks through a proxy."""
    reader, writer = await house.dial()
    writer.write(header)
    await writer.start_tls(house.client_context(), server_hostname="localhost")
    return reader, writer


@pytest.mark.parametrize("source", [("192.0.2.7", 40001), ("2001:db8::7", 40001)])
async def test_the_peer_is_whom_the_trusted_proxy_speaks_for(open_house: Any, source: tuple[str, int]) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, writer = await connect_behind(house, proxy_header(source))
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    transport = house.guests[-1].transport
    assert transport.get_extra_info("peername") == source
    assert transport.get_extra_info("socket") is None


async def test_a_proxy_that_speaks_for_itself_is_the_peer(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    await connect_behind(house, SIGNATURE + b"\x20\x00\x00\x00")
    guest = await house.guest()
    assert guest.transport.get_extra_info("peername")[0] == "127.0.0.1"


async def test_header_and_handshake_may_come_in_any_pieces(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    _, writer = await house.dial()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = house.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    sent = proxy_header(("192.0.2.7", 1)) + outgoing.read()
    for octet in sent[:40]:
        writer.write(bytes([octet]))
        await writer.drain()
    writer.write(sent[40:])
    await until(lambda: house.listener.handshakes_under_way == 1)


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02\x00\x01", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"])
async def test_a_trusted_proxy_without_its_header_is_closed(open_house: Any, first: bytes) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, writer = await house.dial()
    writer.write(first)
    assert await rest_of(reader) == b""
    assert not house.failures


async def test_a_trusted_proxy_that_says_nothing_is_closed(open_house: Any) -> None:
    options = ListenerOptions(trusted_proxies=BEHIND_LOOPBACK.trusted_proxies, handshake_seconds=0.05)
    house = await open_house(options)
    reader, _ = await house.dial()
    assert await rest_of(reader) == b""


async def test_nobody_elses_header_is_read(open_house: Any) -> None:
    house = await open_house(ListenerOptions(trusted_proxies=(ip_network("192.0.2.0/24"),)))
    reader, writer = await house.dial()
    writer.write(proxy_header(("192.0.2.7", 1)))
    await rest_of(reader)
    assert [failure.fault for failure in house.failures] == ["tls/not-tls"]
    await house.connect()
    assert (await house.guest()).transport.get_extra_info("peername")[0] == "127.0.0.1"


async def test_limits_are_those_of_the_real_peer(open_house: Any) -> None:
    proxies = BEHIND_LOOPBACK.trusted_proxies
    house = await open_house(ListenerOptions(trusted_proxies=proxies, max_handshakes_per_address=1))
    for number in (7, 8):
        _, writer = await house.dial()
        writer.write(proxy_header((f"192.0.2.{number}", 1)))
    await until(lambda: house.listener.handshakes_under_way == 2)
    reader, writer = await house.dial()
    writer.write(proxy_header(("192.0.2.7", 2)))
    assert await rest_of(reader) == b""
    assert house.listener.handshakes_under_way == 2


async def test_closing_the_listener_ends_connections_without_header(open_house: Any) -> None:
    house = await open_house(BEHIND_LOOPBACK)
    reader, _ = await house.dial()
    await house.listener.close(grace_seconds=0)
    assert await rest_of(reader) == b""
