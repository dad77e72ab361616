"""Revocation lists of our own CAs (RFC 5280, section 5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.pki.authority import Authority, authority_key_identifier, hash_for
from certinel.pki.errors import NotAnAuthorityError, UnusableValidityError

_MARK = b"-----BEGIN X509 CRL-----"
_DER_SEQUENCE = b"\x30"


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One line of a list."""

    serial: int
    revoked_at: datetime
    reason: x509.ReasonFlags | None = None


def crl_in(content: bytes) -> x509.CertificateRevocationList | None:
    """Return the revocation list that ``content`` is, in PEM or DER; None when it is something else."""
    try:
        if _MARK in content:
            return x509.load_pem_x509_crl(content)
        return x509.load_der_x509_crl(content) if content.startswith(_DER_SEQUENCE) else None
    except ValueError:
        return None


def make_crl(issuer: Authority, entries: Iterable[RevokedEntry], *, number: int, at: datetime, days: int) -> bytes:
    """Return a complete list in PEM, good from ``at`` on for ``days``; ``number`` has to grow from list to list."""
    usage = issuer.facts.key_usage
    if usage is not None and not usage.crl_sign:
        raise NotAnAuthorityError("the key usage of the certificate does not allow it to sign revocation lists")
    if days <= 0:
        raise UnusableValidityError("a revocation list is good for at least one day")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(at + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(authority_key_identifier(issuer.certificate), critical=False)
    )
    for entry in entries:
        revoked = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.revoked_at)
        if (
            entry.reason is not None and entry.reason is not x509.ReasonFlags.unspecified
        ):  # RFC 5280, 5.3.1: then left out
            revoked = revoked.add_extension(x509.CRLReason(entry.reason), critical=False)
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(issuer.key, hash_for(issuer.key)).public_bytes(Encoding.PEM)
