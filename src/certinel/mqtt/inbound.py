"""The publishes of QoS 1 and 2 that a client has sent and that are not yet complete (3.1.1 and 5.0, 4.3 and 4.6)."""

from enum import Enum

from certinel.mqtt.errors import ProtocolViolationError
from certinel.mqtt.packets import Publish
from certinel.mqtt.properties import NO_PROPERTIES
from certinel.mqtt.reasons import ReasonCode


class Arrival(Enum):
    """What a publish of QoS 1 or 2 turned out to be."""

    NEW = "new"
    REPEATED = "repeated"
    """Its answer is still due and will do for both."""
    REPEATED_AFTER_ANSWER = "repeated after its answer"
    """The PUBREC is sent again (4.3.3)."""


class InboundFlow:
    """Keeps packet ids until they are free again, and answers in the order in which the publishes came (4.6).

    An answer that is given early is held back until those before it are given.
    Packet ids are two bytes, which bounds everything here.
    """

    __slots__ = ("_early", "_receive_maximum", "_unanswered", "_unreleased")

    def __init__(self, receive_maximum: int | None) -> None:
        """``receive_maximum`` is what the client was told to keep to, or ``None`` before 5.0 (5.0, 3.3.4)."""
        self._receive_maximum = receive_maximum
        self._unanswered: dict[int, int] = {}  # packet id to QoS, in order of arrival
        self._early: dict[int, tuple[bytes, bool]] = {}
        self._unreleased: set[int] = set()

    @property
    def unanswered(self) -> int:
        """How many publishes wait for an answer of ours."""
        return len(self._unanswered)

    def arrived(self, packet_id: int, qos: int, *, dup: bool) -> Arrival:
        """Note a publish; raise if its packet id is in use or it is more than the client may have under way."""
        unanswered = self._unanswered
        if packet_id in unanswered:
            # 3.1 lets a client repeat itself within a connection; of QoS 2 every repetition is the same message (4.3.3)
            if unanswered[packet_id] != qos or (qos == 1 and not dup):
                raise ProtocolViolationError("a packet id is used again before its publish was answered")
            return Arrival.REPEATED
        if packet_id in self._unreleased:
            if qos == 1:
                raise ProtocolViolationError("a packet id is used again before its publish was complete")
            return Arrival.REPEATED_AFTER_ANSWER
        if self._receive_maximum is not None and len(unanswered) + len(self._unreleased) >= self._receive_maximum:
            raise ProtocolViolationError(
                "more publishes are under way than the receive maximum", ReasonCode.RECEIVE_MAXIMUM_EXCEEDED
            )
        unanswered[packet_id] = qos
        return Arrival.NEW

    def qos_of(self, packet_id: int) -> int:
        """Return the QoS of a publish that waits for its answer; any other id is a mistake of ours."""
        if packet_id in self._early or packet_id not in self._unanswered:
            raise ValueError(f"no publish with packet id {packet_id} waits for an answer")
        return self._unanswered[packet_id]

    def answer(self, packet_id: int, encoded: bytes, *, is_complete: bool) -> bytes:
        """Return the answers that are now due, none or several; ``is_complete`` if no PUBREL will follow."""
        unanswered = self._unanswered
        if packet_id != next(iter(unanswered)):
            self._early[packet_id] = (encoded, is_complete)
            return b""
        self._answered(packet_id, is_complete)
        early = self._early
        while early and (packet_id := next(iter(unanswered))) in early:
            more, is_complete = early.pop(packet_id)
            self._answered(packet_id, is_complete)
            encoded += more
        return encoded

    def released(self, packet_id: int) -> bool:
        """Note a PUBREL and tell whether its publish was known; raise if it was not even answered."""
        if packet_id in self._unanswered:
            raise ProtocolViolationError("a publish is released before it was answered")
        if packet_id not in self._unreleased:
            return False
        self._unreleased.remove(packet_id)
        return True

    def _answered(self, packet_id: int, is_complete: bool) -> None:  # noqa: FBT001 its only callers are above
        del self._unanswered[packet_id]
        if not is_complete:
            self._unreleased.add(packet_id)


def check_publish_of_v5(message: Publish) -> None:
    """Refuse what the CONNACK said is not available (5.0, 3.2.2.3)."""
    if message.retain:
        raise ProtocolViolationError("retained messages are not available", ReasonCode.RETAIN_NOT_SUPPORTED)
    if message.properties is not NO_PROPERTIES:
        if message.properties.topic_alias is not None:
            raise ProtocolViolationError("topic aliases are not available", ReasonCode.TOPIC_ALIAS_INVALID)
        if message.properties.subscription_identifiers:
            raise ProtocolViolationError("a client does not send subscription identifiers")  # 5.0, 3.3.4
