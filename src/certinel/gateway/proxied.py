"""Connections that come through a load balancer: its header is read first, then everything sees the real peer.

Only from networks that the operator trusts: anybody else's header would be a way to bear another's address.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from typing_extensions import override

from certinel.gateway.deadlines import Deadlines
from certinel.gateway.proxy_header import ProxyHeaderError, read_proxy_header

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

logger = logging.getLogger(__name__)


class Proxies:
    """Which proxies are trusted, and which of their connections have not said yet whom they are for."""

    def __init__(self, networks: Sequence[Network], header_seconds: float, max_waiting: int) -> None:
        self._networks = networks
        self._max_waiting = max_waiting
        self._waiting: Deadlines[ProxiedConnection] = Deadlines(header_seconds, lambda waiting: waiting.refuse("late"))
        self._open: set[ProxiedConnection] = set()

    def are_trusted_at(self, host: str) -> bool:
        """Whether a connection from ``host`` begins with a header."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def begin(self, connection: "ProxiedConnection") -> bool:
        """Wait for the header of a connection; False if too many wait already."""
        if len(self._open) >= self._max_waiting:
            return False
        self._open.add(connection)
        self._waiting.start(connection)
        return True

    def end(self, connection: "ProxiedConnection") -> None:
        """The header has come, or will not come any more."""
        self._open.discard(connection)
        self._waiting.stop(connection)

    def close(self) -> None:
        """Cut those whose header has not come."""
        for connection in list(self._open):
            connection.refuse("the listener closes")
        self._waiting.cancel()


class ProxiedConnection(asyncio.Protocol):
    """Stands before the protocol of a connection until it is known who the peer is, then steps aside."""

    def __init__(self, proxies: Proxies, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._proxies = proxies
        self._make_protocol = make_protocol
        self._received = b""
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername") or ("",)
        if not self._proxies.are_trusted_at(str(peer[0])):
            self._step_aside(self._transport)
        elif not self._proxies.begin(self):
            self._transport.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
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
        transport, rest = self._transport, self._received[header.size :]
        if header.source is not None:
            transport = ProxiedTransport(transport, header.source)
        protocol = self._step_aside(transport)
        if rest and not transport.is_closing():
            protocol.data_received(rest)

    @override
    def eof_received(self) -> bool | None:
        return None

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._proxies.end(self)

    def refuse(self, why: str) -> None:
        """End a connection whose header is missing or wrong."""
        self._proxies.end(self)
        if self._transport is not None:
            peer = self._transport.get_extra_info("peername") or ("",)
            logger.warning("connection of the proxy %s ended before it began: %s", peer[0], why)
            self._transport.abort()

    def _step_aside(self, transport: asyncio.Transport) -> asyncio.Protocol:
        protocol = self._make_protocol()
        if self._transport is not None:
            self._transport.set_protocol(protocol)
        self._transport, self._received = None, b""
        protocol.connection_made(transport)
        return protocol


class ProxiedTransport(asyncio.Transport):
    """The transport of a connection, with the address of whom the proxy speaks for."""

    __slots__ = ("_peer", "_transport")

    def __init__(self, transport: asyncio.Transport, peer: tuple[str, int]) -> None:
        super().__init__()
        self._transport = transport
        self._peer = peer

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "peername":
            return self._peer
        if name == "socket":  # uvicorn would ask it for the peer
            return default
        return self._transport.get_extra_info(name, default)

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._transport.write(data)

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._transport.writelines(list_of_data)

    @override
    def can_write_eof(self) -> bool:
        return self._transport.can_write_eof()

    @override
    def write_eof(self) -> None:
        self._transport.write_eof()

    @override
    def close(self) -> None:
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()

    @override
    def is_reading(self) -> bool:
        return self._transport.is_reading()

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    @override
    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._transport.get_write_buffer_limits()

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    @override
    def set_protocol(self, protocol: Any) -> None:
        self._transport.set_protocol(protocol)

    @override
    def get_protocol(self) -> Any:
        return self._transport.get_protocol()
