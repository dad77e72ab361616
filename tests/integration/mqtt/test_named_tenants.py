"""Who names a tenant by its server name and has shown nothing yet: what that takes of its connects, and gives back."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack

import pytest

from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.gateway.buckets import Rate
from certinel.gateway.crowd import CrowdOptions
from certinel.gateway.limits import ListenerOptions
from certinel.services import connection_attempts
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.engine import EngineName
from certinel.storage.page import PageRequest
from support.certificates import Issued, root_authority
from support.client_hello import client_hello
from support.house import until
from support.stage import THEIR_DOMAIN, Stage, StageMaker
from support.wire_device import ConnectionEnded, password_client

FOUR = CrowdOptions(connects_of_tenant=Rate(per_second=0.001, burst=4))
CLOSED = None
"""Before a byte was answered."""
ADMITTED, LATER, REFUSED = 0, 3, 5


@pytest.fixture
def engine_name() -> EngineName:
    """Which database it is makes no difference here."""
    return "sqlite"


class Silent:
    """Clients that name the tenant and go no further than their greeting."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened

    async def greet(self, stage: Stage, source: str = "127.0.0.66") -> tuple[socket.socket, bytes]:
        """Return the connection with the first of what was answered: nothing when OpenSSL was not let to see it."""
        loop = asyncio.get_running_loop()
        client = self._opened.enter_context(socket.socket())
        client.bind((source, 0))
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", stage.gateway.port))
        await loop.sock_sendall(client, client_hello(THEIR_DOMAIN))
        async with asyncio.timeout(20):
            try:
                return client, await loop.sock_recv(client, 5)
            except ConnectionError:
                return client, b""


@pytest.fixture
def silent() -> Iterator[Silent]:
    with ExitStack() as opened:
        yield Silent(opened)


async def answer(stage: Stage, device: Issued, name: str, server_name: str | None = THEIR_DOMAIN) -> int | None:
    try:
        async with stage.device(name, issued=device, server_name=server_name) as connected:
            return (await connected.connect(name)).code
    except (ConnectionError, ConnectionEnded):
        return CLOSED


async def last_sentence(stage: Stage, code: str) -> str:
    """What the operator reads of the latest attempt with this code."""
    await stage.platform.connection_attempts.flush()
    async with stage.platform.database.reading() as tx:
        found = await connection_attempts.list_of(tx, MANAGEMENT_TENANT, AttemptFilter(code=code), PageRequest(1, 1))
    return found.items[0].sentence


async def everybody_gone(stage: Stage) -> None:
    await until(lambda: stage.gateway._listener.connection_count == 0)


async def test_named_storm_is_held_before_the_handshake(make_stage: StageMaker, silent: Silent) -> None:
    """Connects that were decided and greetings that were not count together."""
    stage = await make_stage(crowd_options=FOUR)
    theirs = await stage.with_another_tenant()
    assert [await answer(stage, theirs.device(f"p{n}"), f"p{n}") for n in range(2)] == [ADMITTED, ADMITTED]
    greeted = [bool((await silent.greet(stage))[1]) for _ in range(4)]
    assert greeted == [True, True, False, False]
    assert "the domain of a tenant of which too many devices connect" in await last_sentence(stage, "tls/overload")


async def test_named_device_is_charged_once(make_stage: StageMaker) -> None:
    stage = await make_stage(crowd_options=FOUR)
    theirs = await stage.with_another_tenant()
    answers = [await answer(stage, theirs.device(f"p{n}"), f"p{n}") for n in range(5)]
    assert answers == [ADMITTED] * 4 + [CLOSED]
    assert await answer(stage, theirs.device("p5"), "p5", "unheard.example.com") == LATER


@pytest.mark.parametrize("server_name", [THEIR_DOMAIN, THEIR_DOMAIN.upper(), None])
@pytest.mark.parametrize("burst", [1, 2, 3, 4])
async def test_strangers_who_know_the_name_and_stay_silent_keep_no_device_out(
    make_stage: StageMaker, silent: Silent, burst: int, server_name: str | None
) -> None:
    stage = await make_stage(crowd_options=CrowdOptions(connects_of_tenant=Rate(0.001, burst)))
    theirs = await stage.with_another_tenant()
    for _ in range(2 * burst):
        await silent.greet(stage)
    assert await answer(stage, theirs.device("press"), "press", server_name) == ADMITTED


