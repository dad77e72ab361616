"""One simulated device: connects, does what the scenario says, comes back when its connection has broken."""

import asyncio
import math
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Connack, Connect, Packet, ProtocolVersion, Publish, Suback, Subscribe, Subscription
from certinel.simulation.connection import DeviceConnection
from certinel.simulation.fleet import Identity
from certinel.simulation.plan import Fault, Plan, Scenario
from certinel.simulation.tally import Stage, Tally

PATIENCE_SECONDS = 60.0
"""From the first byte to CONNACK; the platform gives a handshake 50."""
FIRST_BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 30.0
MAX_TRIES = 6
"""Connects that fail one after the other before a device gives up."""
MIN_KEEP_ALIVE_SECONDS = 60
MAX_KEEP_ALIVE_SECONDS = 65_535
CUT_AFTER = (1, 10)
"""Of how many measurements or tokens a cut device sends before it breaks its connection, from and to."""
_PACKET_IDS = 65_535
_REGISTRATION = 1
_REFUSED = 0x80


class Surroundings(Protocol):
    """What a device needs of the simulation it is in."""

    plan: Plan
    tally: Tally
    version: ProtocolVersion

    def enter(self, device: "SimulatedDevice") -> None:
        """Call ``device.connect`` as soon as a connect more may be under way."""

    def dial(self, device: "SimulatedDevice") -> DeviceConnection:
        """Begin the TCP connection of a device."""

    def left(self) -> None:
        """A connect is no longer under way, well or not."""

    def opened(self) -> None:
        """A socket is open."""

    def closed(self) -> None:
        """A socket is closed."""

    def finished(self) -> None:
        """A device has nothing more to do."""


