"""How many live sessions one tenant may have on a node, so that others always find a place."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from certinel.domain.trust_store import DeviceUserState
from certinel.gateway.limits import ListenerOptions
from certinel.mqtt import ProtocolVersion, ReasonCode
from certinel.services import connection_attempts
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.engine import EngineName
from certinel.storage.page import PageRequest
from support.certificates import Issued
from support.house import until
from support.stage import TENANT, Stage, StageMaker
from support.wire_device import ConnectionEnded, WireDevice

ADMITTED, LATER = 0, 3
FLOODING = "127.0.0.66"


@pytest.fixture
def engine_name() -> EngineName:
    """Which database it is makes no difference here."""
    return "sqlite"


class Connected:
    """Devices that stay connected."""

    def __init__(self, stage: Stage, opened: AsyncExitStack) -> None:
        self.stage = stage
        self._opened = opened

    async def answer(self, name: str, issued: Issued | None = None) -> int:
        device = await self.opened(name, issued)
        return (await device.connect(name)).code

    async def opened(self, name: str, issued: Issued | None = None, source: str | None = None) -> WireDevice:
        return await self._opened.enter_async_context(self.stage.device(name, issued=issued, source=source))


@pytest.fixture
async def two_of_four(make_stage: StageMaker) -> AsyncIterator[Connected]:
    """A node with four connections, of which sessions of one tenant may take two; it has them."""
    stage = await make_stage(listener_options=ListenerOptions(max_connections=4), session_share_of_tenant=0.5)
    async with AsyncExitStack() as opened:
        connected = Connected(stage, opened)
        assert [await connected.answer(name) for name in ("p1", "p2")] == [ADMITTED, ADMITTED]
        yield connected


async def test_device_beyond_is_told_to_come_later_and_another_tenants_comes_in(two_of_four: Connected) -> None:
    theirs = await two_of_four.stage.with_another_tenant()
    assert await two_of_four.answer("p3") == LATER
    assert await two_of_four.answer("press", theirs.device("press")) == ADMITTED


async def test_device_that_is_connected_may_connect_again(two_of_four: Connected) -> None:
    assert await two_of_four.answer("p1") == ADMITTED
    assert two_of_four.stage.gateway.session_count == 2


async def test_session_that_ends_leaves_its_place_to_another_device(two_of_four: Connected) -> None:
    last = await two_of_four.opened("p1")
    await last.connect("p1")
    last.cut()
    await until(lambda: two_of_four.stage.gateway.session_count == 1)
    assert await two_of_four.answer("p3") == ADMITTED


async def test_device_beyond_is_not_registered(two_of_four: Connected) -> None:
    await two_of_four.answer("p3")
    trust = two_of_four.stage.platform.trust
    states = [trust.device_user(TENANT, name) for name in ("p1", "p3")]
    assert states == [DeviceUserState.ENABLED, DeviceUserState.UNKNOWN]


async def test_owner_sees_why_and_so_does_the_device(two_of_four: Connected) -> None:
    stage = two_of_four.stage
    async with stage.device("p3", version=ProtocolVersion.V5) as device:
        told = await device.connect("p3")
    reason = "the tenant has 2 live sessions on this node, which is as many as it may have"
    assert told.code == ReasonCode.SERVER_UNAVAILABLE
    assert told.properties.reason_string == f"overload/try-later: The platform is busy: {reason}."
    await stage.platform.connection_attempts.flush()
    async with stage.platform.database.reading() as tx:
        wanted = AttemptFilter(code="overload/try-later")
        attempts = await connection_attempts.list_of(tx, TENANT, wanted, PageRequest(1, 10))
    assert [(one.device, one.facts) for one in attempts.items] == [("p3", {"reason": reason})]


async def test_where_all_connections_are_taken_who_sends_no_connect_makes_room(make_stage: StageMaker) -> None:
    stage = await make_stage(listener_options=ListenerOptions(max_connections=3))
    async with AsyncExitStack() as opened:
        connected = Connected(stage, opened)
        silent = [await connected.opened("silent", source=FLOODING) for _ in range(3)]
        assert await connected.answer("pump") == ADMITTED
        with pytest.raises(ConnectionEnded):
            await silent[0].receive()
