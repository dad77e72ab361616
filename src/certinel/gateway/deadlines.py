"""One timer for many waits of the same length."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter")


class Deadlines(Generic[Waiter]):
    """Tells who has waited too long; each wait costs two dict operations and no timer of its own.

    All waits are equally long, so the order in which they began is the order in which they end.
    """

    def __init__(self, delay: float, expired: Callable[[Waiter], None]) -> None:
        self._delay = delay
        self._expired = expired
        self._due: dict[Waiter, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, waiter: Waiter) -> bool:
        return waiter in self._due

    def start(self, waiter: Waiter) -> None:
        """Begin a wait; an earlier one of the same waiter is forgotten."""
        loop = asyncio.get_running_loop()
        self._due.pop(waiter, None)
        self._due[waiter] = loop.time() + self._delay
        if self._timer is None:
            self._timer = loop.call_later(self._delay, self._sweep)

    def stop(self, waiter: Waiter) -> bool:
        """End a wait in good time; whether there was one."""
        return self._due.pop(waiter, None) is not None

    def longest(self) -> Waiter | None:
        """Return who has waited longest."""
        return next(iter(self._due), None)

    def cancel(self) -> None:
        """Forget all waits."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        now = loop.time()
        late = []
        for waiter, due in self._due.items():
            if due > now:
                self._timer = loop.call_at(due, self._sweep)
                break
            late.append(waiter)
        for waiter in late:
            if self.stop(waiter):  # unless the end of an earlier one has ended it
                self._expired(waiter)
