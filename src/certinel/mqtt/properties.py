"""The properties of MQTT 5.0 packets (2.2.2): one table says what each is, where it may stand and what it may be."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any

from typing_extensions import override

from certinel.mqtt.errors import MalformedPacketError, ProtocolViolationError
from certinel.mqtt.fields import (
    MAX_VARIABLE_INTEGER,
    FieldReader,
    encode_binary,
    encode_four_bytes,
    encode_text,
    encode_two_bytes,
    encode_variable_integer,
)


class Place(IntEnum):
    """Where properties stand: the control packet types (2.1.2), and the will inside CONNECT."""

    WILL = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Properties:
    """All properties of one packet; ``None`` is a property that was not sent."""

    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifiers_available: int | None = None
    shared_subscription_available: int | None = None

    @override
    def __repr__(self) -> str:
        """Show what was sent, not the twenty-odd properties that were not; authentication data is a secret."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        if self.authentication_data is not None:
            shown["authentication_data"] = "…"
        return (
            f"Properties({', '.join(f'{name}={value!r}' for name, value in shown.items() if value not in (None, ()))})"
        )


NO_PROPERTIES = Properties()
"""Shared by all packets without properties, which are nearly all."""


def _encode_byte(value: int) -> bytes:
    return bytes((value,))


def _read_pair(reader: FieldReader) -> tuple[str, str]:
    return reader.text(), reader.text()


def _encode_pair(pair: tuple[str, str]) -> bytes:
    return encode_text(pair[0]) + encode_text(pair[1])


class Kind(Enum):
    """The data types of properties (2.2.2.2): how each is read and written."""

    BYTE = (FieldReader.byte, _encode_byte)
    TWO_BYTES = (FieldReader.two_bytes, encode_two_bytes)
    FOUR_BYTES = (FieldReader.four_bytes, encode_four_bytes)
    VARIABLE = (FieldReader.variable_integer, encode_variable_integer)
    TEXT = (FieldReader.text, encode_text)
    BINARY = (FieldReader.binary, encode_binary)
    PAIR = (_read_pair, _encode_pair)

    def __init__(self, read: Callable[[FieldReader], Any], encode: Callable[[Any], bytes]) -> None:
        self.read = read
        self.encode = encode


@dataclass(frozen=True, slots=True)
class PropertyRule:
    """One row of the table of properties."""

    identifier: int
    name: str
    kind: Kind
    places: frozenset[Place]
    allowed: range | None = None
    """The values the property's own section allows; others are a protocol error."""
    repeats_in: frozenset[Place] = frozenset()
    """Where it may stand more than once; the field is then a tuple."""
    is_many: bool = False

    def __post_init__(self) -> None:
        assert self.name in Properties.__dataclass_fields__  # noqa: S101 the table below is checked once, on import


def _at(*places: Place) -> frozenset[Place]:
    return frozenset(places)


_P = Place
_MESSAGE = _at(_P.PUBLISH, _P.WILL)
_ANSWERS = _at(_P.CONNACK, _P.PUBACK, _P.PUBREC, _P.PUBREL, _P.PUBCOMP, _P.SUBACK, _P.UNSUBACK, _P.DISCONNECT, _P.AUTH)
_HANDSHAKE = _at(_P.CONNECT, _P.CONNACK, _P.AUTH)
_EVERYWHERE = frozenset(Place)
_FLAG = range(2)
_NOT_ZERO = range(1, 1 << 32)

