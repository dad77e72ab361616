"""The control packets of MQTT 3.1, 3.1.1 and 5.0 as values.

What 3.1 and 3.1.1 do not have (properties, reason codes) holds its neutral value there and is not written.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from certinel.mqtt.properties import NO_PROPERTIES, Properties
from certinel.mqtt.reasons import ReasonCode


class ProtocolVersion(IntEnum):
    """The protocol level of CONNECT (3.1.2.2)."""

    V3_1 = 3
    V3_1_1 = 4
    V5 = 5


PROTOCOL_NAMES = {ProtocolVersion.V3_1: "MQIsdp", ProtocolVersion.V3_1_1: "MQTT", ProtocolVersion.V5: "MQTT"}
"""The protocol name that goes with each level (3.1: "Connect"; 3.1.1 and 5.0: 3.1.2.1)."""


class PacketType(IntEnum):
    """The upper four bits of every packet (2.2.1)."""

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
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@dataclass(frozen=True, slots=True)
class Will:
    """The message to publish when the client goes without saying so (3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Connect:
    """What the client asks for; nothing in it has been decided."""

    client_id: str
    version: ProtocolVersion
    clean_start: bool = True
    """Clean Session in 3.1 and 3.1.1."""
    keep_alive: int = 0
    """Seconds; 0 switches the mechanism off (3.1.2.10)."""
    will: Will | None = None
    user_name: str | None = None
    password: bytes | None = field(default=None, repr=False)
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Connack:
    """``code`` is a return code in 3.1 and 3.1.1 and a reason code in 5.0: the same number means different things."""

    session_present: bool
    code: int
    properties: Properties = NO_PROPERTIES


class Publish(NamedTuple):
    """A message; ``packet_id`` is ``None`` exactly when ``qos`` is 0.

    A named tuple because one is made for every message: it takes a third of the time of a frozen dataclass.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int | None = None
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Puback:
    """The answer to a publish of QoS 1."""

    packet_id: int
    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pubrec:
    """The first answer to a publish of QoS 2."""

    packet_id: int
    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pubrel:
    """The sender of a publish of QoS 2 will not send it again."""

    packet_id: int
    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pubcomp:
    """A publish of QoS 2 is complete; its packet id is free again."""

    packet_id: int
    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Subscription:
    """One topic filter of a SUBSCRIBE and how its messages are wanted (5.0, 3.8.3.1; before, only the QoS)."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Never empty (3.8.3)."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Suback:
    """One code for each subscription, in order: the granted QoS, or 0x80 and above."""

    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Never empty (3.10.3)."""

    packet_id: int
    filters: tuple[str, ...]
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Unsuback:
    """One code for each filter in 5.0; no codes before."""

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Pingreq:
    """The client is alive."""


@dataclass(frozen=True, slots=True)
class Pingresp:
    """So is the server."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The last packet of a conversation; only clients send it before 5.0."""

    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


@dataclass(frozen=True, slots=True)
class Auth:
    """Extended authentication, only in 5.0 (3.15)."""

    reason: ReasonCode = ReasonCode.SUCCESS
    properties: Properties = NO_PROPERTIES


Acknowledgement = Puback | Pubrec | Pubrel | Pubcomp

Packet = (
    Connect
    | Connack
    | Publish
    | Acknowledgement
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)
