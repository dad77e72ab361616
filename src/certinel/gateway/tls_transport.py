"""The asyncio transport that a protocol inside TLS sees."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate
from typing_extensions import override

if TYPE_CHECKING:
    from certinel.gateway.tls_protocol import TlsProtocol


class TlsTransport(asyncio.Transport):
    """What the inner protocol writes to and asks about its peer.

    ``close`` loses nothing that was written before it; the inner protocol's ``connection_lost`` comes soon after,
    while the peer may still be taking the last bytes.
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: "TlsProtocol") -> None:
        super().__init__()
        self._protocol = protocol

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._protocol.send(data)

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._protocol.send(b"".join(list_of_data))

    @override
    def can_write_eof(self) -> bool:
        return False

    @override
    def close(self) -> None:
        self._protocol.close()

    @override
    def abort(self) -> None:
        self._protocol.abort()

    @override
    def is_closing(self) -> bool:
        return not self._protocol.is_open

    @override
    def pause_reading(self) -> None:
        self._protocol.pause()

    @override
    def resume_reading(self) -> None:
        self._protocol.resume()

    @override
    def is_reading(self) -> bool:
        return self._protocol.is_reading

    @override
    def get_write_buffer_size(self) -> int:
        return self._protocol.socket_transport.get_write_buffer_size()

    @override
    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._protocol.socket_transport.get_write_buffer_limits()

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._protocol.socket_transport.set_write_buffer_limits(high, low)

    @override
    def set_protocol(self, protocol: Any) -> None:
        self._protocol.replace_inner(protocol)

    @override
    def get_protocol(self) -> Any:
        return self._protocol.inner

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Facts of TLS, such as ``presented_chain``: see FACTS; and those of the socket, such as ``peername``.

        ``reservation`` is what the connection holds of a tenant's connects for the name that it has asked for.
        """
        fact = FACTS.get(name)
        if fact is not None:
            return fact(self._protocol.tls)
        if name == "reservation":
            return self._protocol.reservation
        if name == "peername":
            return self._protocol.peername
        if name == "socket":  # whoever asks it for its peer would find the proxy
            return default
        return self._protocol.socket_transport.get_extra_info(name, default)


def presented_chain(tls: SSL.Connection) -> tuple[bytes, ...]:
    """The client's certificates in the order of presentation, DER; empty if it presented none."""
    leaf = tls.get_peer_certificate()
    if leaf is None:
        return ()
    others = tls.get_peer_cert_chain() or []  # on a server this leaves the leaf out (SSL_get_peer_cert_chain(3))
    return tuple(dump_certificate(FILETYPE_ASN1, certificate) for certificate in (leaf, *others))


def _server_name(tls: SSL.Connection) -> str | None:
    name = tls.get_servername()
    return None if name is None else name.decode("ascii", "replace")


FACTS: dict[str, Callable[[SSL.Connection], Any]] = {
    # certificates in DER, the leaf first; an empty tuple if the client presented none
    "presented_chain": presented_chain,
    "tls_version": SSL.Connection.get_protocol_version_name,
    "cipher": SSL.Connection.get_cipher_name,
    "server_name": _server_name,
    # by this uvicorn knows that the scheme is https
    "sslcontext": SSL.Connection.get_context,
}