async def test_half_of_a_burst_is_left_for_devices_that_name_nobody(make_stage: StageMaker, silent: Silent) -> None:
    stage = await make_stage(crowd_options=FOUR)
    theirs = await stage.with_another_tenant()
    for _ in range(4):
        await silent.greet(stage)
    answers = [await answer(stage, theirs.device(f"p{n}"), f"p{n}", None) for n in range(3)]
    assert answers == [ADMITTED, ADMITTED, LATER]


Path = Callable[[Stage, Silent], Awaitable[None]]


async def client_goes_in_the_middle_of_the_handshake(stage: Stage, silent: Silent) -> None:
    client, _ = await silent.greet(stage)
    client.close()


async def handshake_fails(stage: Stage, silent: Silent) -> None:
    client, _ = await silent.greet(stage)
    client.sendall(b"\x16\x03\x03\x00\x05nonse")
    client.close()


async def handshake_is_not_finished_in_time(stage: Stage, silent: Silent) -> None:
    client, _ = await silent.greet(stage)
    await everybody_gone(stage)
    client.close()


async def handshake_is_displaced(stage: Stage, silent: Silent) -> None:
    clients = [(await silent.greet(stage))[0] for _ in range(2)]
    last, _ = await silent.greet(stage, "127.0.0.77")
    for client in (*clients, last):
        client.close()


async def chain_is_of_nobody(stage: Stage, silent: Silent) -> None:
    assert await answer(stage, root_authority("Nobody's CA").device("x"), "x") == REFUSED


async def chain_only_looks_like_the_tenants(stage: Stage, silent: Silent) -> None:
    look_alike = root_authority("Their CA", key_identifiers=False)
    assert await answer(stage, look_alike.device("x", key_identifiers=False), "x") == REFUSED


async def device_is_another_tenants(stage: Stage, silent: Silent) -> None:
    assert await answer(stage, stage.root.device("x"), "x") == REFUSED


async def client_goes_before_connect(stage: Stage, silent: Silent) -> None:
    async with stage.device("x", server_name=THEIR_DOMAIN):
        pass


async def no_connect_comes_in_time(stage: Stage, silent: Silent) -> None:
    async with stage.device("x", server_name=THEIR_DOMAIN) as device:
        assert await device.receive_until_end() == []


async def connect_is_garbage(stage: Stage, silent: Silent) -> None:
    async with stage.device("x", server_name=THEIR_DOMAIN) as device:
        device._writer.write(b"\xff" * 100)
        await device.receive_until_end()


async def password_is_wrong(stage: Stage, silent: Silent) -> None:
    async with password_client(stage.gateway.port, server_name=THEIR_DOMAIN) as device:
        assert (await device.connect("x", user_name="t2000/device_x", password="wrong")).code != ADMITTED


SOON = ListenerOptions(handshake_seconds=0.5)
TWO_HANDSHAKES = ListenerOptions(max_handshakes=2)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        (client_goes_in_the_middle_of_the_handshake, {}),
        (handshake_fails, {}),
        (handshake_is_not_finished_in_time, {"listener_options": SOON}),
        (handshake_is_displaced, {"listener_options": TWO_HANDSHAKES}),
        (chain_is_of_nobody, {}),
        (chain_only_looks_like_the_tenants, {}),
        (device_is_another_tenants, {}),
        (client_goes_before_connect, {}),
        (no_connect_comes_in_time, {"connect_seconds": 0.5}),
        (connect_is_garbage, {}),
        (password_is_wrong, {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_what_was_reserved_is_given_back_once(
    make_stage: StageMaker, silent: Silent, path: Path, options: dict[str, object]
) -> None:
    """Neither less nor more than the burst is left afterwards."""
    stage = await make_stage(crowd_options=FOUR, **options)
    theirs = await stage.with_another_tenant()
    for _ in range(3):
        await path(stage, silent)
        await everybody_gone(stage)
    answers = [await answer(stage, theirs.device(f"p{n}"), f"p{n}") for n in range(5)]
    assert answers == [ADMITTED] * 4 + [CLOSED]
