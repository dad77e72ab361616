"""Seconds until the last of many live sessions of one CA is closed by disabling it, and what everybody else notices.

Others publish at an even pace all the time, each with one message under way. The latency and the number of their
messages while the sessions are closed, and while what is left of them is cleared away, are compared with those just
before.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path

import uvloop
from typing_extensions import override

from bench.connect import Figures
from bench.fleet import make_fleet
from bench.load import Publisher
from bench.servers import Node, node
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.fleet import Identity

PUBLISHERS = 10
PAUSE_SECONDS = 0.02
"""Between two messages of one device: far below what the node can do."""
BEFORE_SECONDS = 5.0
AFTER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One message: when it was sent, and how long its acknowledgement took."""

    at: float
    seconds: float


class PacedPublisher(Publisher):
    """A device that publishes one message after the other, with a pause in between."""

    def __init__(self, identity: Identity, port: int, tls: ClientTls, sent: list[Sent]) -> None:
        super().__init__(identity, port, tls, window=1, windows=sys.maxsize)
        self._sent = sent

    @override
    def begin(self) -> None:
        self._began = time.monotonic()
        super().begin()

    @override
    def acknowledged(self, packet_id: int) -> None:
        self._sent.append(Sent(self._began, time.monotonic() - self._began))
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._again)

    def _again(self) -> None:
        if not self.done.done():
            self.begin()


def between(sent: Sequence[Sent], begin: float, end: float) -> Figures:
    """What was sent in that time."""
    seconds = [one.seconds for one in sent if begin <= one.at <= end]
    return {
        "median latency, ms": statistics.median(seconds) * 1000,
        "longest latency, ms": max(seconds) * 1000,
        "messages a second": len(seconds) / (end - begin),
    }


@asynccontextmanager
async def idle_devices(server: Node, folder: Path, count: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """So many devices, in a process of their own; they connect when it is told so."""
    command = [sys.executable, "-m", "bench.idle_devices", str(server.port), str(folder), str(count)]
    pipe = subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        await _expect(process, "made")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _read(process: asyncio.subprocess.Process) -> str:
    line = await process.stdout.readline() if process.stdout is not None else b""
    return line.decode().rstrip("\n")


async def _expect(process: asyncio.subprocess.Process, line: str) -> None:
    if await _read(process) != line:
        raise SystemExit("the idle devices failed")


async def _close(
    server: Node, others: Sequence[Identity], folder: Path, count: int, progress: Callable[[str], None]
) -> dict[str, Figures]:
    progress(f"making {count} devices")
    async with idle_devices(server, folder, count) as idle:
        fingerprint = await asyncio.to_thread(server.trust, folder / "ca.pem")
        progress("connecting them")
        if idle.stdin is not None:
            idle.stdin.write(b"\n")
        await _expect(idle, "ready")
        sent: list[Sent] = []
        publishers = [PacedPublisher(identity, server.port, ClientTls(), sent) for identity in others]
        for publisher in publishers:
            await publisher.connect()
            publisher.begin()
        progress("messages of others, before")
        await asyncio.sleep(1 + BEFORE_SECONDS)
        progress("disabling the CA")
        cpu, begin = server.cpu_seconds(), time.monotonic()
        disabling = asyncio.create_task(asyncio.to_thread(server.disable, fingerprint))
        moments = loads(await _read(idle))
        cpu = server.cpu_seconds() - cpu
        await disabling
        await asyncio.sleep(AFTER_SECONDS)
        for publisher in publishers:
            publisher.done.cancel()
            publisher.connection.close()
    last = moments["last"]
    before, meanwhile = between(sent, begin - BEFORE_SECONDS, begin), between(sent, begin, last)
    return {
        f"closing {count} sessions": {
            "seconds to the first": moments["first"] - begin,
            "seconds to the last": last - begin,
            "CPU seconds of the node": cpu,
        },
        "others, before": before,
        "others, meanwhile": meanwhile,
        "others, afterwards": between(sent, last, last + AFTER_SECONDS),
        "others, times as before": {name: meanwhile[name] / before[name] for name in before},
    }


def measure(directory: Path, *, count: int, progress: Callable[[str], None]) -> dict[str, Figures]:
    """Figures of the closing, and of everybody else before and meanwhile."""
    others = make_fleet(directory / "closing", "ec", PUBLISHERS)
    with node(others, directory / "closing") as server:
        return uvloop.run(_close(server, others.devices, directory / "closing" / "idle", count, progress))
