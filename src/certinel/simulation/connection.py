"""One connection of a simulated device: TLS over memory BIOs, and on it the client's side of MQTT.

It keeps no rules of what to do when: its owner does, and is told what comes.
"""

import asyncio
from functools import lru_cache
from typing import Any, Protocol, cast

from OpenSSL import SSL
from typing_extensions import override

from certinel.mqtt.decoding import decode
from certinel.mqtt.encoding import encode
from certinel.mqtt.errors import MqttError
from certinel.mqtt.framing import FrameBuffer
from certinel.mqtt.packets import Connack, Disconnect, Packet, ProtocolVersion, Puback, Publish, Suback
from certinel.simulation.server_trust import ServerTrust, UntrustedServerError

MAX_PACKET_BYTES = 1 << 20
"""More than any platform sends to a device."""
_RECORD_BYTES = 16 * 1024
_WIRE_BYTES = _RECORD_BYTES + 512
_PUBACK_OF_SUCCESS = b"\x40\x02"
_PUBACK_BYTES = 4
_CONNACK_FIRST_BYTE = 0x20
GOODBYE = encode(Disconnect(), ProtocolVersion.V3_1_1)
"""Without a reason it is the same in every version (5.0, 3.14.2.1)."""
_REASONS_OF_CLOSING = ("shutdown", "unexpected eof", "ssl/tls alert close notify")


class Owner(Protocol):
    """Who is told what a connection meets. After ``ended`` only ``gone`` comes."""

    def dialled(self) -> None:
        """The TCP connection is there."""

    def shaken(self) -> bytes:
        """The handshake is over, as far as the client can tell; return the packet that goes out with its end."""

    def answered(self, answer: Connack) -> None:
        """CONNACK has come."""

    def acknowledged(self, packet_id: int) -> None:
        """A publish of QoS 1 is safe."""

    def subscribed(self, answer: Suback) -> None:
        """A subscription was answered."""

    def received(self, message: Publish) -> None:
        """A message has come; it has been acknowledged."""

    def ended(self, reason: str) -> None:
        """The connection is no more, and not because its owner has closed it; why, in a word or two."""

    def gone(self) -> None:
        """The socket is closed, whoever has ended the connection."""


class DeviceConnection(asyncio.Protocol):
    """The connection. Everything that goes wrong on it ends it and nothing else."""

    __slots__ = ("_frames", "_is_over", "_is_shaken", "_owner", "_reason", "_tls", "_transport", "_trust", "_version")

    def __init__(self, tls: SSL.Connection, version: ProtocolVersion, owner: Owner, trust: ServerTrust | None) -> None:
        """``trust`` judges the server's certificate; None is for servers whose identity is beside the point."""
        self._tls = tls
        self._trust = trust
        self._version = version
        self._owner = owner
        self._frames = FrameBuffer(MAX_PACKET_BYTES)
        self._transport: asyncio.Transport | None = None
        self._is_shaken = False
        self._is_over = False
        self._reason = ""

    # ---- what the socket tells

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._owner.dialled()
        if self._is_over:  # cut while it was being made
            self._transport.abort()
        else:
            self._shake_hands()

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._tls.bio_write(data)
        if self._is_shaken:
            self._deliver()
        else:
            self._shake_hands()  # no packet comes with its end: in MQTT the client speaks first

    @override
    def eof_received(self) -> None:
        self._end("closed by the platform")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end("reset" if exc is not None else "closed by the platform")
        self._owner.gone()

    # ---- what the owner asks for

    def send(self, packet: Packet) -> None:
        """Write a packet; nothing once the connection is over."""
        self.send_encoded(encode(packet, self._version))

    def send_encoded(self, packet: bytes) -> None:
        """Write a packet that was encoded before; nothing once the connection is over."""
        if self._is_over:
            return
        try:
            self._tls.sendall(packet)
        except SSL.Error as error:
            self._end(_reason_of(error))
        else:
            self._flush()

    def close(self) -> None:
        """Say goodbye and close; the owner hears nothing more."""
        self.send_encoded(GOODBYE)
        if not self._is_over:
            self._is_over = True
            self._close_socket()

    def cut(self) -> None:
        """Drop the connection without a word; the owner hears nothing more."""
        self._is_over = True
        if self._transport is not None:
            self._transport.abort()

    def could_not_be_made(self, reason: str) -> None:
        """There was no TCP connection; the owner is told, unless it has given up itself."""
        self._end(reason)

    # ---- inside

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
            self._is_shaken = True
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self._flush()
            self._end(_reason_of(error))
            return
        # before anything is sent that comes after the server's certificate, the device's own above all
        if not self._is_server_good():
            return
        if self._is_shaken:
            self.send_encoded(self._owner.shaken())
        else:
            self._flush()

    def _is_server_good(self) -> bool:
        """Tell whether to go on, as far as the server has shown who it is; it is looked at once."""
        if self._trust is None:
            return True
        try:
            is_checked = self._trust.check(self._tls)
        except UntrustedServerError as error:
            self._end(f"TLS: {error}")
            return False
        if is_checked:
            self._trust = None
        elif self._is_shaken:
            self._end("TLS: the server has no certificate")
        return not self._is_over

    def _deliver(self) -> None:
        try:
            while not self._is_over:
                self._take(self._tls.recv(_RECORD_BYTES))
        except SSL.WantReadError:
            return
        except SSL.ZeroReturnError:
            self._end("closed by the platform")
        except SSL.Error as error:
            self._end(_reason_of(error))
        except MqttError:
            self._end("not MQTT")

    def _take(self, plain: bytes) -> None:
        if len(plain) == _PUBACK_BYTES and plain.startswith(_PUBACK_OF_SUCCESS) and not len(self._frames):
            self._owner.acknowledged(int.from_bytes(plain[2:]))  # nearly everything that comes is this
            return
        self._frames.feed(plain)
        while not self._is_over and (frame := self._frames.next_frame()) is not None:
            read = _decode_again if frame[0] == _CONNACK_FIRST_BYTE else decode
            self._act_on(read(*frame, self._version))

    def _act_on(self, packet: Any) -> None:
        match packet:
            case Puback():
                self._owner.acknowledged(packet.packet_id)
            case Publish():
                if packet.qos:
                    self.send(Puback(packet.packet_id or 0))
                self._owner.received(packet)
            case Connack():
                self._owner.answered(packet)
            case Suback():
                self._owner.subscribed(packet)
            case Disconnect():
                self._reason = packet.properties.reason_string or f"MQTT reason {int(packet.reason):#04x}"
            case _:
                pass  # a ping's answer, or what this client has not asked for

    def _flush(self) -> None:
        try:
            while True:
                wire = self._tls.bio_read(_WIRE_BYTES)
                if self._transport is not None:
                    self._transport.write(wire)
                if len(wire) < _WIRE_BYTES:
                    return
        except SSL.WantReadError:
            return

    def _end(self, reason: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._close_socket()
            self._owner.ended(self._reason or reason)

    def _close_socket(self) -> None:
        if self._transport is not None:
            self._transport.close()


_decode_again = lru_cache(maxsize=64)(decode)
"""For answers that a platform gives to thousands of devices in the same bytes."""


def _reason_of(error: SSL.Error) -> str:
    if isinstance(error, SSL.SysCallError | SSL.ZeroReturnError):
        return "closed by the platform"
    reasons = [entry[-1] for entry in error.args[0]] if error.args and isinstance(error.args[0], list) else []
    reason = ", ".join(reasons)
    if any(one in reason for one in _REASONS_OF_CLOSING):
        return "closed by the platform"
    return f"TLS: {reason or type(error).__name__}"
