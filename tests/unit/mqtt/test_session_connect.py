"""How a conversation begins, and how it does not."""

import pytest

from certinel.mqtt import (
    Connect,
    ConnectAnswer,
    Connected,
    Phase,
    ProtocolFailed,
    ProtocolVersion,
    Published,
    ReasonCode,
    ServerSession,
    SessionLimits,
    UnsupportedProtocolError,
    Will,
)
from certinel.mqtt.encoding import encode
from certinel.mqtt.packets import Connack, Publish
from certinel.mqtt.properties import Properties
from support.mqtt_client import V3_1, V3_1_1, V5, accepted, sent_by

ALL_VERSIONS = pytest.mark.parametrize("version", list(ProtocolVersion))


@ALL_VERSIONS
def test_connect_is_told_to_the_caller_and_waits_for_its_decision(version: ProtocolVersion) -> None:
    session = ServerSession()
    request = Connect("d:device1", version, keep_alive=60, user_name="t1000", password=b"secret")

    assert session.receive(encode(request, version)) == [Connected(request)]
    assert session.phase is Phase.DECIDING
    assert session.take_output() == b""
    assert (session.version, session.keep_alive) == (version, 60)


@pytest.mark.parametrize("version", [V3_1, V3_1_1])
def test_accepted_client_gets_return_code_0_without_session_present(version: ProtocolVersion) -> None:
    session = ServerSession()
    session.receive(encode(Connect("x", version, clean_start=False), version))

    assert session.accept() == []
    assert session.take_output() == b"\x20\x02\x00\x00"
    assert session.phase is Phase.CONNECTED


def test_accepted_client_of_v5_is_told_what_is_available() -> None:
    session = ServerSession()
    session.receive(encode(Connect("x", V5, properties=Properties(session_expiry_interval=3600)), V5))
    session.accept()

    assert sent_by(session, V5) == [
        Connack(
            session_present=False,
            code=0,
            properties=Properties(
                receive_maximum=65_535,
                maximum_packet_size=16_184,
                retain_available=0,
                wildcard_subscription_available=1,
                subscription_identifiers_available=0,
                shared_subscription_available=0,
                session_expiry_interval=0,
            ),
        )
    ]


def test_client_that_asked_for_no_session_expiry_is_told_none() -> None:
    session = ServerSession()
    session.receive(encode(Connect("x", V5), V5))
    session.accept()

    (connack,) = sent_by(session, V5)
    assert isinstance(connack, Connack)
    assert connack.properties.session_expiry_interval is None
    assert connack.properties.assigned_client_identifier is None


@pytest.mark.parametrize("answer", [answer for answer in ConnectAnswer if answer is not ConnectAnswer.ACCEPTED])
def test_refusal_has_the_code_of_its_version(answer: ConnectAnswer) -> None:
    for version in ProtocolVersion:
        session = ServerSession()
        session.receive(encode(Connect("x", version), version))
        session.refuse(answer, "the certificate has expired")

        (connack,) = sent_by(session, version)
        assert isinstance(connack, Connack)
        if version is V5:
            assert connack.code == answer.reason_code
            assert connack.properties == Properties(reason_string="the certificate has expired")
        else:
            assert connack.code == answer.return_code
        assert session.phase is Phase.CLOSED


def test_acceptance_is_no_refusal() -> None:
    session = ServerSession()
    session.receive(encode(Connect("x", V5), V5))
    with pytest.raises(ValueError, match="refuses"):
        session.refuse(ConnectAnswer.ACCEPTED)


@pytest.mark.parametrize(
    ("name", "level", "answer"),
    [
        (b"MQTT", 0, b"\x20\x02\x00\x01"),
        (b"MQTT", 3, b"\x20\x02\x00\x01"),
        (b"MQIsdp", 4, b"\x20\x02\x00\x01"),
        (b"mqtt", 4, b"\x20\x02\x00\x01"),
        (b"MQIsdp", 0x83, b"\x20\x02\x00\x01"),  # a bridge
        (b"MQTT", 0x84, b"\x20\x02\x00\x01"),  # a bridge
    ],
)
def test_unknown_older_protocol_is_answered_in_the_old_form(name: bytes, level: int, answer: bytes) -> None:
    session = ServerSession()
    body = len(name).to_bytes(2, "big") + name + bytes((level,)) + b"anything"
    (event,) = session.receive(bytes((0x10, len(body))) + body)

    assert isinstance(event, ProtocolFailed)
    assert event.error.code == "protocol/unsupported"
    assert session.take_output() == answer


