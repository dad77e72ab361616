"""Connections that come through a load balancer: its header is read first, then everything sees the real peer.

Only from networks that the operator trusts: anybody else's header would be a way to bear another's address.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from typing import cast

from typing_extensions import override

from certinel.gateway.deadlines import Deadlines
from certinel.gateway.handshake import HandshakeFailure, HandshakeFault
from certinel.gateway.proxy_header import ProxyHeaderError, read_proxy_header
from certinel.gateway.reception import PeerName, Reception

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """Which proxies are trusted, and which of their connections have not said yet whom they are for."""

    def __init__(
        self, networks: Sequence[Network], reception: Reception, *, header_seconds: float, max_waiting: int
    ) -> None:
        self._networks = networks
        self._reception = reception
        self._max_waiting = max_waiting
        self._waiting: Deadlines[ProxiedConnection] = Deadlines(
            header_seconds, lambda waiting: waiting.refuse("no header came in time")
        )
        self._open: set[ProxiedConnection] = set()

    def are_trusted_at(self, host: str) -> bool:
        """Tell whether a connection from ``host`` begins with a header."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def begin(self, connection: "ProxiedConnection") -> bool:
        """Wait for the header of a connection; False if too many wait already, or the listener closes."""
        if self._reception.is_closing or len(self._open) >= self._max_waiting:
            self._reception.report(connection.peername, HandshakeFailure(HandshakeFault.OVERLOAD))
            return False
        self._open.add(connection)
        self._waiting.start(connection)
        return True

    def end(self, connection: "ProxiedConnection") -> None:
        """The header has come, or will not come any more."""
        self._open.discard(connection)
        self._waiting.stop(connection)

    def report(self, connection: "ProxiedConnection", why: str) -> None:
        """Tell the operator of a proxy whose header is missing or wrong."""
        self._reception.report(connection.peername, HandshakeFailure(HandshakeFault.PROXY_HEADER, why))

    def close(self) -> None:
        """Cut those whose header has not come; there is nobody yet to say goodbye to."""
        for connection in list(self._open):
            connection.abort()
        self._waiting.cancel()


class ProxiedConnection(asyncio.Protocol):
    """Stands before the protocol of a connection until it is known who the peer is, then steps aside."""

    def __init__(self, proxies: Proxies, make_protocol: Callable[[PeerName | None], asyncio.Protocol]) -> None:
        self._proxies = proxies
        self._make_protocol = make_protocol
        self._received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.peername: PeerName = transport.get_extra_info("peername") or ("", 0)
        if not self._proxies.are_trusted_at(str(self.peername[0])):
            self._step_aside(None)
        elif not self._proxies.begin(self):
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._received += data
        try:
            header = read_proxy_header(self._received)
        except ProxyHeaderError as error:
            self.refuse(str(error))
            return
        if header is None:
            return
        self._proxies.end(self)
        rest = self._received[header.size :]
        protocol = self._step_aside(header.source)
        if rest and not self._transport.is_closing():
            protocol.data_received(rest)

    @override
    def eof_received(self) -> bool | None:
        return None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """A proxy that comes and goes without a word looks whether the port is open; that is nobody's fault."""
        self._proxies.end(self)

    def refuse(self, why: str) -> None:
        """End a connection whose header is missing or wrong."""
        self._proxies.report(self, why)
        self.abort()

    def abort(self) -> None:
        """End the connection."""
        self._proxies.end(self)
        self._transport.abort()

    def _step_aside(self, source: PeerName | None) -> asyncio.Protocol:
        protocol = self._make_protocol(source)
        self._transport.set_protocol(protocol)
        self._received = b""
        protocol.connection_made(self._transport)
        return protocol
