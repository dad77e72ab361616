"""The messages of QoS 1 and 2 on their way to a client (MQTT 3.1.1, 4.3; MQTT 5.0, 4.3 and 4.9)."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from certinel.mqtt.errors import ProtocolViolationError
from certinel.mqtt.fields import encode_two_bytes
from certinel.mqtt.limits import MAX_PACKET_ID, SessionLimits


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An encoded publish whose packet id is still to be filled in, and what the caller wants to be reminded of."""

    encoded: bytes
    packet_id_at: int
    qos: int
    reference: object

    def with_packet_id(self, packet_id: int) -> bytes:
        """Return the whole packet."""
        at = self.packet_id_at
        return self.encoded[:at] + encode_two_bytes(packet_id) + self.encoded[at + 2 :]


class DeliveryOutcome(Enum):
    """What became of a message given to ``deliver``."""

    SENT = "sent"
    QUEUED = "queued"
    TOO_LARGE = "too large"
    """Dropped: the client said that it takes no packet of this size (5.0, 3.1.2.11.4)."""
    NO_ROOM = "no room"
    """Dropped: ``can_deliver`` was false."""
    CLOSED = "closed"
    """Dropped: the conversation has not begun or is over."""


class Awaited(Enum):
    """The packet a message under way waits for."""

    PUBACK = "PUBACK"
    PUBREC = "PUBREC"
    PUBCOMP = "PUBCOMP"


class OutboundFlow:
    """A window of messages under way, and a bounded queue of those that wait for a place in it."""

    __slots__ = ("_last_packet_id", "_limits", "_queue", "_queued_bytes", "_under_way", "window")

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self.window = limits.send_window
        self._queue: deque[Outgoing] = deque()
        self._queued_bytes = 0
        self._under_way: dict[int, tuple[Awaited, object]] = {}
        self._last_packet_id = 0

    @property
    def under_way(self) -> int:
        """How many messages have been sent and are not complete."""
        return len(self._under_way)

    @property
    def has_room(self) -> bool:
        """Whether a message may be queued; the last one may exceed the limit of bytes by its own size."""
        limits = self._limits
        return len(self._queue) < limits.max_queued_messages and self._queued_bytes < limits.max_queued_bytes

    def queue(self, outgoing: Outgoing) -> None:
        """Put a message at the end; ask ``has_room`` before."""
        self._queue.append(outgoing)
        self._queued_bytes += len(outgoing.encoded)

    def next_to_send(self) -> bytes | None:
        """Take the next message with its packet id, if there is one and the window has a place."""
        if not self._queue or len(self._under_way) >= self.window:
            return None
        outgoing = self._queue.popleft()
        self._queued_bytes -= len(outgoing.encoded)
        packet_id = self._free_packet_id()
        awaited = Awaited.PUBACK if outgoing.qos == 1 else Awaited.PUBREC
        self._under_way[packet_id] = (awaited, outgoing.reference)
        return outgoing.with_packet_id(packet_id)

    def is_known(self, packet_id: int) -> bool:
        """Whether a message with that id is under way."""
        return packet_id in self._under_way

    def received(self, packet_id: int) -> None:
        """Note a PUBREC of success: a PUBCOMP is due (4.3.3). A second one changes nothing."""
        awaited, reference = self._under_way[packet_id]
        if awaited is Awaited.PUBACK:
            raise ProtocolViolationError("a PUBREC answers a message of QoS 1")
        self._under_way[packet_id] = (Awaited.PUBCOMP, reference)

    def completed(self, packet_id: int, by: Awaited) -> object:
        """Note the last answer to a message and return its reference."""
        awaited, reference = self._under_way[packet_id]
        if awaited is not by:
            raise ProtocolViolationError(f"a {by.value} comes where a {awaited.value} is due")
        del self._under_way[packet_id]
        return reference

    def _free_packet_id(self) -> int:
        # Called only while fewer than the window, and so fewer than all packet ids, are under way
        packet_id = self._last_packet_id % MAX_PACKET_ID + 1
        while packet_id in self._under_way:
            packet_id = packet_id % MAX_PACKET_ID + 1
        self._last_packet_id = packet_id
        return packet_id
