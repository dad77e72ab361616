"""A whole node in the process of the test: all that ``certinel serve`` starts, with a clock that the test moves.

It lives between calls of ``run``, on an event loop of its own: what it does takes place while the test waits in one.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvloop

from certinel.config import load
from certinel.wiring.node import Node, NodeFacts
from support.certificates import AT
from support.clock import MovableClock
from support.node import ADMIN_PASSWORD
from support.wire_device import PATIENCE_SECONDS

T = TypeVar("T")


@contextmanager
def process_given_back() -> Iterator[None]:
    """Undo in the end what a node does to the garbage collection of the process, which it takes for its own."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class NodeHere:
    """A node on a data folder, and perhaps a database, that it can be started on again and again."""

    def __init__(self, data_folder: Path, database: str | None = None) -> None:
        self.data_folder = data_folder
        self.clock = MovableClock(AT)
        settings: dict[str, Any] = {
            "data_dir": data_folder,
            "database": database,
            "host": "127.0.0.1",
            "mqtt_port": 0,
            "https_port": 0,
            "http_port": "off",
            "admin_password": ADMIN_PASSWORD,
            # nobody here is a stranger who tries too often, and months pass without a new key
            "gateway": {"failures_per_second_per_address": 0, "failures_per_second_per_certificate": 0},
            "token": {"key_lifetime_days": 0},
        }
        self._settings = load(settings, None)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._node: Node | None = None
        self._clients: list[httpx.AsyncClient] = []
        self.facts: NodeFacts

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something while the node is at work."""
        return self._runner.run(work)

    def start(self) -> None:
        node = Node(self._settings, self.clock)
        self.facts = self.run(node.start())
        self._node = node

    def stop(self) -> None:
        """As SIGTERM does."""
        for client in self._clients:
            self.run(client.aclose())
        self._clients.clear()
        if self._node is not None:
            self.run(self._node.stop())
            self._node = None

    def close(self) -> None:
        self.stop()
        self._runner.close()

    def rest(self, **options: Any) -> httpx.AsyncClient:
        """A client of the REST interface; it is closed with the node."""
        trusting = ssl.create_default_context(cafile=self.data_folder / "server-ca.pem")
        url = f"https://localhost:{self.facts.https_port}"
        client = httpx.AsyncClient(base_url=url, verify=trusting, timeout=PATIENCE_SECONDS, **options)
        self._clients.append(client)
        return client
