"""Floods before anybody has shown a certificate: who waits for whom, and what OpenSSL gets to see."""

import asyncio
import contextlib
import select
import socket
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from certinel.gateway.limits import ListenerOptions
from support.client_hello import client_hello
from support.house import House, rest_of, until

FLOODING, CALM = "127.0.0.66", "127.0.0.77"


@pytest.fixture
def dial() -> Iterator[Any]:
    """Opens TCP connections from an address of this machine, without giving the event loop a turn."""
    with contextlib.ExitStack() as opened:

        def one(house: House, source: str, sent: bytes) -> socket.socket:
            client = opened.enter_context(
                socket.create_connection(("127.0.0.1", house.port), timeout=10, source_address=(source, 0))
            )
            client.sendall(sent)
            return client

        yield one


async def test_handshake_of_another_address_is_served_before_most_of_a_flood(house: House, dial: Any) -> None:
    """Also while the flood is still being accepted: nobody's turn comes before all who are there were heard."""
    flood = [dial(house, FLOODING, client_hello()) for _ in range(100)]
    calm = dial(house, CALM, client_hello())
    calm.settimeout(0)
    async with asyncio.timeout(10):
        while not select.select([calm], [], [], 0)[0]:  # noqa: ASYNC110 - rounds of the loop are what counts here
            await asyncio.sleep(0)
    served, _, _ = select.select(flood, [], [], 0)
    assert len(served) < len(flood) / 2
    await until(lambda: len(select.select(flood, [], [], 0)[0]) == len(flood))


async def test_connections_that_say_nothing_or_half_a_greeting_cost_no_tls_state(house: House, dial: Any) -> None:
    for _ in range(20):
        dial(house, FLOODING, b"")
        dial(house, FLOODING, client_hello()[:100])
    await until(lambda: house.listener.handshakes_under_way == 40)
    guests = house.listener._reception.guests
    assert not [guest for guest in guests if hasattr(guest, "tls")]


async def test_connections_that_go_no_further_take_little_memory_each(house: House, dial: Any) -> None:
    """Nearly all of the longest record that is waited for, and then silence."""
    count, record = 100, b"\x16\x03\x01\x40\x00" + bytes(16_000)
    tracemalloc.start()
    try:
        for _ in range(count):
            dial(house, FLOODING, record)
        await until(lambda: house.listener.handshakes_under_way == count)
        guests = house.listener._reception.guests
        await until(lambda: all(len(guest._unfed) == len(record) for guest in guests))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < count * 24 * 1024


async def test_greeting_in_many_pieces_ends_in_a_session(house: House) -> None:
    _, writer = await house.connect()
    assert await house.guest()
    hello = client_hello()
    _, slow = await house.dial()
    for octet in hello:
        slow.write(bytes([octet]))
        await asyncio.sleep(0)
    await until(lambda: bool([one for one in house.listener._reception.guests if hasattr(one, "tls")][1:]))
    writer.close()


async def test_a_greeting_that_never_ends_is_dropped_with_the_deadline(open_house: Any) -> None:
    house = await open_house(ListenerOptions(handshake_seconds=0.1))
    reader, writer = await house.dial()
    writer.write(b"\x16\x03\x01\x40\x00" + bytes(1000))
    assert await rest_of(reader) == b""
    assert house.listener.connection_count == 0


async def test_what_is_no_tls_is_refused_with_its_first_byte(house: House) -> None:
    reader, writer = await house.dial()
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await rest_of(reader)
    assert [failure.fault for failure in house.failures] == ["tls/plain-http"]


async def test_many_connections_are_accepted_at_a_time(house: House, dial: Any) -> None:
    """Else a flood would be served in the order of the system's queue, whoever is in it."""
    for _ in range(50):
        dial(house, FLOODING, b"")
    rounds = 0
    async with asyncio.timeout(10):
        while house.listener.connection_count < 50:
            rounds += 1
            await asyncio.sleep(0)
    assert rounds < 20


async def test_who_takes_all_handshakes_makes_room_for_another_address(open_house: Any, dial: Any) -> None:
    """Some addresses that begin handshakes and go no further must not keep everybody else out."""
    house = await open_house(ListenerOptions(max_handshakes=10))
    for _ in range(10):
        dial(house, FLOODING, client_hello()[:50])
    await until(lambda: house.listener.handshakes_under_way == 10)
    await house.connect()
    assert await house.guest()
    assert house.failed_at[0][0] == FLOODING
    assert house.listener.handshakes_under_way == 9


async def test_within_an_address_who_came_first_stays(open_house: Any, dial: Any) -> None:
    house = await open_house(ListenerOptions(max_handshakes=3))
    first = [dial(house, FLOODING, b"") for _ in range(3)]
    await until(lambda: house.listener.handshakes_under_way == 3)
    late = dial(house, FLOODING, b"")
    await until(lambda: bool(select.select([late], [], [], 0)[0]))
    assert house.failures
    assert not select.select(first, [], [], 0)[0]


async def test_where_all_connections_are_taken_who_shows_nothing_makes_room(open_house: Any, dial: Any) -> None:
    house = await open_house(ListenerOptions(max_connections=4))
    for _ in range(4):
        dial(house, FLOODING, client_hello()[:50])
    await until(lambda: house.listener.connection_count == 4)
    await house.connect()
    assert await house.guest()
    assert [address for address, _ in house.failed_at] == [FLOODING]
    assert house.listener.connection_count == 4


async def test_where_all_connections_are_taken_who_is_leaving_anyway_makes_room(open_house: Any) -> None:
    house = await open_house(ListenerOptions(max_connections=2, linger_seconds=3600))
    staying = []
    for _ in range(2):  # which do not close their side
        staying.append(await house.connect())
        (await house.guest()).transport.close()
    for _ in range(2):
        await house.connect()
        await house.guest()
    assert not house.failures
    assert house.listener.connection_count == 2


async def test_where_all_connections_are_taken_by_others_a_newcomer_is_turned_away(open_house: Any) -> None:
    house = await open_house(ListenerOptions(max_connections=2))
    for _ in range(2):
        await house.connect()
        await house.guest()
    beyond, _ = await house.dial()
    assert await rest_of(beyond) == b""
    assert not [guest for guest in house.guests if guest.lost.is_set()]
