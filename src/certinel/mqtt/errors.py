"""What a peer can do wrong in MQTT.

Bytes that arrive raise only these, in every decoder; a mistake of our own code is a ``ValueError``.
"""

from typing import ClassVar

from certinel.mqtt.reasons import ReasonCode


class MqttError(Exception):
    """A peer broke the rules; the connection cannot go on.

    ``code`` is the stable code of the refusal, ``reason`` the number MQTT 5.0 has for it.
    The text names the rule and never quotes what the peer sent, so that no secret can slip into a log.
    """

    code: ClassVar[str] = "protocol/malformed"

    def __init__(self, message: str, reason: ReasonCode) -> None:
        super().__init__(message)
        self.reason = reason


class MalformedPacketError(MqttError):
    """Bytes that cannot be read as a packet (MQTT 5.0, 1.2 "Malformed Packet")."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ReasonCode.MALFORMED_PACKET)


class ProtocolViolationError(MqttError):
    """A readable packet that is not allowed here (MQTT 5.0, 1.2 "Protocol Error")."""

    def __init__(self, message: str, reason: ReasonCode = ReasonCode.PROTOCOL_ERROR) -> None:
        super().__init__(message, reason)


class PacketTooLargeError(MqttError):
    """A packet larger than the limit that was announced, known from its fixed header."""

    def __init__(self, packet_bytes: int, max_packet_bytes: int) -> None:
        super().__init__(
            f"a packet of {packet_bytes} bytes is over the limit of {max_packet_bytes}", ReasonCode.PACKET_TOO_LARGE
        )
        self.packet_bytes, self.max_packet_bytes = packet_bytes, max_packet_bytes


class UnsupportedProtocolError(MqttError):
    """A protocol, or a part of it that must not be ignored, that this server does not speak."""

    code = "protocol/unsupported"

    def __init__(self, message: str, reason: ReasonCode = ReasonCode.UNSUPPORTED_PROTOCOL_VERSION) -> None:
        super().__init__(message, reason)


class UnsupportedVersionError(UnsupportedProtocolError):
    """A protocol name and level that are none of 3.1, 3.1.1 and 5.0."""

    def __init__(self, level: int) -> None:
        super().__init__(f"protocol level {level} with this protocol name is not supported")
        self.level = level
