"""A node that cannot confirm its trust in the database refuses new connections rather than guess."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import text

from certinel.mqtt import ProtocolVersion
from certinel.mqtt.packets import Pingreq, Pingresp
from certinel.mqtt.reasons import ReasonCode
from certinel.services.platform import PlatformOptions
from support.house import until
from support.stage import Stage, StageMaker

STALENESS = timedelta(seconds=1)


@pytest.fixture
async def stage(make_stage: StageMaker) -> Stage:
    return await make_stage(platform_options=PlatformOptions(max_staleness=STALENESS))


@asynccontextmanager
async def keeping(stage: Stage) -> AsyncIterator[None]:
    """Trust is confirmed as in a running node."""
    task = asyncio.create_task(stage.platform.trust_keeper.run())
    yield
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("version", "answer"), [(ProtocolVersion.V3_1_1, 3), (ProtocolVersion.V5, ReasonCode.SERVER_UNAVAILABLE)]
)
async def test_new_connections_are_refused_until_trust_is_confirmed_again(
    stage: Stage, version: ProtocolVersion, answer: int
) -> None:
    async with stage.device("pump") as live:
        await live.connect("pump")
        await until(lambda: stage.platform.trust_keeper.is_stale)
        async with stage.device("press", version=version) as refused:
            assert (await refused.connect("press")).code == answer
        await live.send(Pingreq())
        assert isinstance(await live.receive(), Pingresp)
    async with keeping(stage):
        await until(lambda: not stage.platform.trust_keeper.is_stale)
        async with stage.device("press", version=version) as admitted:
            assert (await admitted.connect("press")).code == 0


async def test_a_database_that_cannot_be_read_confirms_nothing(stage: Stage) -> None:
    keeper, database = stage.platform.trust_keeper, stage.platform.database
    async with keeping(stage):
        async with database.transaction() as tx:
            await tx.execute(text("ALTER TABLE tenant RENAME TO hidden"))
        await until(lambda: keeper.is_stale)
        async with database.transaction() as tx:
            await tx.execute(text("ALTER TABLE hidden RENAME TO tenant"))
        await until(lambda: not keeper.is_stale)


async def test_trust_stays_confirmed_while_the_database_answers(stage: Stage) -> None:
    keeper = stage.platform.trust_keeper
    began = asyncio.get_running_loop().time()
    async with keeping(stage):
        while asyncio.get_running_loop().time() - began < 2 * STALENESS.total_seconds():
            assert not keeper.is_stale
            await asyncio.sleep(0.05)
