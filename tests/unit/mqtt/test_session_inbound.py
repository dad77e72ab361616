"""Publishes of a client: events, answers, windows (4.3, 4.6)."""

import pytest

from certinel.mqtt import (
    Phase,
    Properties,
    ProtocolFailed,
    ProtocolVersion,
    Published,
    ReasonCode,
    ServerSession,
    SessionLimits,
)
from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Disconnect, Packet, Pingreq, Pingresp, Puback, Pubcomp, Publish, Pubrec, Pubrel
from support.mqtt_client import V3_1, V3_1_1, V5, accepted, sent_by

ALL_VERSIONS = pytest.mark.parametrize("version", list(ProtocolVersion))
BEFORE_V5 = pytest.mark.parametrize("version", [V3_1, V3_1_1])


def published(packet_id: int, qos: int = 1, *, dup: bool = False) -> Publish:
    return Publish("s/us", b"100", qos, dup=dup, packet_id=packet_id)


def received(session: ServerSession, *packets: Packet) -> list[object]:
    version = session.version
    assert version is not None
    return list(session.receive(b"".join(encode(packet, version) for packet in packets)))


def failure(events: list[object]) -> ReasonCode:
    event = events[-1]
    assert isinstance(event, ProtocolFailed)
    return event.error.reason


@ALL_VERSIONS
def test_qos_0_needs_no_answer(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert received(session, Publish("s/us", b"100")) == [Published("s/us", b"100")]
    assert session.inflight_inbound == 0
    assert session.take_output() == b""


@ALL_VERSIONS
def test_qos_1_is_answered_when_the_caller_says_so(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert received(session, published(7)) == [published(7)]
    assert session.inflight_inbound == 1
    assert session.take_output() == b""
    session.acknowledge(7)
    assert session.take_output() == b"\x40\x02\x00\x07"
    assert session.inflight_inbound == 0


@ALL_VERSIONS
def test_qos_2_takes_two_answers(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert received(session, published(7, 2)) == [published(7, 2)]
    session.acknowledge(7)
    assert session.take_output() == b"\x50\x02\x00\x07"
    assert received(session, Pubrel(7)) == []
    assert session.take_output() == b"\x70\x02\x00\x07"


@ALL_VERSIONS
def test_qos_2_comes_once_until_it_is_released(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(7, 2))
    assert received(session, published(7, 2, dup=True)) == []
    assert session.take_output() == b""
    session.acknowledge(7)
    assert session.take_output() == b"\x50\x02\x00\x07"
    assert received(session, published(7, 2, dup=True)) == []
    assert session.take_output() == b"\x50\x02\x00\x07"
    received(session, Pubrel(7))
    session.take_output()
    assert received(session, published(7, 2)) == [published(7, 2)]


@ALL_VERSIONS
def test_repeated_qos_1_that_waits_for_its_answer_is_the_same_message(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(7))
    assert received(session, published(7, dup=True)) == []
    session.acknowledge(7)
    assert received(session, published(7, dup=True)) == [published(7, dup=True)]


@ALL_VERSIONS
@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 2), (2, 1)])
def test_packet_id_in_use_is_a_protocol_error(version: ProtocolVersion, first: int, second: int) -> None:
    session = accepted(version)
    received(session, published(7, first))
    assert failure(received(session, published(7, second))) is ReasonCode.PROTOCOL_ERROR


@ALL_VERSIONS
def test_packet_id_of_an_unreleased_publish_is_in_use(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(7, 2))
    session.acknowledge(7)
    assert failure(received(session, published(7, 1))) is ReasonCode.PROTOCOL_ERROR


@ALL_VERSIONS
def test_release_before_the_answer_is_a_protocol_error(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(7, 2))
    assert failure(received(session, Pubrel(7))) is ReasonCode.PROTOCOL_ERROR


@BEFORE_V5
def test_release_of_an_unknown_publish_is_completed(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, Pubrel(9))
    assert sent_by(session, version) == [Pubcomp(9)]


def test_release_of_an_unknown_publish_is_not_found_in_v5() -> None:
    session = accepted(V5)
    received(session, Pubrel(9))
    assert sent_by(session, V5) == [Pubcomp(9, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)]


