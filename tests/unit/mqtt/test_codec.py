"""Packets and bytes, both ways."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.mqtt import MqttError, Properties, ProtocolVersion, ReasonCode
from certinel.mqtt.decoding import decode
from certinel.mqtt.encoding import encode
from certinel.mqtt.framing import FrameBuffer
from certinel.mqtt.packets import (
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from support.mqtt_client import V3_1, V3_1_1, V5, packets_in
from support.mqtt_packets import packets

VECTORS = [
    # The examples that the standards print, and one of each packet besides
    (
        V3_1_1,
        "10 23 0004 4d515454 04 ce 000a 0005 6964656e74 0001 77 0002 6279 0004 75736572 0003 707764",
        Connect("ident", V3_1_1, keep_alive=10, will=Will("w", b"by", 1), user_name="user", password=b"pwd"),
    ),  # the flags of figure 3.6
    (V3_1, "10 0f 0006 4d5149736470 03 02 000a 0001 61", Connect("a", V3_1, keep_alive=10)),
    (V5, "10 0e 0004 4d515454 05 02 000a 00 0001 61", Connect("a", V5, keep_alive=10)),
    (
        V5,
        "10 13 0004 4d515454 05 02 000a 05 11 0000000a 0001 61",
        Connect("a", V5, keep_alive=10, properties=Properties(session_expiry_interval=10)),
    ),  # figure 3-6
    (V5, "10 11 0004 4d515454 05 40 000a 00 0001 61 0001 70", Connect("a", V5, False, 10, password=b"p")),
    (V3_1_1, "20 02 01 00", Connack(session_present=True, code=0)),
    (V5, "20 03 00 87 00", Connack(session_present=False, code=0x87)),
    (V3_1_1, "32 07 0003 612f62 000a", Publish("a/b", b"", 1, packet_id=10)),  # figure 3.11
    (V5, "30 06 0003 612f62 00", Publish("a/b", b"")),
    (V5, "3d 0a 0003 612f62 000a 00 7879", Publish("a/b", b"xy", 2, True, True, 10)),
    (V5, "30 08 0003 612f62 02 01 01", Publish("a/b", b"", properties=Properties(payload_format_indicator=1))),
    (V3_1_1, "40 02 000a", Puback(10)),
    (V5, "40 03 000a 10", Puback(10, ReasonCode.NO_MATCHING_SUBSCRIBERS)),
    (V3_1_1, "50 02 000a", Pubrec(10)),
    (V3_1_1, "62 02 000a", Pubrel(10)),
    (V3_1_1, "70 02 000a", Pubcomp(10)),
    (V5, "70 03 000a 92", Pubcomp(10, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)),
    (
        V3_1_1,
        "82 0e 000a 0003 612f62 01 0003 632f64 02",
        Subscribe(10, (Subscription("a/b", 1), Subscription("c/d", 2))),
    ),  # figure 3.23
    (V5, "82 09 000a 00 0003 612f62 2d", Subscribe(10, (Subscription("a/b", 1, True, True, 2),))),
    (V3_1_1, "90 05 000a 00 02 80", Suback(10, (0, 2, 0x80))),  # figure 3.26
    (V3_1_1, "a2 0c 000a 0003 612f62 0003 632f64", Unsubscribe(10, ("a/b", "c/d"))),  # figure 3.30
    (V3_1_1, "b0 02 000a", Unsuback(10)),
    (V5, "b0 05 000a 00 00 11", Unsuback(10, (0, 0x11))),
    (V3_1_1, "c0 00", Pingreq()),
    (V3_1_1, "d0 00", Pingresp()),
    (V3_1_1, "e0 00", Disconnect()),
    (V5, "e0 01 04", Disconnect(ReasonCode.DISCONNECT_WITH_WILL)),
    (V5, "f0 00", Auth()),
]


@pytest.mark.parametrize(("version", "hexadecimal", "packet"), VECTORS)
def test_packet_has_these_bytes(version: ProtocolVersion, hexadecimal: str, packet: Packet) -> None:
    assert encode(packet, version) == bytes.fromhex(hexadecimal)
    assert packets_in(bytes.fromhex(hexadecimal), version) == [packet]


@pytest.mark.parametrize(
    ("hexadecimal", "packet"),
    [
        ("40 03 0001 00", Puback(1)),  # 3.4.2.1
        ("40 04 0001 00 00", Puback(1)),
        ("62 04 0001 92 00", Pubrel(1, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)),
        ("e0 02 04 00", Disconnect(ReasonCode.DISCONNECT_WITH_WILL)),  # 3.14.2.2
        ("f0 02 19 00", Auth(ReasonCode.RE_AUTHENTICATE)),
    ],
)
def test_longer_form_of_v5_means_the_same(hexadecimal: str, packet: Packet) -> None:
    assert packets_in(bytes.fromhex(hexadecimal), V5) == [packet]


@pytest.mark.parametrize(
    ("hexadecimal", "packet"),
    [
        # "Connect": a flag that promises a user name or password that the remaining length has no room for
        ("10 0f 0006 4d5149736470 03 c2 000a 0001 61", Connect("a", V3_1, keep_alive=10)),
        ("10 12 0006 4d5149736470 03 c2 000a 0001 61 0001 75", Connect("a", V3_1, keep_alive=10, user_name="u")),
        # "Connect": the reserved bit, and the flags of a will that is not there
        ("10 0f 0006 4d5149736470 03 33 000a 0001 61", Connect("a", V3_1, keep_alive=10)),
        # 2.1: the DUP flag
        ("6a 02 0001", Pubrel(1)),
        ("8a 06 0001 0001 61 01", Subscribe(1, (Subscription("a", 1),))),
        ("aa 05 0001 0001 61", Unsubscribe(1, ("a",))),
        # "Subscribe": the unused bits of the requested QoS
        ("82 06 0001 0001 61 fd", Subscribe(1, (Subscription("a", 1),))),
        # "Connack": the reserved byte
        ("20 02 ff 00", Connack(session_present=True, code=0)),
    ],
)
def test_what_3_1_leaves_open_is_accepted_from_its_clients(hexadecimal: str, packet: Packet) -> None:
    assert packets_in(bytes.fromhex(hexadecimal), V3_1) == [packet]


@pytest.mark.parametrize(
    ("version", "hexadecimal"),
    [
        (V3_1_1, "20 02 02 00"),  # 3.2.2.1
        (V5, "20 03 00 01 00"),  # 3.2.2.2
        (V3_1_1, "90 02 0001"),  # 3.9.3
        (V3_1_1, "90 03 0001 03"),
        (V5, "90 04 0001 00 05"),
        (V5, "b0 03 0001 00"),  # 3.11.3
        (V5, "b0 04 0001 00 01"),
        (V3_1_1, "b0 03 0001 00"),
        (V3_1_1, "d0 01 00"),
        (V5, "f0 01 04"),  # 3.15.2.1
    ],
)
def test_faulty_packet_of_a_server_is_refused(version: ProtocolVersion, hexadecimal: str) -> None:
    with pytest.raises(MqttError):
        packets_in(bytes.fromhex(hexadecimal), version)


@pytest.mark.parametrize("version", list(ProtocolVersion))
@given(data=st.data())
def test_every_packet_comes_back_from_its_bytes(version: ProtocolVersion, data: st.DataObject) -> None:
    packet = data.draw(packets(version))
    assert packets_in(encode(packet, version), version) == [packet]


@given(st.integers(0, 255), st.binary(max_size=60), st.sampled_from(ProtocolVersion))
def test_arbitrary_bytes_raise_nothing_but_our_errors(first: int, body: bytes, version: ProtocolVersion) -> None:
    with suppress(MqttError):
        decode(first, body, version)


@given(st.data(), st.sampled_from(ProtocolVersion))
def test_damaged_packets_raise_nothing_but_our_errors(data: st.DataObject, version: ProtocolVersion) -> None:
    frame = encode(data.draw(packets(version)), version)
    damaged = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    frames = FrameBuffer(16_184)
    frames.feed(bytes(damaged))
    with suppress(MqttError):
        while (found := frames.next_frame()) is not None:
            decode(*found, version)


@given(st.data(), st.sampled_from(ProtocolVersion))
def test_what_is_decoded_from_arbitrary_bytes_can_be_encoded_again(
    data: st.DataObject, version: ProtocolVersion
) -> None:
    first, body = data.draw(st.integers(0, 255)), data.draw(st.binary(max_size=24))
    try:
        packet = decode(first, body, version)
    except MqttError:
        return
    assert packets_in(encode(packet, version), version) == [packet]


@pytest.mark.parametrize(
    ("packet", "version"),
    [
        (Publish("a" * 65_536, b""), V3_1_1),
        (Publish("a\0", b""), V3_1_1),
        (Publish("a", b"", 3), V3_1_1),
        (Publish("a", b"", 1, packet_id=65_536), V3_1_1),
        (Connect("a", V5), V3_1_1),
        (Connect("a", V3_1_1, keep_alive=65_536), V3_1_1),
        (Connect("a", V5, properties=Properties(session_expiry_interval=1 << 32)), V5),
        (Subscribe(1, (Subscription("a"),), Properties(subscription_identifiers=(268_435_456,))), V5),
        (Auth(), V3_1_1),
    ],
)
def test_value_that_does_not_fit_is_a_mistake_of_ours(packet: Packet, version: ProtocolVersion) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(packet, version)
