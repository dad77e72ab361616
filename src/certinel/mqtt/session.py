"""One client's MQTT conversation as the server sees it, without I/O: bytes in, events out, bytes to write.

It keeps the rules of the protocol. Who may connect, which topics mean something and when a keep-alive has passed
is the caller's.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any, ClassVar

from certinel.mqtt.decoding import decode, decode_connect, decode_publish, decode_version
from certinel.mqtt.encoding import bare_answer
from certinel.mqtt.errors import MalformedPacketError, MqttError, ProtocolViolationError, UnsupportedProtocolError
from certinel.mqtt.events import Connected, Delivered, Disconnected, Event, ProtocolFailed, Subscribed, Unsubscribed
from certinel.mqtt.fields import FieldReader
from certinel.mqtt.framing import FrameBuffer
from certinel.mqtt.inbound import Arrival, InboundFlow, check_publish_of_v5
from certinel.mqtt.limits import DEFAULT_LIMITS, SessionLimits
from certinel.mqtt.outbound import Awaited, DeliveryOutcome, OutboundFlow, Outgoing
from certinel.mqtt.output import ClientOutput, check_our_topic
from certinel.mqtt.packets import (
    Disconnect,
    PacketType,
    Pingreq,
    Pingresp,
    ProtocolVersion,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
)
from certinel.mqtt.reasons import ConnectAnswer, ReasonCode

_V5 = ProtocolVersion.V5
_CONNECT_BYTE = PacketType.CONNECT << 4
_PUBLISH = int(PacketType.PUBLISH)  # compared for every packet, and a plain number compares faster
_FAILURE = 0x80


class Phase(Enum):
    """How far a conversation has come."""

    AWAITING_CONNECT = "awaiting connect"
    DECIDING = "deciding"
    """A CONNECT has come and waits for ``accept`` or ``refuse``; what follows it is held back."""
    CONNECTED = "connected"
    CLOSED = "closed"


class ServerSession:
    """The server's side of one connection.

    Give it what arrives (``receive``), act on the events, and after every call write what ``take_output`` returns.
    However the input is split, the events are the same. After ``ProtocolFailed`` or ``Disconnected``, which come last,
    input is ignored and every answer is quietly dropped, so that work under way may outlive its connection.
    A method called in a phase or with a packet id where it makes no sense raises ``ValueError``.
    """

    __slots__ = (
        "_filters",
        "_frames",
        "_inbound",
        "_keep_alive",
        "_limits",
        "_outbound",
        "_output",
        "_phase",
        "_session_expiry_interval",
        "_unanswered_subscribes",
    )

    def __init__(self, limits: SessionLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._phase = Phase.AWAITING_CONNECT
        self._keep_alive = 0
        self._session_expiry_interval = 0
        self._frames = FrameBuffer(limits.max_packet_bytes)
        self._output = ClientOutput()
        self._inbound = InboundFlow(None)
        self._outbound = OutboundFlow(limits)
        self._unanswered_subscribes: dict[int, tuple[str, ...]] = {}
        self._filters: set[str] = set()

    @property
    def phase(self) -> Phase:
        """How far the conversation has come."""
        return self._phase

    @property
    def version(self) -> ProtocolVersion | None:
        """The version the client speaks, once it is known."""
        return self._output.version

    @property
    def keep_alive(self) -> int:
        """Seconds of silence the client has promised not to exceed; 0 for no promise."""
        return self._keep_alive

    @property
    def inflight_inbound(self) -> int:
        """How many publishes wait for ``acknowledge`` or ``reject``."""
        return self._inbound.unanswered

    @property
    def inflight_outbound(self) -> int:
        """How many messages of QoS 1 and 2 were sent and are not complete."""
        return self._outbound.under_way

    @property
    def should_pause_reading(self) -> bool:
        """Whether the caller should leave further bytes in the socket until it has answered something.

        A caller that reads on breaks nothing, but then nothing else bounds what is held for this client.
        """
        if self._phase is Phase.DECIDING:
            return len(self._frames) >= self._limits.max_packet_bytes
        waiting = max(self._inbound.unanswered, len(self._unanswered_subscribes))
        return self._phase is Phase.CONNECTED and waiting >= self._limits.max_unanswered

    @property
    def can_deliver(self) -> bool:
        """Whether ``deliver`` has room for one more message."""
        return self._phase is Phase.CONNECTED and self._has_room

    def receive(self, received: bytes) -> list[Event]:
        """Take bytes that have arrived and return what they mean."""
        if self._phase is Phase.CLOSED:
            return []
        self._frames.feed(received)
        return self._advance()

    def take_output(self) -> bytes:
        """Return the bytes to write, once."""
        return self._output.take()

    def accept(self) -> list[Event]:
        """Let the client in, and return the events of what it has sent behind its CONNECT without waiting.

        The session is always new: Session Present is 0 whatever the client asked for.
        """
        if not self._is_in(Phase.DECIDING):
            return []
        self._phase = Phase.CONNECTED
        if self.version == _V5:
            self._inbound = InboundFlow(self._limits.receive_maximum)
            self._outbound.window = min(self._output.receive_maximum, self._limits.send_window)
        self._output.welcome(self._limits)
        return self._advance()

    def refuse(self, answer: ConnectAnswer, reason_string: str = "") -> None:
        """Turn the client away; a client of 5.0 is told the reason. Then write the output and close the connection."""
        if answer is ConnectAnswer.ACCEPTED:
            raise ValueError("a refusal needs an answer that refuses")
        if self._is_in(Phase.DECIDING):
            self._output.refuse(answer, reason_string)
            self._close()

    def acknowledge(self, packet_id: int) -> None:
        """Tell the client that its publish is safe: PUBACK or PUBREC, in the order the publishes came."""
        if not self._is_in(Phase.CONNECTED):
            return
        inbound = self._inbound
        is_complete = inbound.qos_of(packet_id) == 1
        answer = bare_answer(Puback if is_complete else Pubrec, packet_id)
        self._output.pending += inbound.answer(packet_id, answer, is_complete=is_complete)

    def reject(self, packet_id: int, reason: ReasonCode, reason_string: str = "") -> None:
        """Tell a client of 5.0 that its publish was not taken. Before 5.0 there are no words for it: acknowledge."""
        if not reason.is_failure:
            raise ValueError("a rejection needs a reason code that is a failure")
        if self.version != _V5:
            self.acknowledge(packet_id)
        elif self._is_in(Phase.CONNECTED):
            kind = Puback if self._inbound.qos_of(packet_id) == 1 else Pubrec
            answer = self._output.rejection(kind, packet_id, reason, reason_string)
            self._output.pending += self._inbound.answer(packet_id, answer, is_complete=True)

    def grant(self, packet_id: int, codes: Sequence[int]) -> None:
        """Answer a subscribe: for each subscription the granted QoS, or a reason code of 0x80 and above."""
        if not self._is_in(Phase.CONNECTED):
            return
        filters = self._unanswered_subscribes.get(packet_id, ())
        if not codes or len(filters) != len(codes):
            raise ValueError(f"packet id {packet_id} is no subscribe that waits for {len(codes)} answers")
        del self._unanswered_subscribes[packet_id]
        self._filters.difference_update(one for one, code in zip(filters, codes, strict=True) if code >= _FAILURE)
        if self.version != _V5:
            codes = [
                min(code, _FAILURE) for code in codes
            ]  # 3.1.1, 3.9.3 has one failure; 3.1 none, and it is used too
        self._output.send(Suback(packet_id, tuple(codes)))

    def deliver(self, topic: str, payload: bytes, qos: int, *, reference: object = None) -> DeliveryOutcome:
        """Send a message to the client, or queue it while as many as it takes are under way.

        ``reference`` comes back in ``Delivered`` when a message of QoS 1 or 2 is complete.
        Messages of QoS 1 and 2 keep their order; one of QoS 0 is sent at once.
        """
        if self._phase is not Phase.CONNECTED:
            return DeliveryOutcome.CLOSED
        check_our_topic(topic)
        encoded = self._output.encode(Publish(topic, payload, qos))
        if self._output.is_too_large(encoded):
            return DeliveryOutcome.TOO_LARGE
        if not self._has_room:
            return DeliveryOutcome.NO_ROOM
        if not qos:
            self._output.pending += encoded
            return DeliveryOutcome.SENT
        # The packet id stands before the payload and, in 5.0, the one byte that says that there are no properties
        packet_id_at = len(encoded) - len(payload) - (3 if self.version == _V5 else 2)
        self._outbound.queue(Outgoing(encoded, packet_id_at, qos, reference))
        return DeliveryOutcome.SENT if self._send_queued() else DeliveryOutcome.QUEUED

    def disconnect(self, reason: ReasonCode, reason_string: str = "") -> None:
        """End the conversation; a client of 5.0 is told why. Then write the output and close the connection."""
        if self._phase is Phase.CONNECTED:
            self._output.disconnect(reason, reason_string)
        self._close()

    def _advance(self) -> list[Event]:
        events: list[Event] = []
        frames = self._frames
        try:
            if self._phase is Phase.AWAITING_CONNECT:
                self._check_first_byte()
            while self._phase is not Phase.DECIDING and (frame := frames.next_frame()) is not None:
                event = self._on_frame(*frame)
                if event is not None:
                    events.append(event)
        except MqttError as error:
            self._fail(error)
            events.append(ProtocolFailed(error))
        frames.release()
        return events

    def _check_first_byte(self) -> None:
        """Refuse what does not begin with CONNECT (3.1), without waiting for the length it seems to have."""
        first_byte = self._frames.first_byte()
        if first_byte is None or first_byte == _CONNECT_BYTE:
            return
        if first_byte >> 4 == PacketType.CONNECT:
            raise MalformedPacketError("reserved flags of the fixed header are wrong")
        raise ProtocolViolationError("the first packet is not a CONNECT")

    def _on_frame(self, first_byte: int, body: bytes) -> Event | None:
        version = self._output.version
        if version is None:
            return self._on_connect(body)
        if first_byte >> 4 == _PUBLISH:
            return self._on_publish(decode_publish(first_byte & 0x0F, body, version))
        packet = decode(first_byte, body, version)
        handler = self._HANDLERS.get(type(packet))
        if handler is None:
            raise ProtocolViolationError("a client does not send this packet, or not now")
        return handler(self, packet)

    def _on_connect(self, body: bytes) -> Event:
        reader = FieldReader(body)
        version = decode_version(reader)
        self._output.version = version
        request = decode_connect(reader, version)
        self._output.learn(request)
        if request.properties.authentication_method is not None:  # 5.0, 4.12
            method = ReasonCode.BAD_AUTHENTICATION_METHOD
            raise UnsupportedProtocolError("extended authentication is not supported", method)
        if version == _V5 and request.will is not None and request.will.retain:  # 5.0, 3.2.2.3.5
            raise UnsupportedProtocolError("a will cannot be retained", ReasonCode.RETAIN_NOT_SUPPORTED)
        self._session_expiry_interval = request.properties.session_expiry_interval or 0
        self._keep_alive = request.keep_alive
        self._frames.is_strict_on_lengths = version == _V5
        self._phase = Phase.DECIDING
        return Connected(request)

    def _on_publish(self, message: Publish) -> Event | None:
        if self._output.version == _V5:
            check_publish_of_v5(message)
        packet_id = message.packet_id
        if packet_id is None:
            return message
        arrival = self._inbound.arrived(packet_id, message.qos, dup=message.dup)
        if arrival is Arrival.NEW:
            return message
        if arrival is Arrival.REPEATED_AFTER_ANSWER:
            self._output.send(Pubrec(packet_id))
        return None

    def _on_pubrel(self, packet: Pubrel) -> None:
        is_known = self._inbound.released(packet.packet_id)
        self._output.send(Pubcomp(packet.packet_id, self._release_reason(is_known=is_known)))

    def _on_puback(self, packet: Puback) -> Event | None:
        return self._on_last_answer(packet, Awaited.PUBACK)

    def _on_pubrec(self, packet: Pubrec) -> Event | None:
        if packet.reason.is_failure:
            return self._on_last_answer(packet, Awaited.PUBREC)  # 5.0, 4.3.3: it ends here
        is_known = self._outbound.is_known(packet.packet_id)
        if is_known:
            self._outbound.received(packet.packet_id)
        self._output.send(Pubrel(packet.packet_id, self._release_reason(is_known=is_known)))
        return None

    def _on_pubcomp(self, packet: Pubcomp) -> Event | None:
        return self._on_last_answer(packet, Awaited.PUBCOMP)

    def _on_last_answer(self, packet: Puback | Pubrec | Pubcomp, by: Awaited) -> Event | None:
        # An answer to nothing is ignored: a client may repeat itself in 3.1, and nothing depends on it
        if not self._outbound.is_known(packet.packet_id):
            return None
        reference = self._outbound.completed(packet.packet_id, by)
        self._send_queued()
        return Delivered(reference, packet.reason)

    def _on_subscribe(self, packet: Subscribe) -> Event:
        if packet.properties.subscription_identifiers:
            identifiers = ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
            raise ProtocolViolationError("subscription identifiers are not available", identifiers)
        if packet.packet_id in self._unanswered_subscribes:
            raise ProtocolViolationError("a packet id is used again before its subscribe was answered")
        filters = tuple(one.topic_filter for one in packet.subscriptions)
        self._unanswered_subscribes[packet.packet_id] = filters
        self._filters.update(filters)
        return Subscribed(packet.packet_id, packet.subscriptions)

    def _on_unsubscribe(self, packet: Unsubscribe) -> Event:
        codes = []
        for one in packet.filters:
            is_known = one in self._filters
            self._filters.discard(one)
            codes.append(ReasonCode.SUCCESS if is_known else ReasonCode.NO_SUBSCRIPTION_EXISTED)
        self._output.send(Unsuback(packet.packet_id, tuple(codes)))
        return Unsubscribed(packet.filters)

    def _on_pingreq(self, packet: Pingreq) -> None:  # noqa: ARG002 one signature for all
        self._output.send(Pingresp())

    def _on_disconnect(self, packet: Disconnect) -> Event:
        if packet.properties.session_expiry_interval and not self._session_expiry_interval:
            raise ProtocolViolationError("a session that expires at once cannot be prolonged")  # 5.0, 3.14.2.2.2
        if packet.properties.server_reference is not None:
            raise ProtocolViolationError("a client does not refer to another server")  # 5.0, 3.14.2.2.5
        self._close()
        return Disconnected(publish_will=packet.reason is not ReasonCode.SUCCESS)  # 5.0, 3.14.4

    _HANDLERS: ClassVar[Mapping[type, Callable[["ServerSession", Any], Event | None]]] = MappingProxyType(
        {
            Pubrel: _on_pubrel,
            Puback: _on_puback,
            Pubrec: _on_pubrec,
            Pubcomp: _on_pubcomp,
            Subscribe: _on_subscribe,
            Unsubscribe: _on_unsubscribe,
            Pingreq: _on_pingreq,
            Disconnect: _on_disconnect,
        }
    )
    """What a client may send after its CONNECT, besides PUBLISH; everything else is a protocol error."""

    @property
    def _has_room(self) -> bool:
        return self._outbound.has_room and len(self._output.pending) < self._limits.max_queued_bytes

    def _send_queued(self) -> bool:
        is_any = False
        while (encoded := self._outbound.next_to_send()) is not None:
            self._output.pending += encoded
            is_any = True
        return is_any

    def _release_reason(self, *, is_known: bool) -> ReasonCode:
        # Before 5.0 an unknown packet id is answered like a known one, which lets the client finish
        if is_known or self.version != _V5:
            return ReasonCode.SUCCESS
        return ReasonCode.PACKET_IDENTIFIER_NOT_FOUND

    def _fail(self, error: MqttError) -> None:
        """Say why the conversation ends, where the version has words for it (3.1.1, 4.8; 5.0, 4.13)."""
        if self._phase is Phase.CONNECTED:
            self._output.disconnect(error.reason, str(error))
        else:
            self._output.refuse_faulty_connect(error)
        self._close()

    def _close(self) -> None:
        self._phase = Phase.CLOSED
        self._frames.clear()

    def _is_in(self, phase: Phase) -> bool:
        """Tell whether a call makes sense now: not any more after the end, and never in another phase."""
        if self._phase is not phase and self._phase is not Phase.CLOSED:
            raise ValueError(f"not possible while {self._phase.value}")
        return self._phase is phase
