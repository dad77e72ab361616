"""Accepts connections on a listening socket, many at a time.

uvloop's own server accepts one connection each time it looks at all sockets. When handshakes keep it busy, everybody
then waits in the system's queue, where first come is first served and a storm cannot be told from a single device.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

ACCEPTED_AT_A_TIME = 16
"""Between two looks at all sockets: some 1 ms."""

RETRY_SECONDS = 0.2
"""How soon accepting goes on when the system had no more room for a connection."""

_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

logger = logging.getLogger(__name__)


class Acceptor:
    """Makes a protocol for every connection of one listening socket, which it owns."""

    def __init__(
        self,
        listening: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        backlog: int,
        on_accepted: Callable[[int], None],
    ) -> None:
        """Begin; a running loop is needed. ``on_accepted`` is told how many were accepted together."""
        self._listening = listening
        self._make_protocol = make_protocol
        self._on_accepted = on_accepted
        self._loop = asyncio.get_running_loop()
        self._connecting: set[asyncio.Task[object]] = set()
        self._retry: asyncio.TimerHandle | None = None
        listening.settimeout(0)
        listening.listen(backlog)
        self._loop.add_reader(listening.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening.fileno())
        self._listening.close()

    def _accept(self) -> None:
        accepted = 0
        while accepted < ACCEPTED_AT_A_TIME and self._accept_one():
            accepted += 1
        if accepted:
            self._on_accepted(accepted)

    def _accept_one(self) -> bool:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return False
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._wait_for_room(error)
            return False
        connection.settimeout(0)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return True

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError as error:  # it has gone already
            logger.debug("a connection ended before it began: %s", error)
            connection.close()

    def _wait_for_room(self, error: OSError) -> None:
        logger.error("no connection can be accepted at the moment: %s", error.strerror)
        self._loop.remove_reader(self._listening.fileno())
        self._retry = self._loop.call_later(
            RETRY_SECONDS, self._loop.add_reader, self._listening.fileno(), self._accept
        )
