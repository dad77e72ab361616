"""Floods a node with connections of one kind until it is ended: ``python flood.py KIND PORT CHAIN KEY NAME``.

A program of its own, and one that yields to everybody else, so that what a test measures is the node and not the flood.
"""

import asyncio
import os
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.client_hello import client_hello

AT_ONCE = 100
ADDRESSES = tuple(f"127.0.66.{number}" for number in range(1, 5))
PATIENCE_SECONDS = 20
HELLO = client_hello()

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[ssl.SSLContext | None], Awaitable[Streams]]


class Flood:
    """Connections over and over, some at once."""

    def __init__(self, kind: str, port: int, chain: str, key: str, name: str) -> None:
        self._port = port
        self._name = name
        self._visit = {"greetings": self._greet, "garbage": self._speak_garbage, "connects": self._connect}[kind]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.load_cert_chain(chain, key)
        self._count = 0

    async def run(self) -> None:
        """Go on for ever; say so once it is under way."""
        await asyncio.gather(*(self._keep_coming(number) for number in range(AT_ONCE)))

    async def _keep_coming(self, number: int) -> None:
        source = ADDRESSES[number % len(ADDRESSES)]
        while True:
            with suppress(OSError, ssl.SSLError, TimeoutError, asyncio.IncompleteReadError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._visit(source)
            self._count += 1
            if self._count == AT_ONCE:
                sys.stdout.write("flooding\n")
                sys.stdout.flush()

    async def _dial(self, source: str, context: ssl.SSLContext | None) -> Streams:
        return await asyncio.open_connection("127.0.0.1", self._port, ssl=context, local_addr=(source, 0))

    async def _greet(self, source: str) -> None:
        """The costly half of a handshake, for a copied ClientHello."""
        reader, writer = await self._dial(source, None)
        writer.write(HELLO)
        await reader.read(65536)
        writer.transport.abort()

    async def _speak_garbage(self, source: str) -> None:
        reader, writer = await self._dial(source, self._context)
        writer.write(b"\xf0" + os.urandom(500))
        await reader.read()
        writer.transport.abort()

    async def _connect(self, source: str) -> None:
        reader, writer = await self._dial(source, self._context)
        name = self._name.encode()
        rest = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(name).to_bytes(2, "big") + name
        writer.write(bytes([0x10, len(rest)]) + rest)
        await reader.readexactly(4)
        writer.transport.abort()


if __name__ == "__main__":
    os.nice(19)
    kind, port, *files = sys.argv[1:]
    asyncio.run(Flood(kind, int(port), *files).run())
