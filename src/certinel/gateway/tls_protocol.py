"""TLS between a socket and a protocol: wire bytes on one side, an asyncio transport on the other.

Client certificates are handed on as they were presented; they are *not* judged here.
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol, cast

from OpenSSL import SSL
from typing_extensions import override

from certinel.domain.identifiers import TenantId
from certinel.gateway.client_hello import INCOMPLETE, read_server_name
from certinel.gateway.handshake import HandshakeFailure, HandshakeFault, failure_of
from certinel.gateway.limits import Network, network_of
from certinel.gateway.proxy_header import SIGNATURE
from certinel.gateway.reception import PeerName, Reception
from certinel.gateway.shares import NOTHING_RESERVED, Reservation
from certinel.gateway.tls import ServerTls
from certinel.gateway.tls_transport import TlsTransport

logger = logging.getLogger(__name__)

MAX_HANDSHAKE_BYTES = 40 * 1024
"""A chain of 32 KiB, the most that is ever acceptable, and what surrounds it. OpenSSL's own limit is above 70 KiB."""

RECORD_BYTES = 16 * 1024
"""The most plain text a TLS record holds (RFC 8446, 5.1)."""

NO_SHARE_LEFT = "it asked for the domain of a tenant of which too many devices connect at the same time"

WIRE_BYTES = RECORD_BYTES + 512
"""Room for a full record as it is on the wire."""


class InnerProtocol(Protocol):
    """What is served over TLS or over plain TCP; uvicorn's HTTP protocol is one. Callbacks as in asyncio."""

    def connection_made(self, transport: Any) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool | None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...

    def shutdown(self) -> None:
        """The listener closes: finish what is in flight, then close the transport."""


class Phase(Enum):
    """Where a connection is in its life."""

    GREETING = auto()
    """The ClientHello has not arrived as a whole; OpenSSL knows nothing of the connection."""
    HANDSHAKE = auto()
    OPEN = auto()
    LINGERING = auto()
    """We have closed: what is left is written, what comes in is thrown away."""
    GONE = auto()


BEFORE_OPEN = frozenset({Phase.GREETING, Phase.HANDSHAKE})


