"""Those who keep a node busy: ``python -m bench.attacks KIND PORT FOLDER``, until it is killed.

A process of its own, since the node needs a core. It writes ``ready`` when it has begun, and a line for each second:
how many connections it has made in it.
"""

import asyncio
import contextlib
import ssl
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import uvloop

from bench.fleet import make_fleet
from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Connect, ProtocolVersion
from certinel.pki.chain import chain_to_pem
from certinel.pki.keys import key_to_pem

SOURCES = ("127.0.0.66", "127.0.0.67", "127.0.0.68", "127.0.0.69")
AT_ONCE = 32
SILENT = 1_600
"""Connections that only begin: as many as a node lets these addresses have, nearly."""
DEVICES = 200
GARBAGE = b"\xff" * 4096


@dataclass
class Attack:
    """Where it goes, and what it has done."""

    port: int
    folder: Path
    made: Counter[str] = field(default_factory=Counter)
    contexts: list[ssl.SSLContext] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    async def dial(self, context: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect from one of the addresses."""
        number = next(self._numbers)
        source = SOURCES[number % len(SOURCES)]
        name = "localhost" if context is not None else None
        opened = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname=name, local_addr=(source, 0)
        )
        self.made["connections"] += 1
        return opened

    def next_device(self) -> tuple[str, ssl.SSLContext]:
        """Return a device and what it shows, in turn."""
        number = next(self._numbers) % len(self.contexts)
        return f"crowd-ec-{number}", self.contexts[number]


async def half_greetings(attack: Attack) -> None:
    """Begin a ClientHello and leave it at that."""
    reader, writer = await attack.dial()
    writer.write(client_hello()[:100])
    await reader.read()


async def greetings(attack: Attack) -> None:
    """Have the server compute its half of a handshake, and go."""
    reader, writer = await attack.dial()
    writer.write(client_hello())
    await reader.read(1024)
    writer.transport.abort()


async def garbage(attack: Attack) -> None:
    """Shake hands, and send no CONNECT."""
    reader, writer = await attack.dial(_trusting_context())
    writer.write(GARBAGE)
    await reader.read()
    writer.transport.abort()


async def connects(attack: Attack) -> None:
    """Connect as a device, and go."""
    name, context = attack.next_device()
    reader, writer = await attack.dial(context)
    writer.write(encode(Connect(name, ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1))
    await reader.read(1024)
    writer.transport.abort()


KINDS: Mapping[str, tuple[Callable[[Attack], Awaitable[None]], int]] = {
    "half greetings": (half_greetings, SILENT),
    "greetings": (greetings, AT_ONCE),
    "garbage": (garbage, AT_ONCE),
    "strangers": (connects, AT_ONCE),
    "storm of another tenant": (connects, AT_ONCE),
}
"""What each of so many does again and again."""


def client_hello() -> bytes:
    """What a client says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        _trusting_context().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def _trusting_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _device_contexts(folder: Path) -> list[ssl.SSLContext]:
    contexts = []
    for device in make_fleet(folder, "ec", DEVICES, prefix="crowd").devices:
        path = folder / "device.pem"
        path.write_bytes(key_to_pem(device.key) + chain_to_pem([device.certificate, *device.above]))
        context = _trusting_context()
        context.load_cert_chain(path)
        contexts.append(context)
    return contexts


async def run(kind: str, attack: Attack) -> None:
    """Attack without end."""
    act, at_once = KINDS[kind]

    async def again_and_again() -> None:
        while True:
            with contextlib.suppress(OSError, ssl.SSLError):
                await act(attack)

    workers = [asyncio.create_task(again_and_again()) for _ in range(at_once)]
    say("ready")
    while not any(worker.done() for worker in workers):
        await asyncio.sleep(1)
        say(str(attack.made.pop("connections", 0)))
    for worker in workers:
        if worker.done():
            worker.result()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(kind: str, port: int, folder: Path) -> None:
    attack = Attack(port, folder)
    if KINDS[kind][0] is connects:
        attack.contexts = _device_contexts(folder)
        say("made")
        sys.stdin.readline()
    uvloop.run(run(kind, attack))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
