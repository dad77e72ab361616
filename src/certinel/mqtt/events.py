"""What a session tells its caller."""

from dataclasses import dataclass

from certinel.mqtt.errors import MqttError
from certinel.mqtt.packets import Connect, Publish, Subscription
from certinel.mqtt.reasons import ReasonCode


@dataclass(frozen=True, slots=True)
class Connected:
    """A client asks to be let in: answer with ``accept`` or ``refuse``. Until then nothing else happens."""

    request: Connect


Published = Publish
"""A message has arrived. One of QoS 1 or 2 waits for ``acknowledge`` or ``reject`` with its ``packet_id``.

The event is the packet itself: a second object for every message would cost as much as decoding the first.
A message of QoS 2 comes once, however often the client sends it.
"""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Topic filters are wanted: answer with ``grant``."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Topic filters are no longer wanted; the client has already been answered."""

    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """The client has answered a message of QoS 1 or 2 that was delivered to it.

    ``reason`` is a failure when a client of MQTT 5.0 did not want it.
    """

    reference: object
    """What the caller gave to ``deliver``."""
    reason: ReasonCode = ReasonCode.SUCCESS


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The client has said goodbye. Nothing follows; close the connection."""

    publish_will: bool
    """Whether the will is due all the same (5.0, reason code 0x04)."""


@dataclass(frozen=True, slots=True)
class ProtocolFailed:
    """The client broke the rules. Nothing follows; write what ``take_output`` gives and close the connection.

    The will of an accepted client is due. ``error.code`` is the stable code of the refusal.
    """

    error: MqttError


Event = Connected | Published | Subscribed | Unsubscribed | Delivered | Disconnected | ProtocolFailed
