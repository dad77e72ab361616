"""However the input is cut, the events and the output are the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from certinel.mqtt import Connected, Event, ProtocolFailed, ProtocolVersion, ServerSession, SessionLimits
from certinel.mqtt.encoding import encode
from certinel.mqtt.errors import MqttError
from certinel.mqtt.framing import FrameBuffer
from support.mqtt_packets import connects, packets

LIMITS = SessionLimits(max_packet_bytes=400)


def conversation(pieces: list[bytes]) -> tuple[list[object], bytes]:
    """Feed the pieces, letting everybody in at once, and return what can be seen from outside."""
    session = ServerSession(LIMITS)
    seen: list[object] = []
    output = b""
    for piece in pieces:
        events: list[Event] = session.receive(piece)
        for event in events:
            seen.append(shown(event))
            if isinstance(event, Connected):
                seen.extend(shown(one) for one in session.accept())
        output += session.take_output()
    return seen, output


def shown(event: Event) -> object:
    # errors have no equality of their own
    return (type(event.error), str(event.error)) if isinstance(event, ProtocolFailed) else event


def cut(whole: bytes, at: list[int]) -> list[bytes]:
    borders = [0, *sorted(position % (len(whole) + 1) for position in at), len(whole)]
    return [whole[start:end] for start, end in itertools.pairwise(borders)]


@given(st.data(), st.sampled_from(ProtocolVersion), st.lists(st.integers(0, 5_000), max_size=12))
def test_packets_mean_the_same_however_they_are_cut(
    data: st.DataObject, version: ProtocolVersion, at: list[int]
) -> None:
    sent = [data.draw(connects(version)), *data.draw(st.lists(packets(version), max_size=8))]
    whole = b"".join(encode(packet, version) for packet in sent)
    if data.draw(st.booleans()):
        whole += data.draw(st.binary(max_size=20))
    assert conversation(cut(whole, at)) == conversation([whole])


@given(st.data(), st.sampled_from(ProtocolVersion))
def test_packets_mean_the_same_byte_by_byte(data: st.DataObject, version: ProtocolVersion) -> None:
    sent = [data.draw(connects(version)), *data.draw(st.lists(packets(version), max_size=3))]
    whole = b"".join(encode(packet, version) for packet in sent)
    assert conversation([whole[n : n + 1] for n in range(len(whole))]) == conversation([whole])


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_arbitrary_input_raises_nothing(pieces: list[bytes]) -> None:
    assert conversation(pieces) == conversation([b"".join(pieces)])


@given(st.integers(0, 300), st.integers(1, 50))
def test_packet_over_the_limit_is_refused_with_its_fixed_header(body: int, limit: int) -> None:
    frames = FrameBuffer(limit)
    length = bytes((body,)) if body < 128 else bytes((body & 0x7F | 0x80, body >> 7))
    frames.feed(b"\x30" + length)
    try:
        found = frames.next_frame()
    except MqttError:
        assert 1 + len(length) + body > limit
    else:
        assert 1 + len(length) + body <= limit
        assert (found is None) == (body > 0)


def test_frames_that_were_taken_are_forgotten() -> None:
    frames = FrameBuffer(100)
    frames.feed(b"\xc0\x00\xc0")
    assert frames.next_frame() == (0xC0, b"")
    assert frames.next_frame() is None
    assert len(frames) == 1
    frames.feed(b"\x00")
    assert frames.next_frame() == (0xC0, b"")
    frames.release()
    assert frames.first_byte() is None
