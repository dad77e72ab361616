"""Whom simulated devices take for the platform: its certificate is verified in full once, then known by its bytes."""

import ssl
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto

from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.services.clock import Clock

MAX_REMEMBERED = 16
"""More certificates than a platform behind a load balancer presents at a time."""


class UntrustedServerError(Exception):
    """The server's certificate is not good; the message says why."""


class ServerTrust:
    """Decides whether the certificate of a server is good, for thousands of handshakes with the same one.

    A certificate is good when OpenSSL finds a path from it to a trusted CA, every certificate of the path may serve a
    TLS server and none of them is weak. That verdict is remembered for exactly these bytes and for as long as every
    certificate of the path is valid, by this object alone; the handshake proves each time that the server holds the
    key. Everything else is verified in full, also after a good one. *Not* checked: the server's name, revocation.
    """

    def __init__(self, clock: Clock, cas: Path | str | None, folder_of_cas: str | None = None) -> None:
        """Trust the CAs in a file, in PEM, and in a folder as OpenSSL wants it."""
        self._clock = clock
        self._places = (cas, folder_of_cas)
        self._good: OrderedDict[bytes, tuple[datetime, datetime]] = OrderedDict()

    @classmethod
    def of_this_computer(cls, clock: Clock) -> Self:
        """Trust the CAs that this computer trusts."""
        # not pyOpenSSL's own default: its OpenSSL does not know where this system keeps them, Python's ssl does
        paths = ssl.get_default_verify_paths()
        return cls(clock, paths.cafile, paths.capath)

    def check(self, tls: SSL.Connection) -> bool:
        """Check the certificate that a server has presented; False as long as it has presented none.

        Raises:
            UntrustedServerError: the certificate is not good.
        """
        leaf = tls.get_peer_certificate()
        if leaf is None:
            return False
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, leaf)
        now = self._clock.now()
        known = self._good.get(der)
        if known is None or not known[0] <= now <= known[1]:
            self._remember(der, self._path(leaf, tls.get_peer_cert_chain() or [], now))
        return True

    def _path(self, leaf: crypto.X509, presented: list[crypto.X509], at: datetime) -> list[Certificate]:
        """Return the path from a certificate to a trusted one, or say why it is not good."""
        try:
            store = self._anchors()
            store.set_time(at)
            path = crypto.X509StoreContext(store, leaf, presented).get_verified_chain()
            found = [Certificate.parse(crypto.dump_certificate(crypto.FILETYPE_ASN1, one)) for one in path]
        except (crypto.Error, crypto.X509StoreContextError, MalformedCertificateError) as error:
            raise UntrustedServerError(str(error) or "no CA can be read") from None
        _check_usage(found)
        _check_strength(found)
        return found

    def _anchors(self) -> crypto.X509Store:
        # a store for every verification: OpenSSL takes the time of a store only once
        store = crypto.X509Store()
        store.load_locations(*self._places)
        return store

    def _remember(self, der: bytes, path: list[Certificate]) -> None:
        self._good[der] = max(one.not_before for one in path), min(one.not_after for one in path)
        if len(self._good) > MAX_REMEMBERED:
            self._good.popitem(last=False)


def _check_usage(path: list[Certificate]) -> None:
    """Ask of every certificate what OpenSSL's purpose "sslserver" does; that the issuers are CAs it has seen to."""
    for certificate in path:
        usages = certificate.extended_key_usage
        if usages is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usages:
            raise UntrustedServerError(f"{certificate.subject_text} may not be used for a TLS server")
    usage = path[0].key_usage
    if usage is not None and not _serves_handshakes(usage):
        raise UntrustedServerError(f"the key usage of {path[0].subject_text} does not allow a TLS handshake")


def _serves_handshakes(usage: x509.KeyUsage) -> bool:
    return usage.digital_signature or usage.key_encipherment or usage.key_agreement


def _check_strength(path: list[Certificate]) -> None:
    for number, certificate in enumerate(path):
        if certificate.key_weakness is not None:
            raise UntrustedServerError(f"{certificate.subject_text}: {certificate.key_weakness}")
        is_anchor = number == len(path) - 1
        if certificate.is_signature_weak and not is_anchor:
            raise UntrustedServerError(f"{certificate.subject_text} is signed with {certificate.algorithm_name}")
