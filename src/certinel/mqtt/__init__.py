"""MQTT 3.1, 3.1.1 and 5.0 for the server's side, without I/O: bytes in, events out, bytes to write.

The whole of it from outside::

    session = ServerSession(SessionLimits(...))
    for event in session.receive(data):      # any split of the input gives the same events
        match event:
            case Connected(request): ...     # events = session.accept(), or session.refuse(answer, text); may wait
            case Published(): ...            # QoS 1 and 2: session.acknowledge(packet_id) when safe, or session.reject
            case Subscribed(): ...           # session.grant(packet_id, codes)
            case Unsubscribed(): ...         # answered already
            case Delivered(): ...            # reference, as given to session.deliver(topic, payload, qos, reference=)
            case Disconnected(): ...         # close; publish_will
            case ProtocolFailed(): ...       # close; error.code, error.reason
    transport.write(session.take_output())   # after every call
    # session.should_pause_reading, .can_deliver, .inflight_inbound, .keep_alive, .version, .phase

PINGREQ, PUBREL, the packet ids and the windows of both directions are dealt with inside. Left to the caller: who may
connect, topics and their meaning, the keep-alive (one and a half times ``session.keep_alive``), and publishing the
will (due unless ``Disconnected`` says otherwise or the client was never accepted; at once, as no session outlives its
connection). Not supported, and announced as such to clients of 5.0: retained messages, topic aliases, subscription
identifiers, shared subscriptions, extended authentication, sessions that outlive their connection.
"""

from certinel.mqtt.errors import (
    MalformedPacketError,
    MqttError,
    PacketTooLargeError,
    ProtocolViolationError,
    UnsupportedProtocolError,
)
from certinel.mqtt.events import (
    Connected,
    Delivered,
    Disconnected,
    Event,
    ProtocolFailed,
    Published,
    Subscribed,
    Unsubscribed,
)
from certinel.mqtt.limits import DEFAULT_LIMITS, SessionLimits
from certinel.mqtt.outbound import DeliveryOutcome
from certinel.mqtt.packets import Connect, ProtocolVersion, Subscription, Will
from certinel.mqtt.properties import Properties
from certinel.mqtt.reasons import ConnectAnswer, ReasonCode
from certinel.mqtt.session import Phase, ServerSession
from certinel.mqtt.topics import is_shared, matches

__all__ = [
    "DEFAULT_LIMITS",
    "Connect",
    "ConnectAnswer",
    "Connected",
    "Delivered",
    "DeliveryOutcome",
    "Disconnected",
    "Event",
    "MalformedPacketError",
    "MqttError",
    "PacketTooLargeError",
    "Phase",
    "Properties",
    "ProtocolFailed",
    "ProtocolVersion",
    "ProtocolViolationError",
    "Published",
    "ReasonCode",
    "ServerSession",
    "SessionLimits",
    "Subscribed",
    "Subscription",
    "Unsubscribed",
    "UnsupportedProtocolError",
    "Will",
    "is_shared",
    "matches",
]
