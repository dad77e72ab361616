"""Runs a simulation: brings the devices in, keeps connects within their limit, ends everything in good order."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from certinel.mqtt.packets import ProtocolVersion
from certinel.simulation.client_tls import ClientTls
from certinel.simulation.connection import DeviceConnection
from certinel.simulation.device import SimulatedDevice
from certinel.simulation.fleet import Identity
from certinel.simulation.plan import Plan
from certinel.simulation.server_trust import ServerTrust
from certinel.simulation.tally import Tally

DEVICES_PER_ADDRESS = 20_000
"""On loopback, from each of its addresses: a system has some 28,000 ports for one address and one target."""
GOODBYE_SECONDS = 3.0
"""For sockets to close when all is over."""


class End(StrEnum):
    """Why a simulation has ended."""

    DONE = "done"
    DURATION = "duration"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Target:
    """The platform that is put under load."""

    host: str
    """Its name, as its certificate and devices have it."""
    port: int
    address: str
    """Where connections go: the one that the name resolves to, so that no device asks again."""


class Simulation:
    """One run of a plan against a platform. Made inside the event loop, run once."""

    def __init__(
        self, plan: Plan, target: Target, tls: ClientTls, trust: ServerTrust | None, *, version: ProtocolVersion
    ) -> None:
        self.plan = plan
        self.tally = Tally()
        self.version = version
        self.end = End.DONE
        self.seconds = 0.0
        self.target = target
        self.tls = tls
        self._trust = trust
        self._waiting: deque[SimulatedDevice] = deque()
        self._under_way = 0
        self._unfinished = 0
        self._sockets = 0
        self._is_over = asyncio.Event()
        self._are_all_closed = asyncio.Event()
        self._dialling: set[asyncio.Task[None]] = set()
        self._began = 0.0

    @property
    def elapsed_seconds(self) -> float:
        """How long it has been running."""
        return self.seconds or (asyncio.get_running_loop().time() - self._began if self._began else 0.0)

    async def run(self, fleet: Sequence[Identity]) -> None:
        """Carry out the plan with these devices, until they are done, the duration is over, or ``stop`` is called."""
        loop = asyncio.get_running_loop()
        devices = [SimulatedDevice(identity, self) for identity in fleet]
        self._unfinished = len(devices)
        self._began = loop.time()
        pause = self.plan.ramp_seconds / len(devices)
        arrivals = [loop.call_at(self._began + number * pause, one.start) for number, one in enumerate(devices)]
        try:
            async with asyncio.timeout(self.plan.duration_seconds):
                await self._is_over.wait()
        except TimeoutError:
            self.end = End.DURATION
        finally:
            self.seconds = loop.time() - self._began
            for arrival in arrivals:
                arrival.cancel()
            await self._leave(devices)

    def stop(self) -> None:
        """End the run early; what was measured stays."""
        self.end = End.STOPPED
        self._is_over.set()

    async def _leave(self, devices: Sequence[SimulatedDevice]) -> None:
        connected = self.tally.connected
        self._waiting.clear()
        for device in devices:
            device.leave()
        self.tally.connected = connected  # at the end of the run, which is what a report tells
        for task in self._dialling:
            task.cancel()
        if self._sockets:
            try:
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._are_all_closed.wait()
            except TimeoutError:
                return

    # ---- what devices ask for

    def enter(self, device: SimulatedDevice) -> None:
        """Let a device connect, or wait for its turn."""
        if self._under_way < self.plan.at_once:
            self._under_way += 1
            device.connect()
        else:
            self._waiting.append(device)

    def left(self) -> None:
        """Let the next device connect."""
        self._under_way -= 1
        if self._waiting:
            self._under_way += 1
            asyncio.get_running_loop().call_soon(self._waiting.popleft().connect)

    def dial(self, device: SimulatedDevice) -> DeviceConnection:
        """Begin a TCP connection; how it ends the device hears from the connection, or here when there is none."""
        tls = self.tls.connection(device.identity, self.target.host)
        connection = DeviceConnection(tls, self.version, device, self._trust)
        task = asyncio.get_running_loop().create_task(self._dial(connection, self.tally.attempts))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)
        return connection

    async def _dial(self, connection: DeviceConnection, number: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: connection, self.target.address, self.target.port, local_addr=self._source(number)
            )
        except OSError as error:
            connection.could_not_be_made(f"TCP: {error.strerror or type(error).__name__}")

    def _source(self, number: int) -> tuple[str, int] | None:
        """Return from where a connection is made; None leaves it to the system."""
        if self.plan.devices <= DEVICES_PER_ADDRESS or not self.target.address.startswith("127."):
            return None
        addresses = -(-self.plan.devices // DEVICES_PER_ADDRESS)
        return f"127.0.0.{1 + number % addresses}", 0

    def closed(self) -> None:
        """Count a socket that is closed."""
        self._sockets -= 1
        if not self._sockets:
            self._are_all_closed.set()

    def opened(self) -> None:
        """Count a socket that is open."""
        self._sockets += 1
        self._are_all_closed.clear()

    def finished(self) -> None:
        """Count a device that has nothing more to do; with the last one it is over."""
        self._unfinished -= 1
        if not self._unfinished:
            self._is_over.set()
