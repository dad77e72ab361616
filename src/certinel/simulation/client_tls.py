"""The device's side of TLS: the one place that builds the TLS contexts of simulated devices."""

import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from certinel.pki.keys import PrivateKey


class UnusableServerCaError(Exception):
    """The file that says whom to trust cannot be used."""


class ClientTls:
    """TLS contexts, one for each issuer: thousands of devices with certificates of their own share it.

    The platform's certificate is verified up to ``server_ca``; that it has the right name is *not*. Without one it is
    verified up to a CA that this computer trusts (``system_trust``), or else not at all, for servers whose identity is
    beside the point. No session is resumed: every connect is whole.
    ``only_version`` is one of OpenSSL's numbers; by default TLS 1.2 and everything above. ``only_p256``
    agrees on keys over that curve, as small devices do; by default OpenSSL's choice, post-quantum first.
    """

    def __init__(
        self,
        server_ca: Path | None,
        *,
        system_trust: bool = False,
        only_version: int | None = None,
        only_p256: bool = False,
    ) -> None:
        self._server_ca = server_ca
        self._system_trust = system_trust
        self._only_version = only_version
        self._only_p256 = only_p256
        self._contexts: dict[bytes, SSL.Context] = {}

    def connection(
        self, certificate: x509.Certificate, key: PrivateKey, above: Sequence[x509.Certificate], server_name: str
    ) -> SSL.Connection:
        """Return a connection over memory BIOs that is about to begin a handshake."""
        issuer = certificate.issuer.public_bytes()
        context = self._contexts.get(issuer)
        if context is None:
            context = self._contexts[issuer] = self._made(above)
        tls = SSL.Connection(context, None)
        tls.use_certificate(certificate)
        tls.use_privatekey(key)
        if not _is_address(server_name):  # an address is no server name (RFC 6066, 3)
            tls.set_tlsext_host_name(server_name.encode("idna"))
        tls.set_connect_state()
        return tls

    def _made(self, above: Sequence[x509.Certificate]) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(self._only_version or SSL.TLS1_2_VERSION)
        context.set_max_proto_version(self._only_version or 0)
        if self._only_p256:
            context.set_tmp_ecdh(ec.SECP256R1())
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        for certificate in above:
            context.add_extra_chain_cert(certificate)
        if self._server_ca is not None:
            try:
                context.load_verify_locations(str(self._server_ca))
            except SSL.Error:
                raise UnusableServerCaError(f"{self._server_ca}: there is no certificate in PEM in it") from None
        elif self._system_trust:
            _trust_the_system_s(context)
        if self._server_ca is not None or self._system_trust:
            context.set_verify(SSL.VERIFY_PEER, _as_openssl_says)
        return context


def _trust_the_system_s(context: SSL.Context) -> None:
    # not pyOpenSSL's own default: its OpenSSL does not know where this system keeps them, Python's ssl does
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        context.load_verify_locations(paths.cafile, paths.capath)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _as_openssl_says(_tls: object, _certificate: object, _error: int, _depth: int, is_good: int) -> bool:
    return bool(is_good)