@ALL_VERSIONS
def test_answers_leave_in_the_order_of_the_publishes(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(1), published(2, 2), published(3), published(4))
    session.acknowledge(3)
    session.acknowledge(2)
    assert session.take_output() == b""
    session.acknowledge(1)
    assert sent_by(session, version) == [Puback(1), Pubrec(2), Puback(3)]
    assert session.inflight_inbound == 1
    session.acknowledge(4)
    assert sent_by(session, version) == [Puback(4)]


@ALL_VERSIONS
def test_early_answer_of_qos_2_still_waits_for_its_release(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(1), published(2, 2))
    session.acknowledge(2)
    session.acknowledge(1)
    session.take_output()
    received(session, Pubrel(2))
    assert sent_by(session, version) == [Pubcomp(2)]


@ALL_VERSIONS
def test_answer_to_nothing_is_a_mistake_of_the_caller(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(1), published(2))
    session.acknowledge(2)
    for packet_id in (2, 3):
        with pytest.raises(ValueError, match="waits"):
            session.acknowledge(packet_id)


def test_rejection_has_its_reason_in_v5() -> None:
    session = accepted(V5)
    received(session, published(1), published(2, 2))
    session.reject(1, ReasonCode.TOPIC_NAME_INVALID, "no such topic")
    session.reject(2, ReasonCode.QUOTA_EXCEEDED)
    assert sent_by(session, V5) == [
        Puback(1, ReasonCode.TOPIC_NAME_INVALID, Properties(reason_string="no such topic")),
        Pubrec(2, ReasonCode.QUOTA_EXCEEDED),
    ]


def test_rejected_qos_2_is_over_without_a_release() -> None:
    session = accepted(V5)
    received(session, published(2, 2))
    session.reject(2, ReasonCode.QUOTA_EXCEEDED)
    assert received(session, published(2, 2)) == [published(2, 2)]


@BEFORE_V5
def test_rejection_is_an_acknowledgement_before_v5(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(1), published(2, 2))
    session.reject(1, ReasonCode.TOPIC_NAME_INVALID, "no such topic")
    session.reject(2, ReasonCode.TOPIC_NAME_INVALID, "no such topic")
    assert sent_by(session, version) == [Puback(1), Pubrec(2)]
    received(session, Pubrel(2))
    assert sent_by(session, version) == [Pubcomp(2)]


def test_success_is_no_rejection() -> None:
    session = accepted(V5)
    received(session, published(1))
    with pytest.raises(ValueError, match="failure"):
        session.reject(1, ReasonCode.NO_MATCHING_SUBSCRIBERS)


def test_client_that_wants_no_problem_information_gets_bare_reasons() -> None:
    session = accepted(V5, Properties(request_problem_information=0))
    received(session, published(1))
    session.reject(1, ReasonCode.TOPIC_NAME_INVALID, "no such topic")
    assert sent_by(session, V5) == [Puback(1, ReasonCode.TOPIC_NAME_INVALID)]


def test_client_that_wants_no_problem_information_still_gets_it_at_the_end() -> None:
    session = accepted(V5, Properties(request_problem_information=0))  # 3.1.2.11.7
    session.disconnect(ReasonCode.NOT_AUTHORIZED, "trust was withdrawn")
    (packet,) = sent_by(session, V5)
    assert packet == Disconnect(ReasonCode.NOT_AUTHORIZED, Properties(reason_string="trust was withdrawn"))


def test_reason_string_that_makes_a_packet_too_large_is_left_out() -> None:
    session = accepted(V5, Properties(maximum_packet_size=30))  # 3.1.2.11.4
    received(session, published(1))
    session.reject(1, ReasonCode.TOPIC_NAME_INVALID, "no such topic, and that is a long story")
    assert sent_by(session, V5) == [Puback(1, ReasonCode.TOPIC_NAME_INVALID)]


def test_packet_that_is_too_large_without_words_is_not_sent_at_all() -> None:
    session = accepted(V5, Properties(maximum_packet_size=3))
    received(session, Pingreq(), published(1), published(2, 2))
    session.reject(1, ReasonCode.TOPIC_NAME_INVALID)
    assert session.take_output() == b"\xd0\x00"
    assert session.inflight_inbound == 1


