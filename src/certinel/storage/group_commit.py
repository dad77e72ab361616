"""One commit for what many connections store at once: durability at the price of a share of it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Generic, TypeVar

from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import WHOLE_DATABASE, RowConflictError

Work = TypeVar("Work")
Result = TypeVar("Result")

MAX_BATCH = 500
"""More in one transaction makes those wait longer who came first, and saves little."""
MAX_QUEUED = 4 * MAX_BATCH
"""Two batches to commit next while one is being committed, and room for bursts; beyond that submitters wait."""


GATHERING_TIME = timedelta(milliseconds=5)
"""Under load commits begin this far apart: the cost of a transaction is shared by more, and nobody feels the wait."""


class GroupCommitClosedError(Exception):
    """The work was not stored, since storing has ended."""

    def __init__(self) -> None:
        super().__init__("storing has ended")


class GroupCommit(Generic[Work, Result]):
    """Applies works in the order of their submission; many share a transaction.

    While one commit is under way the next batch gathers. A work that comes alone is stored at once; while they come
    together, ``gathering_time`` passes from one batch to the next unless one is full before. A work that fails takes
    nobody with it: its batch is rolled back and halved until it is alone. When the database itself fails, all of the
    batch fail with its error.
    ``run`` must be running for anything to be stored.
    """

    def __init__(
        self,
        database: Database,
        apply: Callable[[Transaction, Sequence[Work]], Awaitable[Sequence[Result]]],
        *,
        max_batch: int = MAX_BATCH,
        max_queued: int = MAX_QUEUED,
        gathering_time: timedelta = GATHERING_TIME,
    ) -> None:
        """``apply`` returns one result per work, in their order; it may be called again with the same works."""
        self._database = database
        self._apply = apply
        self._max_batch = max_batch
        self._gathering_seconds = gathering_time.total_seconds()
        self._free_places = max_queued
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._queue: deque[tuple[Work, asyncio.Future[Result]]] = deque()
        self._wake = asyncio.Event()
        self._is_full = asyncio.Event()
        self._is_closed = False
        self._ended = asyncio.Event()

    @property
    def queued(self) -> int:
        """How many works are taken and not yet in a transaction."""
        return len(self._queue)

    async def submit(self, work: Work) -> Result:
        """Return the result of ``work`` once the commit that holds it is durable; wait while the queue is full.

        Cancelling the caller does not take ``work`` back once it is in the queue.
        """
        future = self.offer(work)
        if future is None:
            await self._wait_for_place()
            future = self._put(work)
        return await future

    def offer(self, work: Work) -> asyncio.Future[Result] | None:
        """Take ``work`` as ``submit`` does but without waiting, or return None while the queue is full.

        Whoever waits for a place goes first.
        """
        if not self._free_places or self._waiting:
            return None
        self._free_places -= 1
        return self._put(work)

    async def _wait_for_place(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._give_back(1)
            raise

    def _give_back(self, places: int) -> None:
        """Hand places to those who wait for them, the first first."""
        while places and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                places -= 1
        self._free_places += places

    def _put(self, work: Work) -> asyncio.Future[Result]:
        """Queue ``work``, for which a place was taken."""
        if self._is_closed:
            self._give_back(1)
            raise GroupCommitClosedError
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.append((work, future))
        self._wake.set()
        if len(self._queue) >= self._max_batch:
            self._is_full.set()
        return future

    async def run(self) -> None:
        """Store until closed and drained; when cancelled, what is not stored fails."""
        loop = asyncio.get_running_loop()
        try:
            while await self._has_work():
                begin = loop.time()
                size = min(self._max_batch, len(self._queue))
                batch = [self._queue.popleft() for _ in range(size)]
                try:
                    await self._store(batch)
                finally:
                    self._fail(batch)
                if size > 1:
                    await self._gather(begin + self._gathering_seconds)
        finally:
            self._is_closed = True
            remaining = list(self._queue)
            self._queue.clear()
            self._fail(remaining)
            self._ended.set()

    async def close(self) -> None:
        """Take nothing more, and return when everything taken is stored; ``run`` then ends."""
        self._is_closed = True
        self._wake.set()
        self._is_full.set()
        await self._ended.wait()

    async def _has_work(self) -> bool:
        while not self._queue:
            if self._is_closed:
                return False
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _gather(self, until: float) -> None:
        self._is_full.clear()
        if self._is_closed or len(self._queue) >= self._max_batch:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._is_full.wait()

    async def _store(self, batch: Sequence[tuple[Work, asyncio.Future[Result]]], *, is_repeated: bool = False) -> None:
        """Store ``batch``, or if that fails its halves one after the other."""
        error: Exception
        try:
            async with self._database.transaction() as tx:
                results = await self._apply(tx, [work for work, _ in batch])
        except RowConflictError as conflict:
            # Another node was quicker with the same rows, or the work contradicts itself: the second try tells.
            if len(batch) == 1 and not is_repeated:
                await self._store(batch, is_repeated=True)
                return
            error = conflict
        except WHOLE_DATABASE as failure:
            self._answer_all(batch, failure)
            return
        except Exception as mistake:  # noqa: BLE001 - this is the outermost loop of the works
            error = mistake
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
            return
        if len(batch) == 1:
            self._answer_all(batch, error)
            return
        middle = len(batch) // 2
        await self._store(batch[:middle])
        await self._store(batch[middle:])

    def _fail(self, batch: Sequence[tuple[Work, asyncio.Future[Result]]]) -> None:
        """Give back the room of ``batch``; whoever of it has no answer is told that storing has ended."""
        self._answer_all(batch, GroupCommitClosedError())
        self._give_back(len(batch))

    @staticmethod
    def _answer_all(batch: Sequence[tuple[Work, asyncio.Future[Result]]], error: Exception) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
