"""A connection after its handshake: flow in both directions, and how it ends."""

import asyncio
import contextlib
import socket
import ssl

import pytest

from certinel.gateway.handshake import HandshakeFault
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.listener import Listener, PortUnavailableError
from support.house import House, issue, rest_of, until


async def test_closing_delivers_the_last_bytes_even_if_the_peer_keeps_sending(house: House) -> None:
    """A refusal in CONNACK must reach a device that has already sent more; a reset would throw it away."""
    reader, writer = await house.connect()
    guest = await house.guest()
    guest.is_echoing = False
    writer.write(b"x" * 300_000)
    guest.transport.write(b"refused")
    guest.transport.close()
    writer.write(b"y" * 300_000)
    assert await reader.read() == b"refused"


async def test_after_closing_the_inner_protocol_hears_nothing_but_the_end(house: House) -> None:
    _, writer = await house.connect()
    guest = await house.guest()
    guest.transport.close()
    assert guest.transport.is_closing()
    guest.transport.write(b"lost")
    writer.write(b"late")
    await guest.lost.wait()
    assert guest.error is None
    assert not guest.received


async def test_a_peer_that_never_ends_its_side_is_cut_after_the_linger_time(open_house) -> None:
    house = await open_house(ListenerOptions(linger_seconds=0.05))
    await house.connect()
    guest = await house.guest()
    guest.transport.close()
    await until(lambda: house.listener.connection_count == 0)


async def test_abort_ends_the_connection_and_tells_the_inner_protocol(house: House) -> None:
    reader, _ = await house.connect()
    guest = await house.guest()
    guest.transport.abort()
    await guest.lost.wait()
    assert await rest_of(reader) == b""


async def test_the_end_of_the_peer_ends_the_inner_protocol(house: House) -> None:
    _, writer = await house.connect()
    guest = await house.guest()
    writer.close()
    await guest.lost.wait()
    assert guest.error is None


async def test_a_reset_by_the_peer_ends_the_inner_protocol(house: House) -> None:
    _, writer = await house.connect()
    guest = await house.guest()
    writer.transport.abort()
    await guest.lost.wait()


async def test_a_broken_record_ends_the_connection(house: House) -> None:
    _, writer = await house.connect()
    guest = await house.guest()
    with socket.socket(fileno=writer.get_extra_info("socket").fileno()) as wire:
        wire.send(b"\x17\x03\x03\x00\x20" + bytes(32))
        wire.detach()
    await guest.lost.wait()
    assert isinstance(guest.error, ConnectionAbortedError)


async def test_a_peer_that_does_not_read_pauses_the_inner_protocol(house: House) -> None:
    reader, writer = await house.connect()
    guest = await house.guest()
    writer.transport.pause_reading()
    sent = 0
    while not guest.writing_paused.is_set():
        guest.transport.write(bytes(65536))
        sent += 65536
        await asyncio.sleep(0)
    assert guest.transport.get_write_buffer_size() > 0
    writer.transport.resume_reading()
    assert len(await reader.readexactly(sent)) == sent
    assert not guest.writing_paused.is_set()


def _send_until_it_blocks(client: ssl.SSLSocket, part: bytes) -> int:
    client.settimeout(0.2)
    parts = 0
    with contextlib.suppress(TimeoutError):
        while parts < 1000:
            client.sendall(part)
            parts += 1
    return parts


async def test_an_inner_protocol_that_pauses_stops_the_peer_and_loses_nothing(house: House) -> None:
    """With a blocking client: those of asyncio take in whatever they are given."""
    plain = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", house.port))
    with await asyncio.to_thread(house.client_context().wrap_socket, plain, server_hostname="localhost") as client:
        guest = await house.guest()
        guest.is_echoing = False
        guest.transport.pause_reading()
        part = bytes(range(256)) * 256
        parts = await asyncio.to_thread(_send_until_it_blocks, client, part)
        assert parts < 1000
        assert not guest.received
        guest.transport.resume_reading()
        await until(lambda: len(guest.received) >= parts * len(part))
        assert guest.received.startswith(part * parts)


