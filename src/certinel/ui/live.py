"""Pages that go on by themselves: server-sent events, in a bounded number, that end with the node."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from starlette.responses import Response, StreamingResponse

from certinel.services.platform import Platform

MAX_STREAMS: Final = 200
"""Of one node; who comes then sees the page, which does not go on by itself."""
LOOK_EVERY: Final = timedelta(seconds=5)
"""How soon is seen what another node has stored; what this node stores is seen at once."""
LASTS: Final = timedelta(minutes=15)
"""Then the browser asks again, and whether it still may is decided again."""

Look = Callable[[], Awaitable[str | None]]
"""Returns what is new as data of an event; None when nothing is."""


class LiveStreams:
    """The streams of one node."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()
        self._open = 0

    def close(self) -> None:
        """Let all streams end: the node stops."""
        self._closing.set()

    def answer(self, platform: Platform, look: Look) -> Response:
        """Answer with a stream of what ``look`` finds, whenever attempts were stored."""
        if self._open >= MAX_STREAMS or self._closing.is_set():
            return Response(status_code=503, headers={"Retry-After": "60"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(platform, look), media_type="text/event-stream", headers=headers)

    async def _events(self, platform: Platform, look: Look) -> AsyncIterator[str]:
        self._open += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LASTS.total_seconds()):
                    with platform.connection_attempts.listening() as stored:
                        yield ": here\n\n"
                        while await self._goes_on(stored):
                            found = await look()
                            yield _event(found) if found is not None else ": still here\n\n"
        finally:
            self._open -= 1

    async def _goes_on(self, stored: asyncio.Event) -> bool:
        """Wait for something new, or for the next look; false when the node stops."""
        waits = [asyncio.create_task(stored.wait()), asyncio.create_task(self._closing.wait())]
        try:
            await asyncio.wait(waits, timeout=LOOK_EVERY.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        stored.clear()
        return not self._closing.is_set()


def _event(data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"{lines}\n"
