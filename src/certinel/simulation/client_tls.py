"""The device's side of TLS: the one place that builds the TLS contexts of simulated devices."""

import ipaddress
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from certinel.simulation.fleet import Identity

MAX_PREPARED = 10_000
"""Devices with a TLS context of their own, which takes 27 kB. The others hand their key to OpenSSL at every connect,
which takes a sixth of a millisecond."""
_LEAF_ALONE = -2
"""A verify depth at which OpenSSL builds no path of the server's certificates: ``ServerTrust`` does, once."""


class KeyExchange(StrEnum):
    """How devices and server agree on keys."""

    P256 = "p256"
    """Over that curve, which every device stack knows."""
    POST_QUANTUM = "post-quantum"
    """As OpenSSL chooses: X25519MLKEM768 first. It costs both sides more, the device the larger part."""


class ClientTls:
    """TLS connections of thousands of devices with certificates of their own.

    A handshake proves that the server holds the key of its certificate; what that certificate is worth is *not*
    decided here: see ``ServerTrust``. No session is resumed: every connect is whole.
    ``only_version`` is one of OpenSSL's numbers; by default TLS 1.2 and everything above.
    """

    def __init__(self, *, key_exchange: KeyExchange = KeyExchange.P256, only_version: int | None = None) -> None:
        self.key_exchange = key_exchange
        self._only_version = only_version
        self._of_issuers: dict[bytes, SSL.Context] = {}
        self._of_devices: dict[str, SSL.Context] = {}

    def prepare(self, device: Identity) -> None:
        """Do ahead of time what does not change from one connect of a device to the next, while there is room."""
        if len(self._of_devices) < MAX_PREPARED:
            context = self._made(device.above)
            context.use_certificate(device.certificate)
            context.use_privatekey(device.key)
            self._of_devices[device.name] = context

    def connection(self, device: Identity, server_name: str) -> SSL.Connection:
        """Return a connection over memory BIOs that is about to begin a handshake."""
        context = self._of_devices.get(device.name)
        if context is not None:
            tls = SSL.Connection(context, None)
        else:
            tls = SSL.Connection(self._of_issuer(device), None)
            tls.use_certificate(device.certificate)
            tls.use_privatekey(device.key)
        name = _name_to_ask_for(server_name)
        if name is not None:
            tls.set_tlsext_host_name(name)
        tls.set_connect_state()
        return tls

    def _of_issuer(self, device: Identity) -> SSL.Context:
        issuer = device.certificate.issuer.public_bytes()
        context = self._of_issuers.get(issuer)
        if context is None:
            context = self._of_issuers[issuer] = self._made(device.above)
        return context

    def _made(self, above: Sequence[x509.Certificate]) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(self._only_version or SSL.TLS1_2_VERSION)
        context.set_max_proto_version(self._only_version or 0)
        if self.key_exchange is KeyExchange.P256:
            context.set_tmp_ecdh(ec.SECP256R1())
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_verify_depth(_LEAF_ALONE)
        for certificate in above:
            context.add_extra_chain_cert(certificate)
        return context


@lru_cache(maxsize=16)
def _name_to_ask_for(server: str) -> bytes | None:
    """Return what goes into the ClientHello; an address is no server name (RFC 6066, 3)."""
    try:
        ipaddress.ip_address(server)
    except ValueError:
        return server.encode("idna")
    return None