async def test_pausing_within_a_delivery_ends_it(house: House) -> None:
    _, writer = await house.connect()
    guest = await house.guest()
    guest.is_pausing = True
    writer.write(b"1")
    writer.write(b"2")
    await until(lambda: guest.received == b"1")
    guest.transport.resume_reading()
    await until(lambda: guest.received == b"12")


async def test_a_handshake_has_a_deadline(open_house) -> None:
    house = await open_house(ListenerOptions(handshake_seconds=0.05))
    reader, _ = await house.dial()
    assert await rest_of(reader) == b""
    assert house.failures[0].fault is HandshakeFault.TIMEOUT


async def test_handshakes_that_dawdle_do_not_disturb_another_peer(house: House) -> None:
    for _ in range(50):
        _, writer = await house.dial()
        writer.write(b"\x16\x03\x01\x02\x00")
    async with asyncio.timeout(5):
        reader, writer = await house.connect()
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
    assert house.listener.handshakes_under_way == 50


@pytest.mark.parametrize(
    "options",
    [
        ListenerOptions(max_handshakes=2),
        ListenerOptions(max_handshakes_per_address=2),
        ListenerOptions(max_connections=2),
        ListenerOptions(connections_per_second_per_address=0.001, connection_burst_per_address=2),
    ],
)
async def test_beyond_the_limit_a_connection_ends_at_accept(open_house, options: ListenerOptions) -> None:
    house = await open_house(options)
    within = [await house.dial() for _ in range(2)]
    beyond, _ = await house.dial()
    assert await rest_of(beyond) == b""
    assert [failure.fault for failure in house.failures] == [HandshakeFault.OVERLOAD]
    assert house.listener.connection_count == len(within)


async def test_finished_handshakes_make_room(open_house) -> None:
    house = await open_house(ListenerOptions(max_handshakes=1))
    for _ in range(3):
        await house.connect()
    assert not house.failures


async def test_closing_the_listener_lets_inner_protocols_say_goodbye(house: House) -> None:
    reader, writer = await house.connect()
    guest = await house.guest()

    async def leave() -> bytes:
        try:
            return await reader.read()
        finally:
            writer.close()

    said, _ = await asyncio.gather(leave(), house.listener.close(grace_seconds=5))
    assert said == b"bye"
    assert guest.was_shut_down
    with pytest.raises(ConnectionRefusedError):
        await house.connect()


async def test_closing_the_listener_cuts_what_does_not_end(house: House) -> None:
    await house.dial()
    await house.connect()
    async with asyncio.timeout(5):
        await house.listener.close(grace_seconds=0.05)
    assert house.listener.connection_count == 0


async def test_a_port_in_use_is_named(house: House) -> None:
    second = Listener(lambda: None, tls=house.tls)
    with pytest.raises(PortUnavailableError, match=rf"127\.0\.0\.1:{house.port}: another program"):
        await second.start("127.0.0.1", house.port)


async def test_an_ipv6_address_is_written_in_brackets(house: House) -> None:
    second = Listener(lambda: None, tls=house.tls)
    with pytest.raises(PortUnavailableError, match=r"\[2001:db8::1\]:0: this machine has no such address"):
        await second.start("2001:db8::1", 0)


async def test_every_address_of_the_machine_has_the_same_port(house: House) -> None:
    everywhere = Listener(house.listener._make_protocol, tls=house.tls)
    await everywhere.start("", 0)
    for host in ["127.0.0.1", "::1"] if socket.has_dualstack_ipv6() else ["127.0.0.1"]:
        await house.dial(host, port=everywhere.port, ssl=house.client_context(), server_hostname="localhost")
    assert everywhere.connection_count >= 1
    await everywhere.close(grace_seconds=0)


async def test_a_new_certificate_is_used_by_the_next_handshake_and_live_connections_go_on(house: House) -> None:
    reader, writer = await house.connect()
    old, new = house.server, issue("server, renewed")
    new.write(house.directory, "server")
    assert house.tls.reload()
    house.server = new
    _, second = await house.connect()
    assert second.get_extra_info("ssl_object").getpeercert(binary_form=True) == new.der != old.der
    writer.write(b"still here")
    assert await reader.readexactly(10) == b"still here"