PROPERTY_RULES: tuple[PropertyRule, ...] = (
    PropertyRule(0x01, "payload_format_indicator", Kind.BYTE, _MESSAGE, _FLAG),  # 3.3.2.3.2
    PropertyRule(0x02, "message_expiry_interval", Kind.FOUR_BYTES, _MESSAGE),  # 3.3.2.3.3
    PropertyRule(0x03, "content_type", Kind.TEXT, _MESSAGE),  # 3.3.2.3.9
    PropertyRule(0x08, "response_topic", Kind.TEXT, _MESSAGE),  # 3.3.2.3.5
    PropertyRule(0x09, "correlation_data", Kind.BINARY, _MESSAGE),  # 3.3.2.3.6
    PropertyRule(
        0x0B,
        "subscription_identifiers",
        Kind.VARIABLE,
        _at(_P.PUBLISH, _P.SUBSCRIBE),
        range(1, MAX_VARIABLE_INTEGER + 1),
        repeats_in=_at(_P.PUBLISH),
        is_many=True,
    ),  # 3.3.2.3.8, 3.8.2.1.2
    PropertyRule(0x11, "session_expiry_interval", Kind.FOUR_BYTES, _at(_P.CONNECT, _P.CONNACK, _P.DISCONNECT)),
    PropertyRule(0x12, "assigned_client_identifier", Kind.TEXT, _at(_P.CONNACK)),  # 3.2.2.3.7
    PropertyRule(0x13, "server_keep_alive", Kind.TWO_BYTES, _at(_P.CONNACK)),  # 3.2.2.3.14
    PropertyRule(0x15, "authentication_method", Kind.TEXT, _HANDSHAKE),  # 3.1.2.11.9
    PropertyRule(0x16, "authentication_data", Kind.BINARY, _HANDSHAKE),  # 3.1.2.11.10
    PropertyRule(0x17, "request_problem_information", Kind.BYTE, _at(_P.CONNECT), _FLAG),  # 3.1.2.11.7
    PropertyRule(0x18, "will_delay_interval", Kind.FOUR_BYTES, _at(_P.WILL)),  # 3.1.3.2.2
    PropertyRule(0x19, "request_response_information", Kind.BYTE, _at(_P.CONNECT), _FLAG),  # 3.1.2.11.6
    PropertyRule(0x1A, "response_information", Kind.TEXT, _at(_P.CONNACK)),  # 3.2.2.3.15
    PropertyRule(0x1C, "server_reference", Kind.TEXT, _at(_P.CONNACK, _P.DISCONNECT)),  # 3.2.2.3.16
    PropertyRule(0x1F, "reason_string", Kind.TEXT, _ANSWERS),  # 3.2.2.3.9
    PropertyRule(0x21, "receive_maximum", Kind.TWO_BYTES, _at(_P.CONNECT, _P.CONNACK), _NOT_ZERO),  # 3.1.2.11.3
    PropertyRule(0x22, "topic_alias_maximum", Kind.TWO_BYTES, _at(_P.CONNECT, _P.CONNACK)),  # 3.1.2.11.5
    PropertyRule(0x23, "topic_alias", Kind.TWO_BYTES, _at(_P.PUBLISH)),  # 3.3.2.3.4; its values: the session
    PropertyRule(0x24, "maximum_qos", Kind.BYTE, _at(_P.CONNACK), _FLAG),  # 3.2.2.3.4
    PropertyRule(0x25, "retain_available", Kind.BYTE, _at(_P.CONNACK), _FLAG),  # 3.2.2.3.5
    PropertyRule(0x26, "user_properties", Kind.PAIR, _EVERYWHERE, repeats_in=_EVERYWHERE, is_many=True),
    PropertyRule(0x27, "maximum_packet_size", Kind.FOUR_BYTES, _at(_P.CONNECT, _P.CONNACK), _NOT_ZERO),  # 3.1.2.11.4
    PropertyRule(0x28, "wildcard_subscription_available", Kind.BYTE, _at(_P.CONNACK), _FLAG),  # 3.2.2.3.11
    PropertyRule(0x29, "subscription_identifiers_available", Kind.BYTE, _at(_P.CONNACK), _FLAG),  # 3.2.2.3.12
    PropertyRule(0x2A, "shared_subscription_available", Kind.BYTE, _at(_P.CONNACK), _FLAG),  # 3.2.2.3.13
)

_MANY = tuple(rule for rule in PROPERTY_RULES if rule.is_many)
_RULE_OF: Mapping[int, PropertyRule] = MappingProxyType({rule.identifier: rule for rule in PROPERTY_RULES})


def decode_properties(reader: FieldReader, place: Place) -> Properties:
    """Read the properties that stand at ``place``, with their length before them.

    A property that is unknown or belongs elsewhere is malformed (2.2.2.2); one that is given twice or has a value its
    section does not allow is a protocol error. What several properties mean together is *not* checked here.
    """
    length = reader.variable_integer()
    if not length:
        return NO_PROPERTIES
    inner = FieldReader(reader.take(length))
    values: dict[str, Any] = {}
    while not inner.is_at_end:
        rule = _RULE_OF.get(inner.variable_integer())
        if rule is None or place not in rule.places:
            raise MalformedPacketError("a property is unknown or not allowed in this packet")
        if rule.name in values and place not in rule.repeats_in:
            raise ProtocolViolationError("a property is given twice")
        value = rule.kind.read(inner)
        if rule.allowed is not None and value not in rule.allowed:
            raise ProtocolViolationError("a property has a value that is not allowed")
        if rule.is_many:
            values.setdefault(rule.name, []).append(value)
        else:
            values[rule.name] = value
    for rule in _MANY:
        if rule.name in values:
            values[rule.name] = tuple(values[rule.name])
    return Properties(**values)


def encode_properties(properties: Properties) -> bytes:
    """Write properties after their length. Whether they may stand there is *not* checked."""
    if properties is NO_PROPERTIES:
        return b"\0"
    encoded = b"".join(_encode_all(properties))
    return encode_variable_integer(len(encoded)) + encoded


def _encode_all(properties: Properties) -> Iterable[bytes]:
    for rule in PROPERTY_RULES:
        value = getattr(properties, rule.name)
        if value is None:
            continue
        for one in value if rule.is_many else (value,):
            yield _encode_byte(rule.identifier)
            yield rule.kind.encode(one)
