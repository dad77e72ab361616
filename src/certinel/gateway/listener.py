"""A listening port: accepts connections within its limits and ends them in good order.

Serves any asyncio protocol with a ``shutdown`` method, over TLS or over plain TCP.
"""

import asyncio
import errno
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

from typing_extensions import override

from certinel.gateway.acceptor import Acceptor
from certinel.gateway.crowd import Crowd
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.proxied import ProxiedConnection, Proxies
from certinel.gateway.reception import FailureListener, PeerName, Reception
from certinel.gateway.tls import ServerTls
from certinel.gateway.tls_protocol import InnerProtocol, TlsProtocol


class PortUnavailableError(Exception):
    """The node cannot listen there; says on which host and port, and why."""

    code = "listener/unavailable"

    def __init__(self, host: str, port: int, problem: str) -> None:
        super().__init__(f"cannot listen on {printed_address(host, port)}: {problem}")
        self.host = host
        self.port = port


class Listener:
    """One port, on one or more addresses. ``tls=None`` serves plain TCP, under the same limits, and without proxies."""

    def __init__(
        self,
        make_protocol: Callable[[], InnerProtocol],
        *,
        tls: ServerTls | None,
        options: ListenerOptions | None = None,
        on_handshake_failed: FailureListener | None = None,
        crowd: Crowd | None = None,
        is_for_devices: bool = False,
    ) -> None:
        self._is_for_devices = is_for_devices
        self._make_protocol = make_protocol
        self._tls = tls
        self._options = options or ListenerOptions()
        self._on_handshake_failed = on_handshake_failed
        self._crowd = crowd
        self._acceptors: list[Acceptor] = []
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen; ``host`` may be a name with several addresses, and empty for all of IPv4 and IPv6.

        With port 0 the system chooses one, the same for all addresses: see ``port``.
        """
        options = self._options
        self._reception = Reception(
            options, self._on_handshake_failed, self._crowd, is_for_devices=self._is_for_devices
        )
        self._proxies = Proxies(
            options.trusted_proxies,
            self._reception,
            header_seconds=options.handshake_seconds,
            max_waiting=options.max_handshakes,
        )
        sockets = await _bind(host, port, options)
        self.port = sockets[0].getsockname()[1]
        expect = self._reception.crowd.expect
        self._acceptors = [Acceptor(bound, self._make_connection, options.backlog, expect) for bound in sockets]

    @property
    def connection_count(self) -> int:
        """Connections at this moment, in whatever state."""
        return len(self._reception.guests)

    @property
    def handshakes_under_way(self) -> int:
        """TLS handshakes begun and not ended."""
        return self._reception.handshakes_under_way

    async def close(self, grace_seconds: float = 10.0) -> None:
        """Accept no more, let every connection end in good order, and cut those that have not after the grace."""
        for acceptor in self._acceptors:
            acceptor.close()
        if self._acceptors:
            self._acceptors.clear()
            self._proxies.close()
            await self._reception.close(grace_seconds)

    def _make_connection(self) -> asyncio.Protocol:
        tls, reception = self._tls, self._reception
        if tls is None:
            return TcpProtocol(self._make_protocol(), reception)
        if not self._options.trusted_proxies:
            return TlsProtocol(tls, self._make_protocol, reception)
        return ProxiedConnection(self._proxies, lambda peer: TlsProtocol(tls, self._make_protocol, reception, peer))


class TcpProtocol(asyncio.Protocol):
    """A plain connection, counted and ended as those over TLS are; everything else is passed through."""

    __slots__ = ("_inner", "_is_admitted", "_reception", "_transport", "peername")

    def __init__(self, inner: InnerProtocol, reception: Reception) -> None:
        self._inner = inner
        self._reception = reception

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.peername: PeerName = transport.get_extra_info("peername") or ("", 0)
        self._is_admitted = self._reception.admit(self)
        if self._is_admitted:
            self._reception.handshake_over(self)  # there is none
            self._inner.connection_made(transport)
        else:
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_admitted:
            self._inner.data_received(data)

    @override
    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._is_admitted else None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._reception.leave(self)
        if self._is_admitted:
            self._inner.connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        self._inner.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def handshake_expired(self) -> None:
        """Never happens: there is no handshake."""

    def linger_expired(self) -> None:
        """Never happens: the system alone ends a plain connection."""

    def shutdown(self) -> None:
        """The listener closes."""
        self._inner.shutdown()

    def abort(self) -> None:
        """End the connection without another byte."""
        self._transport.abort()


async def _bind(host: str, port: int, options: ListenerOptions) -> list[socket.socket]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise PortUnavailableError(host, port, error.strerror or str(error)) from error
    bound: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            if family == socket.AF_INET6 and not host and not socket.has_dualstack_ipv6():
                continue  # "everywhere" means wherever this machine can
            chosen = bound[0].getsockname()[1] if bound else port
            bound.append(_bind_one(family, (address[0], chosen, *address[2:]), options))
    except OSError as error:
        for earlier in bound:
            earlier.close()
        raise PortUnavailableError(host, port, _problem_of(error)) from error
    return bound


def _bind_one(family: int, address: tuple[Any, ...], options: ListenerOptions) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # What follows is inherited by every accepted connection.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, options.dead_peer_seconds * 1000)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


def _problem_of(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program is listening there already"
        case errno.EACCES:
            return "this user may not (ports below 1024 are reserved)"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address"
        case _:
            return error.strerror or str(error)


def printed_address(host: str, port: int) -> str:
    """The address as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host or '*'}:{port}"
