"""What tests with real programs share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from certinel.storage.engine import Database, EngineName
from support.engines import Engines
from support.seed_recipe import SeedRecipe, followed_once


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that lasts as long as this run of pytest and is the same in all of its processes."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def recipe(shared_folder: Path) -> SeedRecipe:
    """The seed's recipe, followed to its end. A test that changes a file takes its own copy (``copied_to``)."""
    return followed_once(shared_folder)


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Databases on both engines; the PostgreSQL server starts with the first test that asks for it."""
    engines = Engines(tmp_path_factory.mktemp("engines"))
    yield engines
    engines.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> EngineName:
    """The test runs once on each engine."""
    return cast("EngineName", request.param)


@pytest.fixture
async def database(engine_name: EngineName, engines: Engines) -> AsyncIterator[Database]:
    """An open, migrated, empty database."""
    async with engines.fresh(engine_name) as database:
        yield database
