"""The bytes on their way to one client, in the form its version and its wishes ask for."""

from functools import lru_cache

from certinel.mqtt.encoding import encode
from certinel.mqtt.errors import MqttError, UnsupportedVersionError
from certinel.mqtt.limits import MAX_PACKET_ID, SessionLimits
from certinel.mqtt.packets import Connack, Connect, Disconnect, Packet, ProtocolVersion, Puback, Pubrec
from certinel.mqtt.properties import NO_PROPERTIES, Properties
from certinel.mqtt.reasons import ConnectAnswer, ReasonCode
from certinel.mqtt.topics import check_topic_name

_V3_1_1 = ProtocolVersion.V3_1_1
_V5 = ProtocolVersion.V5
_BRIDGE_BIT = 0x80


class ClientOutput:
    """Encodes packets for one client and keeps them until they are taken."""

    __slots__ = ("_client", "pending", "version")

    def __init__(self) -> None:
        self.pending = bytearray()
        """What is to be written; already encoded packets may be added."""
        self.version: ProtocolVersion | None = None
        self._client = NO_PROPERTIES

    def learn(self, request: Connect) -> None:
        """Note what the client of a CONNECT wants to be spared."""
        self._client = request.properties

    @property
    def receive_maximum(self) -> int:
        """How many publishes of QoS 1 and 2 the client takes at once (5.0, 3.1.2.11.3)."""
        return self._client.receive_maximum or MAX_PACKET_ID

    def take(self) -> bytes:
        """Return everything, once."""
        taken = bytes(self.pending)
        self.pending.clear()
        return taken

    def encode(self, packet: Packet) -> bytes:
        """Encode a packet for this client."""
        return encode(packet, self.version or _V3_1_1)

    def is_too_large(self, encoded: bytes) -> bool:
        """Tell whether the client takes no packet of this size (5.0, 3.1.2.11.4)."""
        maximum = self._client.maximum_packet_size
        return maximum is not None and len(encoded) > maximum

    def fitting(self, *candidates: Packet) -> bytes:
        """Encode the first packet that is not too large; what is too large altogether counts as sent (same section)."""
        for candidate in candidates:
            encoded = self.encode(candidate)
            if not self.is_too_large(encoded):
                return encoded
        return b""

    def send(self, *candidates: Packet) -> None:
        """Add the first packet that is not too large."""
        self.pending += self.fitting(*candidates)

    def welcome(self, limits: SessionLimits) -> None:
        """Add the CONNACK that lets the client in and, in 5.0, says what it may not use (3.2.2.3)."""
        if self.version == _V5:
            welcome = _welcome_of_v5(limits, is_expiry_changed=bool(self._client.session_expiry_interval))
            self.pending += b"" if self.is_too_large(welcome) else welcome
        else:
            self.send(Connack(session_present=False, code=ConnectAnswer.ACCEPTED.return_code))

    def refuse(self, answer: ConnectAnswer, reason_string: str) -> None:
        """Add the CONNACK that turns the client away."""
        if self.version == _V5:
            self._refuse_v5(answer.reason_code, reason_string)
        else:
            self.send(Connack(session_present=False, code=answer.return_code))

    def refuse_faulty_connect(self, error: MqttError) -> None:
        """Add a CONNACK about a CONNECT that cannot be used, where its version has words for that."""
        if isinstance(error, UnsupportedVersionError):
            self.pending += _answer_to_unsupported(error)
        elif self.version == _V5:
            self._refuse_v5(error.reason, str(error))

    def disconnect(self, reason: ReasonCode, reason_string: str) -> None:
        """Add a DISCONNECT; before 5.0 only clients send it."""
        if self.version == _V5:
            self.send(Disconnect(reason, _explained(reason_string)), Disconnect(reason))

    def rejection(self, kind: type[Puback | Pubrec], packet_id: int, reason: ReasonCode, reason_string: str) -> bytes:
        """Encode an answer of 5.0 that is a failure; the client may want no words in it (3.1.2.11.7)."""
        bare = kind(packet_id, reason)
        if self._client.request_problem_information == 0:
            return self.fitting(bare)
        return self.fitting(kind(packet_id, reason, _explained(reason_string)), bare)

    def _refuse_v5(self, reason: ReasonCode, reason_string: str) -> None:
        explained = Connack(session_present=False, code=reason, properties=_explained(reason_string))
        self.send(explained, Connack(session_present=False, code=reason))


@lru_cache(maxsize=16)  # the same for every client; sixteen, because a process has few kinds of limits
def _welcome_of_v5(limits: SessionLimits, *, is_expiry_changed: bool) -> bytes:
    properties = Properties(
        receive_maximum=limits.receive_maximum,
        maximum_packet_size=limits.max_packet_bytes,
        retain_available=0,
        wildcard_subscription_available=1,
        subscription_identifiers_available=0,
        shared_subscription_available=0,
        session_expiry_interval=0 if is_expiry_changed else None,
    )
    return encode(Connack(session_present=False, code=ReasonCode.SUCCESS, properties=properties), _V5)


def check_our_topic(topic: str) -> None:
    """Refuse a topic name that a client must not see; the topic is ours, and so is the mistake."""
    try:
        check_topic_name(topic)
    except MqttError as error:
        raise ValueError(str(error)) from error


def _explained(reason_string: str) -> Properties:
    return Properties(reason_string=reason_string) if reason_string else NO_PROPERTIES


def _answer_to_unsupported(error: UnsupportedVersionError) -> bytes:
    """Answer a CONNECT of a version we do not speak in the form its sender most likely reads (5.0, 3.1.2.2).

    A bridge may mark itself with the highest bit of a level of 3.1 or 3.1.1, and reads that version's answer.
    """
    answer = ConnectAnswer.UNSUPPORTED_PROTOCOL
    if error.level & ~_BRIDGE_BIT < _V5:
        return encode(Connack(session_present=False, code=answer.return_code), _V3_1_1)
    return encode(Connack(session_present=False, code=answer.reason_code, properties=_explained(str(error))), _V5)
