"""Bytes to packets, for all packet types in both directions.

Each decoder takes the lower half of the first byte, the body and the version, and raises only ``MqttError``.
Rules that need to know what was sent before, such as which packet id is free, belong to the session.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from certinel.mqtt.errors import MalformedPacketError, ProtocolViolationError, UnsupportedVersionError
from certinel.mqtt.fields import FieldReader, well_formed
from certinel.mqtt.packets import (
    PROTOCOL_NAMES,
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
from certinel.mqtt.properties import NO_PROPERTIES, Place, Properties, decode_properties
from certinel.mqtt.reasons import ReasonCode
from certinel.mqtt.topics import check_shared_filter, check_topic_filter, check_topic_name, is_shared

_V3_1 = ProtocolVersion.V3_1
_V5 = ProtocolVersion.V5
_MAX_QOS = 2

# The bits of the connect flags (3.1.2.3)
_RESERVED = 0x01
_CLEAN = 0x02
_WILL = 0x04
_WILL_QOS_SHIFT = 3
_WILL_RETAIN = 0x20
_PASSWORD = 0x40
_USER_NAME = 0x80


def decode(first_byte: int, body: bytes, version: ProtocolVersion) -> Packet:
    """Decode one packet; a CONNECT says its version itself."""
    decoder = _DECODERS.get(first_byte >> 4)
    if decoder is None:
        raise MalformedPacketError("packet type 0 is reserved")
    return decoder(first_byte & 0x0F, body, version)


def decode_version(reader: FieldReader) -> ProtocolVersion:
    """Read the protocol name and level of a CONNECT, which tell how to read the rest (3.1.2.1, 3.1.2.2)."""
    name, level = reader.binary(), reader.byte()
    for version, known in PROTOCOL_NAMES.items():
        if level == version and name == known.encode():
            return version
    raise UnsupportedVersionError(level)


def decode_connect(reader: FieldReader, version: ProtocolVersion) -> Connect:
    """Read a CONNECT from its connect flags on (3.1)."""
    flags = reader.byte()
    _check_connect_flags(flags, version)
    keep_alive = reader.two_bytes()
    properties = decode_properties(reader, Place.CONNECT) if version == _V5 else NO_PROPERTIES
    if properties.authentication_data is not None and properties.authentication_method is None:
        raise ProtocolViolationError("authentication data without an authentication method")  # 5.0, 3.1.2.11.10
    client_id = reader.text()
    will = _decode_will(flags, reader, version) if flags & _WILL else None
    # 3.1, "Connect": the remaining length takes precedence over these two flags
    is_missing_tolerated = version == _V3_1
    user_name = reader.text() if flags & _USER_NAME and not (is_missing_tolerated and reader.is_at_end) else None
    password = reader.binary() if flags & _PASSWORD and not (is_missing_tolerated and reader.is_at_end) else None
    _check_end(reader)
    return Connect(client_id, version, bool(flags & _CLEAN), keep_alive, will, user_name, password, properties)


def decode_publish(flags: int, body: bytes, version: ProtocolVersion) -> Publish:
    """Read a PUBLISH (3.3). Spelled out instead of using a reader: this is the hot path."""
    qos = flags >> 1 & 0b11
    dup = flags & 0b1000 != 0
    if qos > _MAX_QOS:
        raise MalformedPacketError("a publish has QoS 3")
    if dup and not qos:
        raise MalformedPacketError("a publish of QoS 0 says that it is a duplicate")
    position = 2 + int.from_bytes(body[:2], "big")
    end_of_ids = position + 2 if qos else position
    if len(body) < end_of_ids:
        raise MalformedPacketError("a packet ends within a field")
    topic = well_formed(body[2:position])
    packet_id = None
    if qos:
        packet_id = int.from_bytes(body[position:end_of_ids], "big")
        if not packet_id:
            raise ProtocolViolationError("a packet id is 0")
    if version != _V5:
        check_topic_name(topic)
        return Publish(topic, body[end_of_ids:], qos, flags & 1 == 1, dup, packet_id)
    if body[end_of_ids : end_of_ids + 1] == b"\0":  # no properties, as nearly always
        check_topic_name(topic)
        return Publish(topic, body[end_of_ids + 1 :], qos, flags & 1 == 1, dup, packet_id)
    reader = FieldReader(body, end_of_ids)
    properties = decode_properties(reader, Place.PUBLISH)
    if topic or properties.topic_alias is None:
        check_topic_name(topic)
    if properties.response_topic is not None:
        check_topic_name(properties.response_topic)  # 5.0, 3.3.2.3.5
    return Publish(topic, reader.rest(), qos, flags & 1 == 1, dup, packet_id, properties)


def _check_connect_flags(flags: int, version: ProtocolVersion) -> None:
    if flags >> _WILL_QOS_SHIFT & 0b11 > _MAX_QOS:
        raise MalformedPacketError("a will has QoS 3")
    if version == _V3_1:
        # 3.1, "Connect": the reserved bit is unused, and without a will its other flags are ignored
        is_wrong = bool(flags & _PASSWORD and not flags & _USER_NAME)
    else:
        is_wrong = bool(
            flags & _RESERVED
            or (not flags & _WILL and flags & (_WILL_RETAIN | 0b11 << _WILL_QOS_SHIFT))
            or (version != _V5 and flags & _PASSWORD and not flags & _USER_NAME)
        )
    if is_wrong:
        raise MalformedPacketError("the connect flags contradict each other")


def _decode_will(flags: int, reader: FieldReader, version: ProtocolVersion) -> Will:
    properties = decode_properties(reader, Place.WILL) if version == _V5 else NO_PROPERTIES
    topic = reader.text()
    check_topic_name(topic)
    if properties.response_topic is not None:
        check_topic_name(properties.response_topic)
    return Will(topic, reader.binary(), flags >> _WILL_QOS_SHIFT & 0b11, bool(flags & _WILL_RETAIN), properties)


def _decode_whole_connect(flags: int, body: bytes, version: ProtocolVersion) -> Connect:  # noqa: ARG001 it says its own
    _check_flags(flags, 0)
    reader = FieldReader(body)
    return decode_connect(reader, decode_version(reader))


def _decode_connack(flags: int, body: bytes, version: ProtocolVersion) -> Connack:
    _check_flags(flags, 0)
    reader = FieldReader(body)
    acknowledge_flags, code = reader.byte(), reader.byte()
    if acknowledge_flags > 1 and version != _V3_1:
        raise MalformedPacketError("reserved bits are set in the acknowledge flags")
    if version == _V5:
        code = _reason(code, PacketType.CONNACK)
    properties = decode_properties(reader, Place.CONNACK) if version == _V5 else NO_PROPERTIES
    _check_end(reader)
    return Connack(acknowledge_flags & 1 == 1, code, properties)


_Answer = TypeVar("_Answer", Puback, Pubrec, Pubrel, Pubcomp)


def _decode_answer(kind: type[_Answer], packet_type: PacketType, body: bytes, version: ProtocolVersion) -> _Answer:
    """Read one of the four answers to a publish; 5.0 may leave out reason code and properties (3.4.2.1)."""
    reader = FieldReader(body)
    packet_id = _packet_id(reader)
    if version != _V5 or reader.is_at_end:
        _check_end(reader)
        return kind(packet_id)
    reason = _reason(reader.byte(), packet_type)
    return kind(packet_id, reason, _trailing_properties(reader, Place(packet_type)))


def _decode_puback(flags: int, body: bytes, version: ProtocolVersion) -> Puback:
    _check_flags(flags, 0)
    return _decode_answer(Puback, PacketType.PUBACK, body, version)


def _decode_pubrec(flags: int, body: bytes, version: ProtocolVersion) -> Pubrec:
    _check_flags(flags, 0)
    return _decode_answer(Pubrec, PacketType.PUBREC, body, version)


def _decode_pubrel(flags: int, body: bytes, version: ProtocolVersion) -> Pubrel:
    _check_request_flags(flags, version)
    return _decode_answer(Pubrel, PacketType.PUBREL, body, version)


def _decode_pubcomp(flags: int, body: bytes, version: ProtocolVersion) -> Pubcomp:
    _check_flags(flags, 0)
    return _decode_answer(Pubcomp, PacketType.PUBCOMP, body, version)


def _decode_subscribe(flags: int, body: bytes, version: ProtocolVersion) -> Subscribe:
    _check_request_flags(flags, version)
    reader = FieldReader(body)
    packet_id = _packet_id(reader)
    properties = decode_properties(reader, Place.SUBSCRIBE) if version == _V5 else NO_PROPERTIES
    subscriptions = []
    while not reader.is_at_end:
        subscriptions.append(_decode_subscription(reader.text(), reader.byte(), version))
    if not subscriptions:
        raise ProtocolViolationError("a subscribe names no topic filter")
    return Subscribe(packet_id, tuple(subscriptions), properties)


def _decode_subscription(topic_filter: str, options: int, version: ProtocolVersion) -> Subscription:
    """Read one filter with its options (3.8.3.1); before 5.0 they hold nothing but the QoS."""
    check_topic_filter(topic_filter)
    if version == _V3_1:
        options &= 0b11  # 3.1, "Subscribe": the upper bits are not used
    reserved = 0b1100_0000 if version == _V5 else 0b1111_1100
    qos, retain_handling = options & 0b11, options >> 4 & 0b11
    if options & reserved or qos > _MAX_QOS:
        raise MalformedPacketError("subscription options are malformed")
    if retain_handling > 2:  # noqa: PLR2004 the three ways of 3.8.3.1
        raise ProtocolViolationError("retain handling is 3")
    no_local = bool(options & 0b100)
    if version == _V5 and is_shared(topic_filter):
        check_shared_filter(topic_filter)
        if no_local:
            raise ProtocolViolationError("no local is set on a shared subscription")
    return Subscription(topic_filter, qos, no_local, bool(options & 0b1000), retain_handling)


def _decode_suback(flags: int, body: bytes, version: ProtocolVersion) -> Suback:
    _check_flags(flags, 0)
    reader = FieldReader(body)
    packet_id = _packet_id(reader)
    properties = decode_properties(reader, Place.SUBACK) if version == _V5 else NO_PROPERTIES
    codes = tuple(reader.rest())
    allowed = _REASONS[PacketType.SUBACK] if version == _V5 else _SUBACK_RETURN_CODES
    if not codes or not allowed.issuperset(codes):
        raise MalformedPacketError("a suback has no codes or unknown ones")
    return Suback(packet_id, codes, properties)


def _decode_unsubscribe(flags: int, body: bytes, version: ProtocolVersion) -> Unsubscribe:
    _check_request_flags(flags, version)
    reader = FieldReader(body)
    packet_id = _packet_id(reader)
    properties = decode_properties(reader, Place.UNSUBSCRIBE) if version == _V5 else NO_PROPERTIES
    filters = []
    while not reader.is_at_end:
        filters.append(reader.text())
        check_topic_filter(filters[-1])
    if not filters:
        raise ProtocolViolationError("an unsubscribe names no topic filter")
    return Unsubscribe(packet_id, tuple(filters), properties)


def _decode_unsuback(flags: int, body: bytes, version: ProtocolVersion) -> Unsuback:
    _check_flags(flags, 0)
    reader = FieldReader(body)
    packet_id = _packet_id(reader)
    if version != _V5:
        _check_end(reader)
        return Unsuback(packet_id)
    properties = decode_properties(reader, Place.UNSUBACK)
    codes = tuple(reader.rest())
    if not codes or not _REASONS[PacketType.UNSUBACK].issuperset(codes):
        raise MalformedPacketError("an unsuback has no codes or unknown ones")
    return Unsuback(packet_id, codes, properties)


def _decode_pingreq(flags: int, body: bytes, version: ProtocolVersion) -> Pingreq:  # noqa: ARG001 one signature for all
    _check_flags(flags, 0)
    _check_end(FieldReader(body))
    return Pingreq()


def _decode_pingresp(flags: int, body: bytes, version: ProtocolVersion) -> Pingresp:  # noqa: ARG001 one signature for all
    _check_flags(flags, 0)
    _check_end(FieldReader(body))
    return Pingresp()


def _decode_disconnect(flags: int, body: bytes, version: ProtocolVersion) -> Disconnect:
    _check_flags(flags, 0)
    reader = FieldReader(body)
    if version != _V5 or reader.is_at_end:
        _check_end(reader)
        return Disconnect()
    reason = _reason(reader.byte(), PacketType.DISCONNECT)
    return Disconnect(reason, _trailing_properties(reader, Place.DISCONNECT))


def _decode_auth(flags: int, body: bytes, version: ProtocolVersion) -> Auth:
    _check_flags(flags, 0)
    if version != _V5:
        raise MalformedPacketError("packet type 15 is reserved")
    reader = FieldReader(body)
    if reader.is_at_end:
        return Auth()
    reason = _reason(reader.byte(), PacketType.AUTH)
    return Auth(reason, _trailing_properties(reader, Place.AUTH))


def _check_flags(flags: int, required: int) -> None:
    """Refuse reserved flags with another value than the table of 2.2.2 gives."""
    if flags != required:
        raise MalformedPacketError("reserved flags of the fixed header are wrong")


def _check_request_flags(flags: int, version: ProtocolVersion) -> None:
    """As above for PUBREL, SUBSCRIBE and UNSUBSCRIBE, which 3.1 lets a client repeat with the DUP flag (3.1, 2.1)."""
    _check_flags(flags & 0b0111 if version == _V3_1 else flags, 0b0010)


def _check_end(reader: FieldReader) -> None:
    if not reader.is_at_end:
        raise MalformedPacketError("a packet goes on after its last field")


def _packet_id(reader: FieldReader) -> int:
    packet_id = reader.two_bytes()
    if not packet_id:
        raise ProtocolViolationError("a packet id is 0")  # 3.1.1, 2.3.1; 5.0, 2.2.1
    return packet_id


def _trailing_properties(reader: FieldReader, place: Place) -> Properties:
    """Read properties that may be left out altogether when they are the last field (5.0, 3.4.2.2)."""
    properties = NO_PROPERTIES if reader.is_at_end else decode_properties(reader, place)
    _check_end(reader)
    return properties


def _reason(code: int, packet_type: PacketType) -> ReasonCode:
    if code not in _REASONS[packet_type]:
        raise MalformedPacketError("a reason code is not one of this packet's")
    return ReasonCode(code)


_SUBACK_RETURN_CODES = frozenset({0x00, 0x01, 0x02, 0x80})
_PUBLISH_REASONS = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_RELEASE_REASONS = frozenset({0x00, 0x92})

_REASONS: Mapping[PacketType, frozenset[int]] = MappingProxyType(
    {
        PacketType.CONNACK: frozenset({0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F}),
        PacketType.PUBACK: _PUBLISH_REASONS,
        PacketType.PUBREC: _PUBLISH_REASONS,
        PacketType.PUBREL: _RELEASE_REASONS,
        PacketType.PUBCOMP: _RELEASE_REASONS,
        PacketType.SUBACK: frozenset({0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}),
        PacketType.UNSUBACK: frozenset({0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}),
        PacketType.DISCONNECT: frozenset(
            {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, *range(0x8D, 0x91), *range(0x93, 0xA3)}
        ),
        PacketType.AUTH: frozenset({0x00, 0x18, 0x19}),
    }
)
"""Which reason codes each packet may carry (MQTT 5.0, 2.4)."""

_DECODERS: Mapping[int, Callable[[int, bytes, ProtocolVersion], Packet]] = MappingProxyType(
    {
        PacketType.CONNECT: _decode_whole_connect,
        PacketType.CONNACK: _decode_connack,
        PacketType.PUBLISH: decode_publish,
        PacketType.PUBACK: _decode_puback,
        PacketType.PUBREC: _decode_pubrec,
        PacketType.PUBREL: _decode_pubrel,
        PacketType.PUBCOMP: _decode_pubcomp,
        PacketType.SUBSCRIBE: _decode_subscribe,
        PacketType.SUBACK: _decode_suback,
        PacketType.UNSUBSCRIBE: _decode_unsubscribe,
        PacketType.UNSUBACK: _decode_unsuback,
        PacketType.PINGREQ: _decode_pingreq,
        PacketType.PINGRESP: _decode_pingresp,
        PacketType.DISCONNECT: _decode_disconnect,
        PacketType.AUTH: _decode_auth,
    }
)
