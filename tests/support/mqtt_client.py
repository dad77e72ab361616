"""The client's side of a conversation, as far as tests need it: the codec is symmetrical, so this is little."""

from certinel.mqtt import Connect, Phase, ProtocolVersion, ServerSession, SessionLimits
from certinel.mqtt.decoding import decode
from certinel.mqtt.encoding import encode
from certinel.mqtt.framing import FrameBuffer
from certinel.mqtt.limits import DEFAULT_LIMITS
from certinel.mqtt.packets import Packet
from certinel.mqtt.properties import NO_PROPERTIES, Properties

V3_1 = ProtocolVersion.V3_1
V3_1_1 = ProtocolVersion.V3_1_1
V5 = ProtocolVersion.V5


def packets_in(sent: bytes, version: ProtocolVersion) -> list[Packet]:
    """Decode everything that was sent; it ends with a whole packet."""
    frames = FrameBuffer(len(sent))
    frames.feed(sent)
    packets = []
    while (frame := frames.next_frame()) is not None:
        packets.append(decode(*frame, version))
    assert not len(frames)
    return packets


def sent_by(session: ServerSession, version: ProtocolVersion) -> list[Packet]:
    """Take and decode the session's output."""
    return packets_in(session.take_output(), version)


def accepted(
    version: ProtocolVersion, properties: Properties = NO_PROPERTIES, limits: SessionLimits = DEFAULT_LIMITS
) -> ServerSession:
    """Return a session whose client has been let in."""
    session = ServerSession(limits)
    session.receive(encode(Connect("d:device1", version, properties=properties), version))
    session.accept()
    session.take_output()
    assert session.phase is Phase.CONNECTED
    return session
