"""Chains of certificates as PEM files: the device first, each certificate followed by its issuer."""

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.domain.pem import CertificateTextError, all_der
from certinel.pki.errors import NotACertificateError


def chain_to_pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Write the certificates one after the other, in the order given."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def chain_from_pem(pem: bytes) -> list[x509.Certificate]:
    """Read every certificate in ``pem``, in its order, at least one.

    Raises:
        NotACertificateError: there is none, or one cannot be read.
    """
    try:
        return [x509.load_der_x509_certificate(der) for der in all_der(pem.decode())]
    except UnicodeDecodeError:
        raise NotACertificateError("it is not PEM: it is not even text") from None
    except CertificateTextError:
        raise NotACertificateError("there is no certificate in PEM in it, or one is cut off") from None
    except ValueError:
        raise NotACertificateError("a certificate in it is damaged") from None


def ordered(leaf: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return ``leaf`` and from ``others`` its issuer, that one's issuer and so on, as far as they reach.

    An issuer is recognised by name and signature. Validity and everything else is *not* checked.
    """
    chain = [leaf]
    while (issuer := _issuer_of(chain[-1], others)) is not None and issuer not in chain:
        chain.append(issuer)
    return chain


def _issuer_of(certificate: x509.Certificate, others: Sequence[x509.Certificate]) -> x509.Certificate | None:
    return next((other for other in others if _has_issued(other, certificate)), None)


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