@pytest.mark.parametrize("level", [6, 127, 0x85, 255])
def test_unknown_newer_protocol_is_answered_in_the_form_of_v5(level: int) -> None:
    session = ServerSession()
    (event,) = session.receive(b"\x10\x08\x00\x04MQTT" + bytes((level,)) + b"\x02")

    assert isinstance(event, ProtocolFailed)
    assert event.error.code == "protocol/unsupported"
    (connack,) = sent_by(session, V5)
    assert isinstance(connack, Connack)
    assert connack.code == ReasonCode.UNSUPPORTED_PROTOCOL_VERSION


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (
            Connect("x", V5, properties=Properties(authentication_method="SCRAM")),  # 4.12
            ReasonCode.BAD_AUTHENTICATION_METHOD,
        ),
        (Connect("x", V5, will=Will("a", b"", retain=True)), ReasonCode.RETAIN_NOT_SUPPORTED),  # 3.2.2.3.5
    ],
)
def test_connect_of_v5_that_asks_for_what_there_is_not_is_refused(request_: Connect, reason: ReasonCode) -> None:
    session = ServerSession()
    (event,) = session.receive(encode(request_, V5))

    assert isinstance(event, ProtocolFailed)
    assert isinstance(event.error, UnsupportedProtocolError)
    (connack,) = sent_by(session, V5)
    assert isinstance(connack, Connack)
    assert connack.code == reason


def test_malformed_connect_of_v5_is_answered_with_its_reason() -> None:
    session = ServerSession()
    (event,) = session.receive(b"\x10\x0d\x00\x04MQTT\x05\x03\x00\x3c\x00\x00\x00")  # 3.1.2.3 reserved flag

    assert isinstance(event, ProtocolFailed)
    assert event.error.code == "protocol/malformed"
    (connack,) = sent_by(session, V5)
    assert isinstance(connack, Connack)
    assert connack.code == ReasonCode.MALFORMED_PACKET


def test_malformed_connect_before_v5_is_not_answered() -> None:
    session = ServerSession()
    (event,) = session.receive(b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x3c\x00\x00")

    assert isinstance(event, ProtocolFailed)
    assert session.take_output() == b""


@pytest.mark.parametrize("first", [b"G", b"\x16", b"\x30", b"\xe0", b"\x11"])
def test_stranger_that_does_not_begin_with_connect_is_refused_at_its_first_byte(first: bytes) -> None:
    session = ServerSession()
    (event,) = session.receive(first)

    assert isinstance(event, ProtocolFailed)
    assert event.error.code == "protocol/malformed"
    assert session.receive(b"ET / HTTP/1.1") == []


@ALL_VERSIONS
def test_second_connect_is_a_protocol_error(version: ProtocolVersion) -> None:
    session = accepted(version)
    (event,) = session.receive(encode(Connect("x", version), version))  # 3.1.0-2

    assert isinstance(event, ProtocolFailed)
    assert event.error.reason is ReasonCode.PROTOCOL_ERROR


@ALL_VERSIONS
def test_packets_behind_connect_wait_until_the_client_is_accepted(version: ProtocolVersion) -> None:
    session = ServerSession()
    glued = encode(Connect("x", version), version) + encode(Publish("s/us", b"100", 1, packet_id=7), version)

    (event,) = session.receive(glued)
    assert isinstance(event, Connected)
    assert session.receive(b"") == []
    assert session.receive(b"\xc0\x00") == []
    assert session.accept() == [Published("s/us", b"100", 1, packet_id=7)]
    assert session.take_output().endswith(b"\xd0\x00")


def test_packets_behind_a_refused_connect_are_dropped() -> None:
    session = ServerSession()
    session.receive(encode(Connect("x", V3_1_1), V3_1_1) + encode(Publish("s/us", b"100"), V3_1_1))
    session.refuse(ConnectAnswer.NOT_AUTHORIZED)

    assert session.receive(b"\xc0\x00") == []
    assert session.take_output() == b"\x20\x02\x00\x05"


def test_reading_pauses_when_much_comes_before_the_decision() -> None:
    session = ServerSession(SessionLimits(max_packet_bytes=100))
    session.receive(encode(Connect("x", V3_1_1), V3_1_1))
    assert not session.should_pause_reading
    session.receive(b"\xc0\x00" * 50)
    assert session.should_pause_reading
    session.accept()
    assert not session.should_pause_reading


def test_decision_after_the_end_changes_nothing() -> None:
    session = ServerSession()
    session.receive(encode(Connect("x", V5), V5))
    session.disconnect(ReasonCode.SERVER_SHUTTING_DOWN)

    assert session.accept() == []
    session.refuse(ConnectAnswer.UNAVAILABLE)
    assert session.take_output() == b""


def test_decision_without_a_connect_is_a_mistake_of_the_caller() -> None:
    session = ServerSession()
    with pytest.raises(ValueError, match="awaiting connect"):
        session.accept()
    with pytest.raises(ValueError, match="awaiting connect"):
        session.refuse(ConnectAnswer.NOT_AUTHORIZED)


def test_password_is_not_in_the_representation() -> None:
    assert "secret" not in repr(Connected(Connect("x", V5, user_name="u", password=b"secret")))


def test_authentication_data_is_not_in_the_representation() -> None:
    shown = repr(Properties(authentication_method="m", authentication_data=b"secret"))
    assert shown == "Properties(authentication_method='m', authentication_data='…')"


@pytest.mark.parametrize("window", [0, 65_536])
def test_window_that_packet_ids_cannot_fill_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match="window"):
        SessionLimits(receive_maximum=window)
    with pytest.raises(ValueError, match="window"):
        SessionLimits(send_window=window)
