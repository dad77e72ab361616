"""Storing soon and together what was noted in memory, so that nobody waits for the database."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import timedelta

FLUSH_EVERY = timedelta(seconds=1)
"""What was noted is stored this soon."""


class WriteBehind(ABC):
    """Notes of one node. ``run`` must be running for anything to be stored, and ``_wake`` be set when there is."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._flushing = asyncio.Lock()
        """Held by a flush."""

    @abstractmethod
    async def flush(self) -> None:
        """Store what was noted up to now. What cannot be stored stays, and is tried again with the next flush."""

    async def run(self) -> None:
        """Store what is noted until ``close`` is called."""
        while not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            await self.flush()
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_EVERY.total_seconds()):
                    await self._closing.wait()

    async def close(self) -> None:
        """Store what is left, and let ``run`` end."""
        self._closing.set()
        self._wake.set()
        await self.flush()
