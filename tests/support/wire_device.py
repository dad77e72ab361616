"""A device that speaks MQTT over a real TLS socket, packet by packet."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from certinel.mqtt import ProtocolVersion
from certinel.mqtt.decoding import decode
from certinel.mqtt.encoding import encode
from certinel.mqtt.framing import FrameBuffer
from certinel.mqtt.packets import (
    Connack,
    Connect,
    Packet,
    Puback,
    Publish,
    Suback,
    Subscribe,
    Subscription,
    Will,
)
from support.certificates import DeviceFiles, Issued

PATIENCE_SECONDS = 20


class ConnectionEnded(Exception):  # noqa: N818 - an event of the test, not a fault
    """The platform has closed the connection."""


class WireDevice:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: ProtocolVersion) -> None:
        self._reader = reader
        self._writer = writer
        self._version = version
        self._frames = FrameBuffer(1 << 20)

    async def send(self, *packets: Packet) -> None:
        self._writer.write(b"".join(encode(packet, self._version) for packet in packets))
        await self._writer.drain()

    async def receive(self) -> Packet:
        """The next packet; raises ``ConnectionEnded`` when there will be none."""
        while (frame := self._frames.next_frame()) is None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                try:
                    received = await self._reader.read(4096)
                except (ConnectionError, ssl.SSLError):
                    received = b""
            if not received:
                raise ConnectionEnded
            self._frames.feed(received)
        return decode(*frame, self._version)

    async def receive_until_end(self) -> list[Packet]:
        """Everything until the platform closes the connection."""
        packets = []
        while True:
            try:
                packets.append(await self.receive())
            except ConnectionEnded:
                return packets

    async def connect(
        self,
        client_id: str,
        *,
        keep_alive: int = 60,
        will: Will | None = None,
        user_name: str | None = None,
        password: str | None = None,
    ) -> Connack:
        await self.send(
            Connect(
                client_id,
                self._version,
                keep_alive=keep_alive,
                will=will,
                user_name=user_name,
                password=password.encode() if password is not None else None,
            )
        )
        answer = await self.receive()
        assert isinstance(answer, Connack)
        return answer

    async def publish(self, row: str, *, topic: str = "s/us", packet_id: int = 1) -> None:
        """Publish with QoS 1 and wait for the acknowledgement."""
        await self.send(Publish(topic, row.encode(), qos=1, packet_id=packet_id))
        answer = await self.receive()
        assert isinstance(answer, Puback)
        assert answer.packet_id == packet_id

    async def subscribe(self, topic_filter: str, qos: int = 1) -> tuple[int, ...]:
        await self.send(Subscribe(77, (Subscription(topic_filter, qos),)))
        answer = await self.receive()
        assert isinstance(answer, Suback)
        return answer.codes

    def cut(self) -> None:
        """Drop the TCP connection without a word."""
        self._writer.transport.abort()


@asynccontextmanager
async def wire_device(
    device: Issued,
    folder: Path,
    port: int,
    *,
    version: ProtocolVersion = ProtocolVersion.V3_1_1,
    source: str | None = None,
    server_name: str | None = None,
) -> AsyncIterator[WireDevice]:
    """Shake hands as ``device``, perhaps from another address of this machine; CONNECT is the test's."""
    files = DeviceFiles.of(device, folder)
    async with wire_device_with(files, port, version=version, source=source, server_name=server_name) as connected:
        yield connected


@asynccontextmanager
async def wire_device_with(
    files: DeviceFiles,
    port: int,
    *,
    version: ProtocolVersion = ProtocolVersion.V3_1_1,
    source: str | None = None,
    server_name: str | None = None,
) -> AsyncIterator[WireDevice]:
    """Shake hands with the chain and key in ``files``."""
    context = _trusting_context()
    context.load_cert_chain(files.chain, files.key)
    async with _connected(context, port, version, source=source, server_name=server_name) as connected:
        yield connected


@asynccontextmanager
async def password_client(port: int, *, server_name: str | None = None) -> AsyncIterator[WireDevice]:
    """Shake hands without a certificate; user name and password come with CONNECT."""
    async with _connected(_trusting_context(), port, ProtocolVersion.V3_1_1, server_name=server_name) as connected:
        yield connected


def _trusting_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@asynccontextmanager
async def _connected(
    context: ssl.SSLContext,
    port: int,
    version: ProtocolVersion,
    *,
    source: str | None = None,
    server_name: str | None = None,
) -> AsyncIterator[WireDevice]:
    local = (source, 0) if source is not None else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, local_addr=local, server_hostname=server_name
    )
    try:
        yield WireDevice(reader, writer, version)
    finally:
        writer.transport.abort()
