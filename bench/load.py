"""Devices that keep a server busy with messages, on the simulator's connections."""

import asyncio
from collections.abc import Sequence

from typing_extensions import override

from bench.servers import Server
from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Connack, Connect, ProtocolVersion, Publish, Suback, Subscribe, Subscription
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.connection import DeviceConnection
from certinel.simulation.fleet import Identity

TOPIC = "s/us"
PAYLOAD = b"200,c8y_Temperature,T,25.5,C"


class Device:
    """A connected device; whatever ends it early ends the measurement."""

    def __init__(self, identity: Identity, port: int, tls: ClientTls) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self._identity = identity
        self._port = port
        session = tls.connection(identity, "localhost")
        self.connection = DeviceConnection(session, ProtocolVersion.V3_1_1, self, trust=None)

    async def connect(self) -> None:
        """Connect, and return when the device is ready."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self.connection, "127.0.0.1", self._port)
        await self.ready

    def dialled(self) -> None:
        pass

    def shaken(self) -> bytes:
        return encode(Connect(self._identity.client_id, ProtocolVersion.V3_1_1), ProtocolVersion.V3_1_1)

    def answered(self, answer: Connack) -> None:
        if answer.code:
            raise SystemExit(f"{self._identity.name} was refused by the server on port {self._port}")
        self.ready.set_result(None)

    def acknowledged(self, packet_id: int) -> None:
        pass

    def subscribed(self, answer: Suback) -> None:
        pass

    def received(self, message: Publish) -> None:
        pass

    def ended(self, reason: str) -> None:
        for waiting in (self.ready, self.done):
            if not waiting.done():
                waiting.set_exception(ConnectionError(f"{self._identity.name}: {reason}"))

    def gone(self) -> None:
        pass


class Subscriber(Device):
    """Somebody who wants every message, and throws it away."""

    @override
    def answered(self, answer: Connack) -> None:
        self.connection.send(Subscribe(1, (Subscription(TOPIC, 0),)))

    @override
    def subscribed(self, answer: Suback) -> None:
        self.ready.set_result(None)


class Publisher(Device):
    """A device with ``window`` messages under way, again and again, ``windows`` times."""

    def __init__(self, identity: Identity, port: int, tls: ClientTls, window: int, windows: int) -> None:
        super().__init__(identity, port, tls)
        self._packets = [Publish(TOPIC, PAYLOAD, 1, packet_id=number + 1) for number in range(window)]
        self._windows = windows
        self._unanswered = 0

    def begin(self) -> None:
        """Send a window, or be done."""
        if not self._windows:
            self.done.set_result(None)
            return
        self._windows -= 1
        self._unanswered = len(self._packets)
        for packet in self._packets:
            self.connection.send(packet)

    @override
    def acknowledged(self, packet_id: int) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self.begin()


async def cpu_for_messages(
    server: Server, devices: Sequence[Identity], listening: Identity | None, window: int, windows: int
) -> float:
    """CPU seconds of the server while all devices publish at once; their connects are not counted."""
    tls = ClientTls()
    subscribers = [Subscriber(listening, server.port, tls)] if listening is not None else []
    publishers = [Publisher(device, server.port, tls, window, windows) for device in devices]
    for device in (*subscribers, *publishers):
        await device.connect()
    before = server.cpu_seconds()
    for publisher in publishers:
        publisher.begin()
    await asyncio.gather(*(publisher.done for publisher in publishers))
    used = server.cpu_seconds() - before
    for device in (*subscribers, *publishers):
        device.connection.close()
    return used
