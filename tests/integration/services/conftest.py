"""What the tests of services share."""

import pytest

from certinel.services.platform import Platform
from certinel.storage.engine import Database
from support.clock import MovableClock
from support.platforms import started_platform


@pytest.fixture
def clock() -> MovableClock:
    """The clock of ``platform``."""
    return MovableClock()


@pytest.fixture
async def platform(database: Database, clock: MovableClock) -> Platform:
    """A node after its first start, on each engine."""
    return await started_platform(database, clock)
