"""The flows of QoS 0, 1 and 2 in both directions against a small model of a client that keeps to the rules."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from certinel.mqtt import Delivered, DeliveryOutcome, Phase, ProtocolVersion, ReasonCode, SessionLimits
from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Packet, Puback, Pubcomp, Publish, Pubrec, Pubrel
from certinel.mqtt.properties import Properties
from support.mqtt_client import V5, accepted, sent_by

RECEIVE_MAXIMUM = 4
SEND_WINDOW = 3
LIMITS = SessionLimits(receive_maximum=RECEIVE_MAXIMUM, send_window=SEND_WINDOW, max_queued_messages=3)


class Flows(RuleBasedStateMachine):
    """What is sent is compared after every step, so nothing may come too early, too late or twice."""

    @initialize(version=st.sampled_from(ProtocolVersion), receive_maximum=st.integers(1, 5))
    def connect(self, version: ProtocolVersion, receive_maximum: int) -> None:
        self.version = version
        properties = Properties(receive_maximum=receive_maximum) if version is V5 else Properties()
        self.session = accepted(version, properties, LIMITS)
        self.window = min(SEND_WINDOW, receive_maximum) if version is V5 else SEND_WINDOW
        self.expected: list[Packet] = []
        # From the client: ids in order of arrival, and whether the server has decided; ids between PUBREC and PUBREL
        self.unanswered: dict[int, tuple[int, Packet | None]] = {}
        self.unreleased: set[int] = set()
        # To the client: what it holds, what waits, and which references are still to be reported
        self.next_reference = 0
        self.waiting: deque[tuple[int, int]] = deque()
        self.held: dict[int, tuple[int, int, bool]] = {}

    def receive(self, packet: Packet) -> list[object]:
        return list(self.session.receive(encode(packet, self.version)))

    def free_ids(self) -> list[int]:
        return [n for n in range(1, 7) if n not in self.unanswered and n not in self.unreleased]

    def flush_answers(self) -> None:
        while self.unanswered:
            packet_id, (_, answer) = next(iter(self.unanswered.items()))
            if answer is None:
                return
            del self.unanswered[packet_id]
            self.expected.append(answer)
            if answer == Pubrec(packet_id):
                self.unreleased.add(packet_id)

    @precondition(lambda self: len(self.unanswered) + len(self.unreleased) < RECEIVE_MAXIMUM)
    @rule(data=st.data(), qos=st.integers(0, 2), payload=st.binary(max_size=4))
    def client_publishes(self, data: st.DataObject, qos: int, payload: bytes) -> None:
        packet_id = data.draw(st.sampled_from(self.free_ids())) if qos else None
        message = Publish("s/us", payload, qos, packet_id=packet_id)
        assert self.receive(message) == [message]
        if packet_id is not None:
            self.unanswered[packet_id] = (qos, None)

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def client_repeats_a_publish(self, data: st.DataObject) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.unanswered)))
        qos, _ = self.unanswered[packet_id]
        assert self.receive(Publish("s/us", b"", qos, dup=True, packet_id=packet_id)) == []

    @precondition(lambda self: self.unreleased)
    @rule(data=st.data())
    def client_repeats_an_answered_publish(self, data: st.DataObject) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.unreleased)))
        assert self.receive(Publish("s/us", b"", 2, dup=True, packet_id=packet_id)) == []
        self.expected.append(Pubrec(packet_id))

    @precondition(lambda self: any(answer is None for _, answer in self.unanswered.values()))
    @rule(data=st.data(), is_rejected=st.booleans())
    def server_answers(self, data: st.DataObject, is_rejected: bool) -> None:
        packet_id = data.draw(st.sampled_from([n for n, (_, answer) in self.unanswered.items() if answer is None]))
        qos, _ = self.unanswered[packet_id]
        kind = Puback if qos == 1 else Pubrec
        if is_rejected:
            self.session.reject(packet_id, ReasonCode.QUOTA_EXCEEDED)
            answer = kind(packet_id, ReasonCode.QUOTA_EXCEEDED) if self.version is V5 else kind(packet_id)
        else:
            self.session.acknowledge(packet_id)
            answer = kind(packet_id)
        self.unanswered[packet_id] = (qos, answer)
        self.flush_answers()

    @precondition(lambda self: self.unreleased)
    @rule(data=st.data())
    def client_releases(self, data: st.DataObject) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.unreleased)))
        assert self.receive(Pubrel(packet_id)) == []
        self.unreleased.remove(packet_id)
        self.expected.append(Pubcomp(packet_id))

    @rule(qos=st.integers(0, 2))
    def server_delivers(self, qos: int) -> None:
        reference = self.next_reference
        self.next_reference += 1
        payload = reference.to_bytes(2, "big")
        has_room = self.session.can_deliver
        assert has_room is (len(self.waiting) < LIMITS.max_queued_messages)
        outcome = self.session.deliver("s/ds", payload, qos, reference=reference)
        if not has_room:
            assert outcome is DeliveryOutcome.NO_ROOM
        elif not qos:
            assert outcome is DeliveryOutcome.SENT
            self.expected.append(Publish("s/ds", payload))
        else:
            assert outcome is (DeliveryOutcome.SENT if len(self.held) < self.window else DeliveryOutcome.QUEUED)
            self.waiting.append((reference, qos))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), is_rejected=st.booleans())
    def client_answers(self, data: st.DataObject, is_rejected: bool) -> None:
        packet_id = data.draw(st.sampled_from(sorted(self.held)))
        reference, qos, is_received = self.held[packet_id]
        reason = ReasonCode.QUOTA_EXCEEDED if is_rejected and self.version is V5 else ReasonCode.SUCCESS
        if qos == 1:
            events = self.receive(Puback(packet_id, reason))
        elif not is_received:
            events = self.receive(Pubrec(packet_id, reason))
            if reason is ReasonCode.SUCCESS:
                assert events == []
                self.held[packet_id] = (reference, qos, True)
                self.expected.append(Pubrel(packet_id))
                return
        else:
            reason = ReasonCode.SUCCESS
            events = self.receive(Pubcomp(packet_id))
        assert events == [Delivered(reference, reason)]
        del self.held[packet_id]

    @invariant()
    def output_is_what_the_model_expects(self) -> None:
        for packet in sent_by(self.session, self.version):
            if isinstance(packet, Publish) and packet.qos:
                reference, qos = self.waiting.popleft()
                assert packet.packet_id is not None
                assert packet.packet_id not in self.held
                assert (packet.payload, packet.qos) == (reference.to_bytes(2, "big"), qos)
                self.held[packet.packet_id] = (reference, qos, False)
            else:
                assert packet == self.expected.pop(0)
        assert self.expected == []

    @invariant()
    def windows_are_kept_and_used(self) -> None:
        assert self.session.phase is Phase.CONNECTED
        assert self.session.inflight_inbound == len(self.unanswered)
        assert self.session.inflight_outbound == len(self.held) <= self.window
        assert not self.waiting or len(self.held) == self.window


TestFlows = Flows.TestCase
TestFlows.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
