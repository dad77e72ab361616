"""A scene on SQLite: what is explained does not depend on the engine."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from support.engines import Engines
from support.scene import Scene

SceneMaker = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def make_scene(engines: Engines) -> AsyncIterator[SceneMaker]:
    """Makes the scene, with the given policy."""
    async with engines.fresh("sqlite") as database:

        async def make(*, require_proof: bool = False) -> Scene:
            return await Scene.on(database, require_proof=require_proof)

        yield make


@pytest.fixture
async def scene(make_scene: SceneMaker) -> Scene:
    return await make_scene()
