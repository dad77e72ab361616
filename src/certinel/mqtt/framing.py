"""Cuts a stream of bytes into packets by their fixed headers (3.1.1, 2.2; 5.0, 2.1); knows nothing else of them."""

from certinel.mqtt.errors import MalformedPacketError, PacketTooLargeError
from certinel.mqtt.fields import MAX_LENGTH_BYTES

_CONTINUES = 0x80
_SEVEN_BITS = 0x7F


class FrameBuffer:
    """Holds what has arrived and is not yet a whole packet.

    What it holds is bounded by ``max_packet_bytes`` and one feed, provided that the frames are taken after each feed.
    """

    __slots__ = ("_buffer", "_max_packet_bytes", "_position", "is_strict_on_lengths")

    def __init__(self, max_packet_bytes: int) -> None:
        self._max_packet_bytes = max_packet_bytes
        self._buffer = b""
        self._position = 0
        self.is_strict_on_lengths = False
        """Refuse a remaining length that is longer than needed, as MQTT 5.0 demands (1.5.5) and 3.1.1 does not."""

    def __len__(self) -> int:
        return len(self._buffer) - self._position

    def feed(self, received: bytes) -> None:
        """Add bytes in the order they arrived."""
        if self._position == len(self._buffer):
            self._buffer = bytes(received)  # no copy when they are bytes already
        else:
            self._buffer = self._buffer[self._position :] + received
        self._position = 0

    def first_byte(self) -> int | None:
        """Return the first byte of the next packet, as soon as it is there."""
        return self._buffer[self._position] if self._position < len(self._buffer) else None

    def next_frame(self) -> tuple[int, bytes] | None:
        """Take the next whole packet: its first byte, and what follows the remaining length.

        Raises as soon as the fixed header shows a packet that is too large or a length that is malformed.
        """
        start, arrived = self._position, len(self._buffer)
        if arrived - start < 2:  # noqa: PLR2004 a type and one byte of length
            return None
        length = self._buffer[start + 1]
        body = start + 2
        if length >= _CONTINUES:
            long = self._long_length(start + 1)
            if long is None:
                return None
            length, body = long
        end = body + length
        if end - start > self._max_packet_bytes:
            raise PacketTooLargeError(end - start, self._max_packet_bytes)
        if end > arrived:
            return None
        self._position = end
        return self._buffer[start], self._buffer[body:end]

    def release(self) -> None:
        """Forget packets that were taken; without it they stay in memory until the next feed."""
        if self._position == len(self._buffer):
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._buffer = b""
        self._position = 0

    def _long_length(self, start: int) -> tuple[int, int] | None:
        """Read a remaining length of several bytes; return it and where the body starts, or ``None`` if it goes on."""
        encoded = self._buffer[start : start + MAX_LENGTH_BYTES]
        length = 0
        for index, byte in enumerate(encoded):
            length |= (byte & _SEVEN_BITS) << 7 * index
            if byte < _CONTINUES:
                if byte == 0 and self.is_strict_on_lengths:
                    raise MalformedPacketError("a remaining length is longer than needed")
                return length, start + index + 1
        if len(encoded) == MAX_LENGTH_BYTES:
            raise MalformedPacketError("a remaining length is longer than four bytes")
        return None
