"""Every way to break the rules has its reason code; the cases are in ``vectors/mqtt/refused.txt``."""

from pathlib import Path

import pytest

from certinel.mqtt import MqttError, Phase, ProtocolFailed, ProtocolVersion, ServerSession
from certinel.mqtt.packets import Connack, Disconnect
from support.mqtt_client import V3_1, V3_1_1, V5, accepted, packets_in

VECTORS = Path(__file__).parents[2] / "vectors" / "mqtt" / "refused.txt"
VERSIONS = {"3.1": (V3_1,), "3.1.1": (V3_1_1,), "5.0": (V5,), "3.1,3.1.1": (V3_1, V3_1_1), "any": (V3_1, V3_1_1, V5)}


def rows() -> list[object]:
    cases: list[object] = []
    for line in VECTORS.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        versions, section, packet, reason, why = (column.strip() for column in line.split("|"))
        cases.extend(
            pytest.param(version, bytes.fromhex(packet), reason, id=f"{version.name}-{section}-{why}")
            for version in VERSIONS[versions]
        )
    return cases


def session_for(packet: bytes, version: ProtocolVersion) -> ServerSession:
    return ServerSession() if packet[0] == 0x10 else accepted(version)


def failure(session: ServerSession, packet: bytes) -> MqttError:
    (event,) = session.receive(packet)
    assert isinstance(event, ProtocolFailed)
    return event.error


@pytest.mark.parametrize(("version", "packet", "reason"), rows())
def test_packet_ends_the_conversation_with_its_reason(version: ProtocolVersion, packet: bytes, reason: str) -> None:
    session = session_for(packet, version)
    error = failure(session, packet)

    assert reason == "*" or error.reason == int(reason, 16)
    assert session.phase is Phase.CLOSED
    assert session.receive(b"\xc0\x00") == []


@pytest.mark.parametrize(("version", "packet", "reason"), rows())
def test_client_of_v5_is_told_the_reason_and_others_nothing(
    version: ProtocolVersion, packet: bytes, reason: str
) -> None:
    session = session_for(packet, version)
    error = failure(session, packet)
    output = session.take_output()

    if session.version is not V5:
        assert output == b""
        return
    (answer,) = packets_in(output, V5)
    match answer:
        case Connack():
            assert packet[0] == 0x10
            assert answer.code == error.reason
        case Disconnect():
            assert answer.reason == error.reason
        case _:
            pytest.fail(f"unexpected {answer}")
    assert answer.properties.reason_string == str(error)
