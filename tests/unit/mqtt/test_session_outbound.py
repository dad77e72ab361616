"""Messages to a client: packet ids, windows, queues (4.3, 5.0: 4.9), and subscriptions."""

import pytest

from certinel.mqtt import (
    Delivered,
    DeliveryOutcome,
    Properties,
    ProtocolFailed,
    ProtocolVersion,
    ReasonCode,
    ServerSession,
    SessionLimits,
    Subscribed,
    Subscription,
    Unsubscribed,
)
from certinel.mqtt.encoding import encode
from certinel.mqtt.limits import MAX_PACKET_ID
from certinel.mqtt.outbound import Awaited, OutboundFlow, Outgoing
from certinel.mqtt.packets import (
    Packet,
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
from support.mqtt_client import V3_1, V3_1_1, V5, accepted, sent_by

ALL_VERSIONS = pytest.mark.parametrize("version", list(ProtocolVersion))
BEFORE_V5 = pytest.mark.parametrize("version", [V3_1, V3_1_1])


def received(session: ServerSession, *packets: Packet) -> list[object]:
    version = session.version
    assert version is not None
    return list(session.receive(b"".join(encode(packet, version) for packet in packets)))


def failed(events: list[object]) -> bool:
    return isinstance(events[-1], ProtocolFailed)


@ALL_VERSIONS
def test_message_of_qos_0_has_no_packet_id(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert session.deliver("s/ds", b"510", 0) is DeliveryOutcome.SENT
    assert sent_by(session, version) == [Publish("s/ds", b"510")]
    assert session.inflight_outbound == 0


@ALL_VERSIONS
def test_message_of_qos_1_is_delivered_when_it_is_answered(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert session.deliver("s/ds", b"510", 1, reference="operation 1") is DeliveryOutcome.SENT
    assert sent_by(session, version) == [Publish("s/ds", b"510", 1, packet_id=1)]
    assert received(session, Puback(1)) == [Delivered("operation 1")]
    assert session.inflight_outbound == 0
    session.deliver("s/ds", b"510", 1)
    assert sent_by(session, version) == [Publish("s/ds", b"510", 1, packet_id=2)]


@ALL_VERSIONS
def test_message_of_qos_2_is_delivered_when_it_is_complete(version: ProtocolVersion) -> None:
    session = accepted(version)
    session.deliver("s/ds", b"510", 2, reference="operation 1")
    assert sent_by(session, version) == [Publish("s/ds", b"510", 2, packet_id=1)]
    assert received(session, Pubrec(1)) == []
    assert sent_by(session, version) == [Pubrel(1)]
    assert received(session, Pubrec(1)) == []
    assert sent_by(session, version) == [Pubrel(1)]
    assert received(session, Pubcomp(1)) == [Delivered("operation 1")]


def test_client_of_v5_may_reject_a_message() -> None:
    session = accepted(V5)
    session.deliver("s/ds", b"510", 1, reference="first")
    session.deliver("s/ds", b"510", 2, reference="second")
    session.take_output()
    assert received(session, Puback(1, ReasonCode.QUOTA_EXCEEDED)) == [Delivered("first", ReasonCode.QUOTA_EXCEEDED)]
    assert received(session, Pubrec(2, ReasonCode.QUOTA_EXCEEDED)) == [Delivered("second", ReasonCode.QUOTA_EXCEEDED)]
    assert session.take_output() == b""
    assert session.inflight_outbound == 0


@ALL_VERSIONS
@pytest.mark.parametrize(
    ("qos", "answers"),
    [(1, [Pubrec(1)]), (1, [Pubcomp(1)]), (2, [Puback(1)]), (2, [Pubcomp(1)]), (2, [Pubrec(1), Puback(1)])],
)
def test_answer_of_the_wrong_kind_is_a_protocol_error(
    version: ProtocolVersion, qos: int, answers: list[Packet]
) -> None:
    session = accepted(version)
    session.deliver("s/ds", b"510", qos)
    assert failed(received(session, *answers))


@ALL_VERSIONS
@pytest.mark.parametrize("answer", [Puback(9), Pubcomp(9)])
def test_answer_to_nothing_is_ignored(version: ProtocolVersion, answer: Packet) -> None:
    session = accepted(version)
    assert received(session, answer) == []
    assert session.take_output() == b""


@BEFORE_V5
def test_unknown_pubrec_is_released_before_v5(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert received(session, Pubrec(9)) == []
    assert sent_by(session, version) == [Pubrel(9)]


def test_unknown_pubrec_is_not_found_in_v5() -> None:
    session = accepted(V5)
    assert received(session, Pubrec(9), Pubrec(9, ReasonCode.QUOTA_EXCEEDED)) == []
    assert sent_by(session, V5) == [Pubrel(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]


@ALL_VERSIONS
def test_messages_beyond_the_window_wait_in_order(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(send_window=2))
    outcomes = [session.deliver("s/ds", bytes((n,)), 1, reference=n) for n in range(4)]
    assert outcomes == [DeliveryOutcome.SENT] * 2 + [DeliveryOutcome.QUEUED] * 2
    assert [packet.payload for packet in sent_by(session, version) if isinstance(packet, Publish)] == [b"\0", b"\1"]
    assert received(session, Puback(2), Puback(1)) == [Delivered(1), Delivered(0)]
    assert [packet.payload for packet in sent_by(session, version) if isinstance(packet, Publish)] == [b"\2", b"\3"]
    assert session.inflight_outbound == 2


def test_window_of_v5_is_not_larger_than_the_client_takes() -> None:
    session = accepted(V5, Properties(receive_maximum=1))
    assert session.deliver("s/ds", b"", 2) is DeliveryOutcome.SENT
    assert session.deliver("s/ds", b"", 1) is DeliveryOutcome.QUEUED
    assert session.deliver("s/ds", b"", 0) is DeliveryOutcome.SENT
    received(session, Pubrec(1))
    assert session.inflight_outbound == 1
    session.take_output()
    received(session, Pubcomp(1))
    assert sent_by(session, V5) == [Publish("s/ds", b"", 1, packet_id=2)]


@ALL_VERSIONS
def test_queue_is_bounded_in_messages(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(send_window=1, max_queued_messages=2))
    for _ in range(3):
        assert session.can_deliver
        session.deliver("s/ds", b"", 1)
    assert not session.can_deliver
    assert session.deliver("s/ds", b"", 1) is DeliveryOutcome.NO_ROOM
    received(session, Puback(1))
    assert session.can_deliver


@ALL_VERSIONS
def test_queue_is_bounded_in_bytes(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(send_window=1, max_queued_bytes=100))
    session.deliver("s/ds", b"", 1)
    session.take_output()
    assert session.deliver("s/ds", b"x" * 60, 1) is DeliveryOutcome.QUEUED
    assert session.deliver("s/ds", b"x" * 60, 1) is DeliveryOutcome.QUEUED
    assert session.deliver("s/ds", b"", 1) is DeliveryOutcome.NO_ROOM


@ALL_VERSIONS
def test_output_that_is_not_taken_leaves_no_room(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(max_queued_bytes=100))
    session.deliver("s/ds", b"x" * 100, 0)
    assert not session.can_deliver
    assert session.deliver("s/ds", b"x", 0) is DeliveryOutcome.NO_ROOM
    session.take_output()
    assert session.can_deliver


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_message_larger_than_the_client_takes_is_dropped(qos: int) -> None:
    session = accepted(V5, Properties(maximum_packet_size=50))
    room = 50 - len(encode(Publish("s/ds", b"", qos, packet_id=1), V5))
    assert session.deliver("s/ds", b"x" * room, qos) is DeliveryOutcome.SENT
    assert len(session.take_output()) == 50
    assert session.deliver("s/ds", b"x" * (room + 1), qos) is DeliveryOutcome.TOO_LARGE
    assert session.take_output() == b""


def test_message_for_nobody_is_dropped() -> None:
    session = ServerSession()
    assert not session.can_deliver
    assert session.deliver("s/ds", b"", 1) is DeliveryOutcome.CLOSED


@pytest.mark.parametrize(("topic", "qos"), [("", 0), ("s/#", 0), ("a" * 65_536, 0), ("s/ds", 3), ("s/\0", 0)])
def test_message_that_cannot_be_is_a_mistake_of_the_caller(topic: str, qos: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        accepted(V3_1_1).deliver(topic, b"", qos)


def test_packet_ids_begin_again_and_skip_those_in_use() -> None:
    flow = OutboundFlow(SessionLimits())
    message = Outgoing(b"....", packet_id_at=2, qos=1, reference=None)
    flow.queue(message)
    assert flow.next_to_send() == b"..\x00\x01"
    for packet_id in range(2, MAX_PACKET_ID + 1):
        flow.queue(message)
        assert flow.next_to_send() is not None
        flow.completed(packet_id, Awaited.PUBACK)
    flow.queue(message)
    assert flow.next_to_send() == b"..\x00\x02"


@ALL_VERSIONS
def test_subscribe_is_answered_with_what_the_caller_grants(version: ProtocolVersion) -> None:
    session = accepted(version)
    wanted = (Subscription("s/ds", 2), Subscription("s/e", 0), Subscription("s/us", 1))
    assert received(session, Subscribe(5, wanted)) == [Subscribed(5, wanted)]
    session.grant(5, [1, 0, 0x80])
    assert sent_by(session, version) == [Suback(5, (1, 0, 0x80))]


@pytest.mark.parametrize(("version", "code"), [(V3_1, 0x80), (V3_1_1, 0x80), (V5, 0x9E)])
def test_reason_for_not_granting_is_told_where_there_are_words_for_it(version: ProtocolVersion, code: int) -> None:
    session = accepted(version)
    received(session, Subscribe(5, (Subscription("$share/g/s"),)))
    session.grant(5, [ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED])
    assert sent_by(session, version) == [Suback(5, (code,))]


@ALL_VERSIONS
def test_grant_that_does_not_fit_is_a_mistake_of_the_caller(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, Subscribe(5, (Subscription("s/ds"),)))
    for packet_id, codes in ((5, [0, 0]), (5, []), (6, [0])):
        with pytest.raises(ValueError, match="subscribe"):
            session.grant(packet_id, codes)


@ALL_VERSIONS
def test_packet_id_of_a_waiting_subscribe_is_in_use(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert failed(received(session, *[Subscribe(5, (Subscription("s/ds"),))] * 2))


@ALL_VERSIONS
def test_many_waiting_subscribes_pause_reading(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(max_unanswered=2))
    received(session, *(Subscribe(packet_id, (Subscription("s/ds"),)) for packet_id in (1, 2)))
    assert session.should_pause_reading
    session.grant(1, [0])
    assert not session.should_pause_reading


@ALL_VERSIONS
def test_unsubscribe_is_answered_at_once(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, Subscribe(5, (Subscription("s/ds"), Subscription("s/e"))))
    session.grant(5, [0, 0x87])
    session.take_output()
    assert received(session, Unsubscribe(6, ("s/ds", "s/e", "s/x"))) == [Unsubscribed(("s/ds", "s/e", "s/x"))]
    codes = (0, 0x11, 0x11) if version is V5 else ()
    assert sent_by(session, version) == [Unsuback(6, codes)]
