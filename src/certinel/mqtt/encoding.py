"""Packets to bytes, for all packet types in both directions.

Well-formed values give well-formed packets; a value that does not fit its field is our own mistake: ``ValueError``.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import Any

from certinel.mqtt.fields import (
    MAX_VARIABLE_INTEGER,
    encode_binary,
    encode_text,
    encode_two_bytes,
    encode_variable_integer,
)
from certinel.mqtt.packets import (
    PROTOCOL_NAMES,
    Acknowledgement,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
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
    Subscription,
    Unsuback,
    Unsubscribe,
    Will,
)
from certinel.mqtt.properties import NO_PROPERTIES, Properties, encode_properties
from certinel.mqtt.reasons import ReasonCode

_V5 = ProtocolVersion.V5

_BARE_ANSWER = Struct("!BBH")

_FIRST_BYTE_OF_ANSWER: Mapping[type[Acknowledgement], int] = MappingProxyType(
    {
        Puback: PacketType.PUBACK << 4,
        Pubrec: PacketType.PUBREC << 4,
        Pubrel: PacketType.PUBREL << 4 | 0b0010,
        Pubcomp: PacketType.PUBCOMP << 4,
    }
)


def encode(packet: Packet, version: ProtocolVersion) -> bytes:
    """Encode one packet for a connection of that version."""
    return _ENCODERS[type(packet)](packet, version)


def bare_answer(kind: type[Acknowledgement], packet_id: int) -> bytes:
    """Encode an answer of success: four bytes that are the same in all versions (5.0, 3.4.2.1)."""
    return _BARE_ANSWER.pack(_FIRST_BYTE_OF_ANSWER[kind], 2, packet_id)


def _frame(first_byte: int, body: bytes) -> bytes:
    if len(body) > MAX_VARIABLE_INTEGER:
        raise ValueError("a packet is larger than MQTT allows")
    return bytes((first_byte,)) + encode_variable_integer(len(body)) + body


def _properties(properties: Properties, version: ProtocolVersion) -> bytes:
    return encode_properties(properties) if version == _V5 else b""


def _encode_connect(packet: Connect, version: ProtocolVersion) -> bytes:
    if version != packet.version:
        raise ValueError("a connect says its own version")
    will = packet.will
    flags = packet.clean_start << 1
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
    flags |= (packet.password is not None) << 6 | (packet.user_name is not None) << 7
    body = [
        encode_text(PROTOCOL_NAMES[version]),
        bytes((version, flags)),
        encode_two_bytes(packet.keep_alive),
        _properties(packet.properties, version),
        encode_text(packet.client_id),
        b"" if will is None else _encode_will(will, version),
        b"" if packet.user_name is None else encode_text(packet.user_name),
        b"" if packet.password is None else encode_binary(packet.password),
    ]
    return _frame(PacketType.CONNECT << 4, b"".join(body))


def _encode_will(will: Will, version: ProtocolVersion) -> bytes:
    return _properties(will.properties, version) + encode_text(will.topic) + encode_binary(will.payload)


def _encode_connack(packet: Connack, version: ProtocolVersion) -> bytes:
    return _frame(
        PacketType.CONNACK << 4,
        bytes((packet.session_present, packet.code)) + _properties(packet.properties, version),
    )


def _encode_publish(packet: Publish, version: ProtocolVersion) -> bytes:
    topic, payload, qos, retain, dup, packet_id, properties = packet
    if not 0 <= qos <= 2:  # noqa: PLR2004 the three levels of service (4.3)
        raise ValueError(f"there is no QoS {qos}")
    body = encode_text(topic)
    if qos:
        body += encode_two_bytes(packet_id or 0)  # 0: still to be chosen
    if version == _V5:
        body += encode_properties(properties)
    return _frame(PacketType.PUBLISH << 4 | dup << 3 | qos << 1 | retain, body + payload)


def _encode_answer(packet: Acknowledgement, version: ProtocolVersion) -> bytes:
    if version != _V5 or (packet.reason == ReasonCode.SUCCESS and packet.properties is NO_PROPERTIES):
        return bare_answer(type(packet), packet.packet_id)
    body = encode_two_bytes(packet.packet_id) + _encode_reason(packet.reason, packet.properties)
    return _frame(_FIRST_BYTE_OF_ANSWER[type(packet)], body)


def _encode_reason(reason: ReasonCode, properties: Properties) -> bytes:
    """Write a reason code and, unless there are none, properties, as the last fields of a packet of 5.0 (3.4.2.2)."""
    return bytes((reason,)) + (b"" if properties is NO_PROPERTIES else encode_properties(properties))


def _encode_subscribe(packet: Subscribe, version: ProtocolVersion) -> bytes:
    body = encode_two_bytes(packet.packet_id) + _properties(packet.properties, version)
    body += b"".join(encode_text(one.topic_filter) + _encode_options(one) for one in packet.subscriptions)
    return _frame(PacketType.SUBSCRIBE << 4 | 0b0010, body)


def _encode_options(wanted: Subscription) -> bytes:
    return bytes((wanted.qos | wanted.no_local << 2 | wanted.retain_as_published << 3 | wanted.retain_handling << 4,))


def _encode_suback(packet: Suback, version: ProtocolVersion) -> bytes:
    body = encode_two_bytes(packet.packet_id) + _properties(packet.properties, version) + bytes(packet.codes)
    return _frame(PacketType.SUBACK << 4, body)


def _encode_unsubscribe(packet: Unsubscribe, version: ProtocolVersion) -> bytes:
    body = encode_two_bytes(packet.packet_id) + _properties(packet.properties, version)
    body += b"".join(encode_text(one) for one in packet.filters)
    return _frame(PacketType.UNSUBSCRIBE << 4 | 0b0010, body)


def _encode_unsuback(packet: Unsuback, version: ProtocolVersion) -> bytes:
    body = encode_two_bytes(packet.packet_id)
    if version == _V5:
        body += encode_properties(packet.properties) + bytes(packet.codes)
    return _frame(PacketType.UNSUBACK << 4, body)


def _encode_pingreq(packet: Pingreq, version: ProtocolVersion) -> bytes:  # noqa: ARG001 one signature for all
    return b"\xc0\x00"


def _encode_pingresp(packet: Pingresp, version: ProtocolVersion) -> bytes:  # noqa: ARG001 one signature for all
    return b"\xd0\x00"


def _encode_disconnect(packet: Disconnect, version: ProtocolVersion) -> bytes:
    is_bare = version != _V5 or (packet.reason == ReasonCode.SUCCESS and packet.properties is NO_PROPERTIES)
    return _frame(PacketType.DISCONNECT << 4, b"" if is_bare else _encode_reason(packet.reason, packet.properties))


def _encode_auth(packet: Auth, version: ProtocolVersion) -> bytes:
    if version != _V5:
        raise ValueError("there is no AUTH before MQTT 5.0")
    is_bare = packet.reason == ReasonCode.SUCCESS and packet.properties is NO_PROPERTIES
    return _frame(PacketType.AUTH << 4, b"" if is_bare else _encode_reason(packet.reason, packet.properties))


_ENCODERS: Mapping[type[Packet], Callable[[Any, ProtocolVersion], bytes]] = MappingProxyType(
    {
        Connect: _encode_connect,
        Connack: _encode_connack,
        Publish: _encode_publish,
        Puback: _encode_answer,
        Pubrec: _encode_answer,
        Pubrel: _encode_answer,
        Pubcomp: _encode_answer,
        Subscribe: _encode_subscribe,
        Suback: _encode_suback,
        Unsubscribe: _encode_unsubscribe,
        Unsuback: _encode_unsuback,
        Pingreq: _encode_pingreq,
        Pingresp: _encode_pingresp,
        Disconnect: _encode_disconnect,
        Auth: _encode_auth,
    }
)
