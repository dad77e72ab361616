"""What tests with real programs share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