class SimulatedDevice:
    """The device. Every method is called by the event loop; none waits."""

    def __init__(self, identity: Identity, around: Surroundings) -> None:
        self.identity = identity
        self._around = around
        self._plan = around.plan
        self._tally = around.tally
        self._loop = asyncio.get_running_loop()
        self._chance = around.plan.chance(identity.name)
        self._hello = encode(Connect(identity.client_id, around.version, keep_alive=self._keep_alive()), around.version)
        self._connection: DeviceConnection | None = None
        self._timer: asyncio.Handle | None = None
        self._is_admitted = False
        self._is_finished = False
        self._is_registered = False
        self._tries = 0
        self._done = 0
        self._cut_at = self._next_cut()
        self._packet_id = 0
        self._since = 0.0
        self._due = 0.0

    def start(self) -> None:
        """Come into the world: ask to connect."""
        self._around.enter(self)

    def connect(self) -> None:
        """Connect now."""
        if self._is_finished:
            self._around.left()
            return
        self._tally.attempts += 1
        self._timer = self._loop.call_later(PATIENCE_SECONDS, self._give_up)
        self._connection = self._around.dial(self)

    def leave(self) -> None:
        """End whatever is going on, in good order."""
        self._finish()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            if self._is_admitted:
                self._disconnected()
                connection.close()
            else:
                connection.cut()

    # ---- what the connection tells

    def dialled(self) -> None:
        """The TCP connection is there."""
        self._around.opened()
        self._since = perf_counter()

    def shaken(self) -> bytes:
        """The handshake is over: CONNECT is due."""
        self._timed(Stage.HANDSHAKE)
        return self._hello

    def answered(self, answer: Connack) -> None:
        """Let in or not."""
        self._timed(Stage.CONNACK)
        self._cancel_timer()
        self._around.left()
        fault = self.identity.fault
        is_refusal_due = fault is not None and fault.is_refused
        if answer.code:
            code = (answer.properties.reason_string or "").partition(": ")[0] or f"CONNACK {answer.code:#04x}"
            self._tally.refused[code] += 1
            if not is_refusal_due:
                self._tally.unexpected[f"refused: {code}"] += 1
            self._close()
            self._finish()
            return
        self._is_admitted, self._tries = True, 0
        self._tally.admitted += 1
        self._tally.connected += 1
        if is_refusal_due:
            self._tally.unexpected[f"let in: {fault}"] += 1
            self.leave()
        else:
            self._settle()

    def subscribed(self, answer: Suback) -> None:
        """The subscription to tokens was answered: now ask for them."""
        if any(code >= _REFUSED for code in answer.codes):
            self._tally.unexpected["subscription refused"] += 1
        self._begin()

    def acknowledged(self, packet_id: int) -> None:
        """A publish is safe; that of a token request is of no interest."""
        if self._plan.scenario is Scenario.TOKENS and not self._is_registered:
            self._is_registered = True
            self._subscribe()
        elif self._plan.scenario is Scenario.TELEMETRY and packet_id == self._packet_id:
            self._timed(Stage.PUBACK)
            self._tally.messages += 1
            self._did_one()

    def received(self, message: Publish) -> None:
        """A token has come, or something else that the device does not ask for."""
        if self._plan.scenario is Scenario.TOKENS and message.payload.startswith(b"71,"):
            self._timed(Stage.TOKEN)
            self._tally.tokens += 1
            self._did_one()

    def ended(self, reason: str) -> None:
        """The connection has ended without the device's doing."""
        self._cancel_timer()
        self._connection = None
        fault = self.identity.fault
        if self._is_admitted:
            self._disconnected()
            self._tally.lost[reason] += 1
            self._tally.unexpected[f"lost: {reason}"] += 1
        else:
            self._around.left()
            self._tally.failed[reason] += 1
            if fault is not None and fault.is_refused:  # some platforms refuse in the handshake
                self._finish()
                return
            self._tally.unexpected[f"failed: {reason}"] += 1
        self._come_back()

    def gone(self) -> None:
        """The socket is closed."""
        self._around.closed()

    # ---- what it does when it is connected

    def _settle(self) -> None:
        match self._plan.scenario:
            case Scenario.STORM:
                self._did_one()
            case Scenario.TELEMETRY:
                self._begin()
            case Scenario.TOKENS if self._is_registered:
                self._subscribe()
            case Scenario.TOKENS:  # some platforms give tokens only to devices that have an object
                row = f"100,{self.identity.name},certinel_SimulatedDevice"
                self._send(Publish("s/us", row.encode(), 1, packet_id=_REGISTRATION))

    def _subscribe(self) -> None:
        self._send(Subscribe(1, (Subscription("s/dat", 1),)))

    def _begin(self) -> None:
        pace = self._plan.per_second
        self._due = self._loop.time() + (self._chance.random() / pace if pace else 0)
        self._wait(self._due, self._act)

    def _act(self) -> None:
        self._packet_id = self._packet_id % _PACKET_IDS + 1
        if self._plan.scenario is Scenario.TELEMETRY:
            topic, payload = "s/us", b"200,c8y_Temperature,T,%.1f,C" % (20 + self._done % 100 / 10)
        else:
            topic, payload = "s/uat", b""
        self._since = perf_counter()
        self._send(Publish(topic, payload, 1, packet_id=self._packet_id))

    def _did_one(self) -> None:
        self._done += 1
        is_last = self._plan.times is not None and self._done >= self._plan.times
        if self.identity.fault is Fault.CUT and (self._done >= self._cut_at or self._plan.scenario is Scenario.STORM):
            self._cut()
            if is_last:
                self._finish()
            else:
                self._wait(self._loop.time() + self._chance.random() * FIRST_BACK_OFF_SECONDS, self.start)
        elif is_last:
            self.leave()
        elif self._plan.scenario is Scenario.STORM:
            self._close()
            self._again(self.start)
        else:
            self._again(self._act)

    def _again(self, act: Callable[[], None]) -> None:
        """Do it when it is due; at once when the answer to the last one was late."""
        pace = self._plan.per_second
        now = self._loop.time()
        self._due = max(now, (self._due or now) + (1 / pace if pace else 0))
        self._wait(self._due, act)

    # ---- ends and beginnings

    def _come_back(self) -> None:
        self._tries += 1
        if self._is_finished:
            return
        if self._tries >= MAX_TRIES:
            self._finish()
            return
        delay = min(FIRST_BACK_OFF_SECONDS * 2**self._tries, LONGEST_BACK_OFF_SECONDS)
        self._wait(self._loop.time() + delay * (0.5 + self._chance.random()), self.start)

    def _cut(self) -> None:
        self._tally.cut += 1
        self._cut_at = self._done + self._next_cut()
        self._disconnected()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.cut()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if self._is_admitted:
            self._disconnected()
        if connection is not None:
            connection.close()

    def _disconnected(self) -> None:
        self._cancel_timer()
        self._is_admitted = False
        self._tally.connected -= 1

    def _finish(self) -> None:
        self._cancel_timer()
        if not self._is_finished:
            self._is_finished = True
            self._tally.finished += 1
            self._around.finished()

    def _give_up(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.cut()
        self.ended("no answer")

    # ---- small things

    def _next_cut(self) -> int:
        return self._chance.randint(*CUT_AFTER)

    def _keep_alive(self) -> int:
        """So long that what the device sends anyway is enough, and no ping is due."""
        pace = self._plan.per_second
        wanted = max(MIN_KEEP_ALIVE_SECONDS, math.ceil(2 / pace) if pace else 0)
        return wanted if wanted <= MAX_KEEP_ALIVE_SECONDS else 0  # no promise at all

    def _send(self, packet: Packet) -> None:
        if self._connection is not None:
            self._connection.send(packet)

    def _timed(self, stage: Stage) -> None:
        # a stopwatch of its own: the event loop's time has milliseconds only, and stands still in a turn
        now = perf_counter()
        self._tally.latencies[stage].add(now - self._since)
        self._since = now

    def _wait(self, until: float, act: Callable[[], None]) -> None:
        self._cancel_timer()
        if self._is_finished:
            return
        is_due = until <= self._loop.time()
        self._timer = self._loop.call_soon(act) if is_due else self._loop.call_at(until, act)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
