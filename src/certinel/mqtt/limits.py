"""What one connection may ask of us, and where the numbers come from."""

from dataclasses import dataclass

MAX_PACKET_BYTES = 16_184
"""The largest packet of the platform's MQTT contract, fixed header included."""

MAX_UNANSWERED = 64
"""Unanswered packets after which we stop reading: enough to fill a group commit, little enough for every connection."""

SEND_WINDOW = 20
"""Messages under way to a client. Before 5.0 nobody can agree on it; common clients and brokers take 20."""

MAX_QUEUED_MESSAGES = 200
"""Messages that wait for the window: ten windows, after which a device is not slow but stuck."""

MAX_QUEUED_BYTES = 262_144
"""Bytes that wait for the window, and bytes of output that were not taken: sixteen of the largest packets."""

MAX_PACKET_ID = 65_535
"""Packet ids are two bytes and never 0 (3.1.1, 2.3.1; 5.0, 2.2.1), so no window is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """The limits of one session; wrong ones are refused at once."""

    max_packet_bytes: int = MAX_PACKET_BYTES
    max_unanswered: int = MAX_UNANSWERED
    receive_maximum: int = MAX_PACKET_ID
    """What a client of 5.0 is told, and ended for exceeding. Some send on without looking at it, as all do before 5.0,
    so it is as large as can be and ``max_unanswered`` slows all of them down instead."""
    send_window: int = SEND_WINDOW
    max_queued_messages: int = MAX_QUEUED_MESSAGES
    max_queued_bytes: int = MAX_QUEUED_BYTES

    def __post_init__(self) -> None:
        for window in (self.max_unanswered, self.receive_maximum, self.send_window):
            if not 1 <= window <= MAX_PACKET_ID:
                raise ValueError("a window holds between 1 and 65535 messages")


DEFAULT_LIMITS = SessionLimits()
