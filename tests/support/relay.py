"""A network that can fail: it carries TCP connections to a port on this computer, until it is cut."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero: closing sends RST, and nobody says goodbye."""


class Relay:
    """Listens on ``port`` for as long as it runs; while it is cut, connections end as soon as they are made."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_cut = threading.Event()
        self._sockets: list[socket.socket] = []

    def cut(self) -> None:
        """Break every connection without a word, and let none come up."""
        self._is_cut.set()
        for one in self._sockets:
            _reset(one)

    def mend(self) -> None:
        """Carry connections again."""
        self._is_cut.clear()

    def serve(self) -> None:
        """Accept until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                if self._is_cut.is_set():
                    _reset(peer)
                    continue
                target = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [peer, target]
                for source, sink in ((peer, target), (target, peer)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        """Listen no more, and end what there is."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """Carry connections to a port of this computer."""
    relay = Relay(port)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        one.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it
    one.close()