class TlsProtocol(asyncio.Protocol):
    """One TLS connection. The inner protocol is made, and sees its transport, when the handshake is finished.

    A fault of the peer ends the connection and nothing else; no error of OpenSSL leaves this class.
    """

    __slots__ = (
        "_context",
        "_fed_bytes",
        "_group",
        "_inner",
        "_is_in_line",
        "_is_paused",
        "_make_inner",
        "_network",
        "_phase",
        "_reception",
        "_unfed",
        "_unwritten_bytes",
        "peername",
        "reservation",
        "socket_transport",
        "tls",
    )

    def __init__(
        self,
        tls: ServerTls,
        make_inner: Callable[[], InnerProtocol],
        reception: Reception,
        peername: PeerName | None = None,
    ) -> None:
        """Serve whoever is at the other end of the socket, or ``peername``, for whom a trusted proxy speaks."""
        self._context = tls.context
        self._make_inner = make_inner
        self._reception = reception
        self._phase = Phase.GONE
        self._fed_bytes = 0
        self._is_paused = False
        self._is_in_line = False
        self._unfed = b""
        self._group: TenantId | None = None
        self._unwritten_bytes = 0
        self.peername = peername or ()
        self.reservation: Reservation = NOTHING_RESERVED
        """Of a connect of the tenant that was named; ends with the connection, if nobody gives it back before."""

    # ---- what the socket tells

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.socket_transport = cast("asyncio.Transport", transport)
        self.peername = self.peername or transport.get_extra_info("peername") or ("", 0)
        if not self._reception.admit(self):
            self.socket_transport.abort()
            return
        self._network: Network = network_of(self.peername[0])
        self._phase = Phase.GREETING

    @override
    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.OPEN:
            self.tls.bio_write(data)
            self._deliver()
        elif self._phase in BEFORE_OPEN:
            self._unfed += data
            self._stand_in_line()

    @override
    def eof_received(self) -> bool:
        if self._phase in BEFORE_OPEN:
            self._reception.report(self.peername, HandshakeFailure(HandshakeFault.PEER_CLOSED))
            self._linger()
        elif self._phase is Phase.OPEN:
            self._peer_ended()
        self.socket_transport.close()  # the peer has sent everything, so this cannot reset it
        return True

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        phase, self._phase = self._phase, Phase.GONE
        self.reservation.give_back()
        if phase in BEFORE_OPEN:
            self._reception.report(self.peername, HandshakeFailure(HandshakeFault.PEER_CLOSED))
        self._reception.leave(self)
        if phase is Phase.OPEN:
            self._leave_inner(exc)

    @override
    def pause_writing(self) -> None:
        if self._phase is Phase.OPEN:
            self._inner.pause_writing()

    @override
    def resume_writing(self) -> None:
        if self._phase is Phase.OPEN:
            self._inner.resume_writing()

    # ---- what the reception tells

    def handshake_expired(self) -> None:
        """The handshake took too long."""
        self._reception.report(self.peername, HandshakeFailure(HandshakeFault.TIMEOUT))
        self.abort()

    def linger_expired(self) -> None:
        """Cut the connection, unless the peer is still taking what was written before the end."""
        unwritten = self.socket_transport.get_write_buffer_size()
        if 0 < unwritten < self._unwritten_bytes:
            self._unwritten_bytes = unwritten
            self._reception.linger(self)
        else:
            self.socket_transport.abort()

    def shutdown(self) -> None:
        """The listener closes."""
        if self._phase is Phase.OPEN:
            self._inner.shutdown()
        elif self._phase in BEFORE_OPEN:
            self.abort()

    # ---- the handshake

    def _stand_in_line(self) -> None:
        """Have what came fed to OpenSSL when it is this connection's turn; until then nothing more is read."""
        if self._phase is Phase.GREETING and not self._is_greeted():
            return
        if not self._is_in_line:
            self._is_in_line = True
            self._reception.crowd.take_turn(self._group, self._network, self._take_turn)
            if self._is_in_line:
                self.socket_transport.pause_reading()

    def _is_greeted(self) -> bool:
        """Read the server name, by which the connection is counted; whether OpenSSL may see it now."""
        name = read_server_name(self._unfed)
        if name is INCOMPLETE:
            return False
        if not self._reception.has_room_for(name):
            self._reception.report(self.peername, HandshakeFailure(HandshakeFault.OVERLOAD, NO_SHARE_LEFT))
            self.abort()
            return False
        self.reservation = self._reception.reserve(name)
        self._group = self._reception.crowd.group_at(name, self._network)
        self._phase = Phase.HANDSHAKE
        self.tls = SSL.Connection(self._context, None)
        self.tls.set_accept_state()
        return True

    def _take_turn(self) -> None:
        if self._phase is not Phase.HANDSHAKE:
            return
        self._is_in_line = False
        data, self._unfed = self._unfed, b""
        self._shake_hands(data)
        if self.is_reading or self._phase is Phase.HANDSHAKE:
            self.socket_transport.resume_reading()

    def _shake_hands(self, data: bytes) -> None:
        allowed = MAX_HANDSHAKE_BYTES - self._fed_bytes
        self._fed_bytes += len(data)
        try:
            if allowed:
                self.tls.bio_write(data[:allowed])
            self.tls.do_handshake()
        except SSL.WantReadError:
            self._flush()
            if self._fed_bytes > MAX_HANDSHAKE_BYTES:
                self._reception.report(self.peername, HandshakeFailure(HandshakeFault.TOO_LARGE))
                self.abort()
        except SSL.Error as error:
            self._flush()  # the alert that tells the peer
            is_proxy = data.startswith(SIGNATURE)
            failure = HandshakeFailure(HandshakeFault.PROXY_NOT_TRUSTED) if is_proxy else failure_of(error)
            self._reception.report(self.peername, failure)
            self._linger()
        else:
            self._flush()
            if len(data) > allowed:
                self.tls.bio_write(data[allowed:])
            self._open()

    def _open(self) -> None:
        self._phase = Phase.OPEN
        self._reception.handshake_over(self)
        self._inner = self._make_inner()
        self._inner.connection_made(TlsTransport(self))
        self._deliver()

    # ---- plain text

    def _deliver(self) -> None:
        """Hand decrypted records on for as long as the inner protocol takes them."""
        try:
            while self._phase is Phase.OPEN and not self._is_paused:
                self._inner.data_received(self.tls.recv(RECORD_BYTES))
        except SSL.WantReadError:
            self._flush()  # OpenSSL may have answered by itself: a key update, a renegotiation
        except SSL.ZeroReturnError:
            self._peer_ended()
        except SSL.Error as error:
            self._flush()
            self._broken(error)

    def _peer_ended(self) -> None:
        self._inner.eof_received()
        self.close()

    def _broken(self, error: SSL.Error) -> None:
        failure = failure_of(error)
        logger.debug("TLS with %s ended: %s", self.peername[0], failure)
        if self._phase is Phase.OPEN:
            self._linger()
            self._leave_inner_soon(ConnectionAbortedError(str(failure)))

    def send(self, plain: bytes | bytearray | memoryview) -> None:
        """Encrypt and write; nothing after the connection has been closed."""
        if self._phase is not Phase.OPEN or not plain:
            return
        try:
            self.tls.sendall(plain)
        except SSL.Error as error:
            self._broken(error)
        else:
            self._flush()

    def _flush(self) -> None:
        """Write what OpenSSL has to say to the socket."""
        try:
            while True:
                wire = self.tls.bio_read(WIRE_BYTES)
                self.socket_transport.write(wire)
                if len(wire) < WIRE_BYTES:
                    return
        except SSL.WantReadError:
            return

    # ---- flow

    def pause(self) -> None:
        """Stop reading. At most what one read of the socket brought stays undelivered, and encrypted."""
        if not self._is_paused:
            self._is_paused = True
            if self._phase is Phase.OPEN:
                self.socket_transport.pause_reading()

    def resume(self) -> None:
        """Read again, beginning with what was left undelivered."""
        if self._is_paused:
            self._is_paused = False
            asyncio.get_running_loop().call_soon(self._read_on)

    def _read_on(self) -> None:
        if self._phase is Phase.OPEN and not self._is_paused:
            self._deliver()
        if self._phase is Phase.OPEN and not self._is_paused:
            self.socket_transport.resume_reading()

    # ---- the end

    @property
    def is_reading(self) -> bool:
        """Whether the inner protocol wants more."""
        return self._phase is Phase.OPEN and not self._is_paused

    @property
    def is_open(self) -> bool:
        """Whether anything can still be sent."""
        return self._phase is Phase.OPEN

    def replace_inner(self, inner: InnerProtocol) -> None:
        """Speak to another protocol from now on."""
        self._inner = inner

    @property
    def inner(self) -> InnerProtocol:
        """The protocol served."""
        return self._inner

    def close(self) -> None:
        """Write what is pending and say goodbye; the socket follows when the peer is done, or after the linger time."""
        if self._phase is not Phase.OPEN:
            return
        try:
            self.tls.shutdown()
        except SSL.Error as error:
            logger.debug("no closing alert to %s: %s", self.peername[0], failure_of(error))
        self._flush()
        self._linger()
        self._leave_inner_soon(None)

    def abort(self) -> None:
        """End the connection without another byte."""
        phase, self._phase = self._phase, Phase.LINGERING
        self.reservation.give_back()
        self.socket_transport.abort()
        if phase is Phase.OPEN:
            self._leave_inner_soon(None)

    def _linger(self) -> None:
        """End our side, and read on: closing a socket with unread bytes would reset it and lose what was sent last."""
        self._phase = Phase.LINGERING
        self.reservation.give_back()
        self._reception.handshake_over(self)
        transport = self.socket_transport
        if transport.is_closing():
            return
        if self._is_paused or self._is_in_line:
            transport.resume_reading()
        self._unwritten_bytes = transport.get_write_buffer_size()
        try:
            transport.write_eof()
        except OSError:  # the peer was quicker
            transport.abort()
        else:
            self._reception.linger(self)

    def _leave_inner_soon(self, exc: Exception | None) -> None:
        """Tell the inner protocol, after whatever it is doing now, as asyncio's own transports do."""
        asyncio.get_running_loop().call_soon(self._leave_inner, exc)

    def _leave_inner(self, exc: Exception | None) -> None:
        inner = self._inner
        del self._inner  # breaks the cycle of references, so that memory is returned at once
        inner.connection_lost(exc)
