"""The platform's own certificate: a private CA for servers, and what it issues.

Both live long: devices keep the one or the other in their trust stores, and a change locks them out.
"""

import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from certinel.pki.authority import Authority, Validity, distinguished_name, issue, key_usage, make_ca
from certinel.pki.errors import UnusableNameError
from certinel.pki.keys import PrivateKey, PublicKey

SERVER_CA_DAYS = 20 * 365
SERVER_DAYS = 10 * 365

MAX_HOST_CHARACTERS = 253
"""Of a name in the DNS (RFC 1035, 2.3.4)."""
MAX_COMMON_NAME_CHARACTERS = 64
"""Upper bound of X.520; a longer host name stands among the alternative names only."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def make_server_ca(key: PrivateKey, *, at: datetime) -> Authority:
    """Make the CA whose certificate devices put into their trust store; it issues server certificates only."""
    # The time tells apart the CAs of two installations that one device has been given.
    subject = distinguished_name(f"certinel server CA {at:%Y-%m-%d %H:%M:%S}")
    return make_ca(subject, key, Validity.of_days(SERVER_CA_DAYS, at=at), path_length=0)


def issue_server_certificate(
    authority: Authority, names: Iterable[str], public_key: PublicKey, validity: Validity
) -> x509.Certificate:
    """Make a server certificate for host names and IP addresses; the first is also its common name.

    Raises:
        UnusableNameError: there is no name, or one is neither a host name nor an IP address.
    """
    alternatives = list(dict.fromkeys(_alternative_name(name) for name in names))
    if not alternatives:
        raise UnusableNameError("a server certificate needs at least one name")
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        # RSA key exchange, where a client of TLS 1.2 knows nothing better, enciphers
        (key_usage(digital_signature=True, key_encipherment=isinstance(public_key, rsa.RSAPublicKey)), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(alternatives), False),
    ]
    first = str(alternatives[0].value)
    subject = distinguished_name(first if len(first) <= MAX_COMMON_NAME_CHARACTERS else "certinel server")
    return issue(authority, subject, public_key, validity, extensions)


def names_of(certificate: x509.Certificate) -> frozenset[str]:
    """Return the host names and IP addresses a certificate is good for, in the form ``normal_name`` gives."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    hosts = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return frozenset([host.lower() for host in hosts] + [str(address) for address in addresses])


def normal_name(name: str) -> str:
    """Return ``name`` as certificates have it: in lower case, not ASCII as IDNA, an address in its short form.

    Raises:
        UnusableNameError: it is neither a host name nor an IP address.
    """
    return str(_alternative_name(name).value)


def _alternative_name(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        pass
    try:
        host = name.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        host = ""
    labels = host.removeprefix("*.").split(".")
    if len(host) > MAX_HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise UnusableNameError(f"{name!r} is neither a host name nor an IP address")
    return x509.DNSName(host)