def test_publish_over_the_receive_maximum_of_v5_is_refused() -> None:
    session = accepted(V5, limits=SessionLimits(receive_maximum=2))  # 3.3.4
    received(session, published(1), published(2, 2))
    session.acknowledge(1)
    session.acknowledge(2)
    received(session, published(3))  # 2 waits for its release and counts
    assert failure(received(session, published(4))) is ReasonCode.RECEIVE_MAXIMUM_EXCEEDED


def test_completed_publishes_do_not_count_towards_the_receive_maximum() -> None:
    session = accepted(V5, limits=SessionLimits(receive_maximum=1))
    for packet_id in range(1, 5):
        assert len(received(session, published(packet_id, 2))) == 1
        session.acknowledge(packet_id)
        assert received(session, Pubrel(packet_id)) == []


@ALL_VERSIONS
def test_reading_pauses_while_many_publishes_are_unanswered(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(max_unanswered=2))
    received(session, published(1))
    assert not session.should_pause_reading
    assert len(received(session, published(2), published(3))) == 2
    assert session.should_pause_reading
    session.acknowledge(1)
    session.acknowledge(2)
    assert not session.should_pause_reading


@ALL_VERSIONS
def test_unreleased_publishes_do_not_pause_reading(version: ProtocolVersion) -> None:
    session = accepted(version, limits=SessionLimits(max_unanswered=1))
    received(session, published(1, 2))
    assert session.should_pause_reading
    session.acknowledge(1)
    assert not session.should_pause_reading


@BEFORE_V5
def test_retain_is_accepted_before_v5(version: ProtocolVersion) -> None:
    message = Publish("s/us", b"100", retain=True)
    assert received(accepted(version), message) == [message]


@ALL_VERSIONS
def test_ping_is_answered(version: ProtocolVersion) -> None:
    session = accepted(version)
    assert received(session, Pingreq()) == []
    assert sent_by(session, version) == [Pingresp()]


@ALL_VERSIONS
def test_goodbye_closes_without_a_will(version: ProtocolVersion) -> None:
    session = accepted(version)
    (event,) = received(session, Disconnect(), Pingreq())
    assert not getattr(event, "publish_will", None)
    assert session.phase is Phase.CLOSED
    assert session.take_output() == b""


def test_goodbye_of_v5_may_ask_for_the_will() -> None:
    (event,) = received(accepted(V5), Disconnect(ReasonCode.DISCONNECT_WITH_WILL))
    assert getattr(event, "publish_will", None)


def test_goodbye_of_v5_may_change_an_expiry_that_was_asked_for() -> None:
    session = accepted(V5, Properties(session_expiry_interval=10))
    (event,) = received(session, Disconnect(properties=Properties(session_expiry_interval=20)))
    assert not getattr(event, "publish_will", None)


@ALL_VERSIONS
def test_answers_after_the_end_are_dropped(version: ProtocolVersion) -> None:
    session = accepted(version)
    received(session, published(1), published(2), Disconnect())
    session.acknowledge(1)
    session.reject(2, ReasonCode.QUOTA_EXCEEDED)
    session.grant(3, [0])
    session.disconnect(ReasonCode.NOT_AUTHORIZED)
    assert session.take_output() == b""


@ALL_VERSIONS
def test_events_before_a_fault_are_told(version: ProtocolVersion) -> None:
    session = accepted(version)
    events = session.receive(encode(published(1), version) + b"\xc1\x00" + b"\xc0\x00")
    assert events[0] == published(1)
    assert isinstance(events[1], ProtocolFailed)
    assert len(events) == 2


@BEFORE_V5
def test_disconnect_has_no_packet_before_v5(version: ProtocolVersion) -> None:
    session = accepted(version)
    session.disconnect(ReasonCode.SESSION_TAKEN_OVER)
    assert session.take_output() == b""
    assert session.phase is Phase.CLOSED


def test_user_properties_reach_the_caller() -> None:
    message = Publish("s/us", b"100", properties=Properties(user_properties=(("a", "1"), ("a", "2"))))
    (event,) = received(accepted(V5), message)
    assert isinstance(event, Published)
    assert event.properties.user_properties == (("a", "1"), ("a", "2"))
