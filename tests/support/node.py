"""A real node: ``certinel serve`` in a process of its own, on free ports and a data folder of its own."""

from __future__ import annotations

import json
import signal
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.program import PATIENCE_SECONDS, Program, started

SOURCES = Path(__file__).parents[2] / "src"
"""What runs is what lies beside these tests, wherever the environment may have certinel from."""
ADMIN_PASSWORD = "correct horse battery staple"
TENANT = "t1000"


def eventually(holds: Callable[[], bool]) -> None:
    """Ask again and again, for what nothing tells us about; fails when it still does not hold after a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "still not so"


class NodeDidNotStartError(Exception):
    """The process ended before it was ready; the text is all it said."""


@dataclass(slots=True)
class Node:
    """A running node and the ways to talk to it."""

    data_folder: Path
    program: Program
    host: str = "localhost"

    @property
    def ports(self) -> Mapping[str, int]:
        """The file that the node writes once it can be reached."""
        described: dict[str, int] = json.loads((self.data_folder / "node.json").read_text())
        return described

    @property
    def mqtt_port(self) -> int:
        return self.ports["mqtt"]

    @property
    def https_url(self) -> str:
        return f"https://{self.host}:{self.ports['https']}"

    @property
    def server_ca(self) -> Path:
        """What a device must trust."""
        return self.data_folder / "server-ca.pem"

    def rest(self, *, token: str | None = None, user: str = f"{TENANT}/admin") -> httpx.Client:
        """A client of the REST interface: with a device's token, else with a user's password."""
        trust = ssl.create_default_context(cafile=self.server_ca)
        if token is not None:
            return httpx.Client(base_url=self.https_url, verify=trust, headers={"Authorization": f"Bearer {token}"})
        return httpx.Client(base_url=self.https_url, verify=trust, auth=(user, ADMIN_PASSWORD))

    def upload(self, pem: str, *, name: str = "fleet", auto_registration: bool = True) -> httpx.Response:
        """Make the tenant trust a CA."""
        return self.call(
            "POST",
            f"/tenant/tenants/{TENANT}/trusted-certificates",
            {
                "name": name,
                "status": "ENABLED",
                "autoRegistrationEnabled": auto_registration,
                "certInPemFormat": pem,
            },
        )

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """One call as the tenant's administrator; anything but success fails the test with the answer."""
        with self.rest() as rest:
            answer = rest.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def logged(self, *words: str) -> str:
        """The log line that has all these words, waiting for it."""

        def found() -> list[str]:
            return [line for line in self.program.lines if all(word in line for word in words)]

        assert self.program.wait_until(lambda: bool(found())), f"no line with {words} in\n{self.program.text}"
        return found()[0]

    def stop(self) -> int:
        """Ask the node to end (SIGTERM) and return its exit status."""
        self.program.process.send_signal(signal.SIGTERM)
        return self.program.process.wait(PATIENCE_SECONDS)


@contextmanager
def started_node(data_folder: Path, *, options: tuple[str, ...] = (), **settings: str) -> Iterator[Node]:
    """A node that is ready, and stopped afterwards. ``settings`` are environment variables without their prefix."""
    ports = ("--mqtt-port", "0", "--https-port", "0", "--http-port", "0")
    command = [sys.executable, "-m", "certinel", "serve", "--data-dir", str(data_folder), *ports, *options]
    environment = {"PYTHONPATH": str(SOURCES), "PYTHONUNBUFFERED": "1", "CERTINEL_ADMIN_PASSWORD": ADMIN_PASSWORD}
    environment |= {f"CERTINEL_{name}": value for name, value in settings.items()}
    with started(command, environment) as program:
        if not program.wait_until((data_folder / "node.json").exists):
            raise NodeDidNotStartError(program.text)
        yield Node(data_folder, program)
