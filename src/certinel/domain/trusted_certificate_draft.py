"""What a tenant wants to upload, and whether it can be a trusted certificate."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.pem import CertificateTextError, first_der
from certinel.domain.trusted_certificate import TrustStatus

MAX_TEXT_CHARACTERS = 65_536
"""Far above any CA certificate, also as the output of ``openssl x509 -text``."""

MAX_NAME_CHARACTERS = 256

_NOT_IN_NAMES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, half surrogate pairs (which no database stores) and line separators."""

_VERSION_WITH_EXTENSIONS = 3


class UnacceptableCertificateError(DeviceIdentityError):
    """The certificate cannot be a trusted certificate; the message says why."""

    code = "trusted-certificate/unacceptable"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedCertificateDraft:
    """An upload before it is accepted."""

    certificate_text: str
    """In any form that ``domain.pem`` reads."""
    status: TrustStatus
    name: str | None = None
    auto_registration: bool = False
    in_trust_store: bool = True

    def accepted_certificate(self, at: datetime) -> Certificate:
        """Read the certificate and check that it can be the trust anchor of devices (trust.md section 3, rule 2).

        One that is not valid yet is accepted: whether it is valid counts when a device connects.

        Raises:
            UnacceptableCertificateError: naming the first fault.
        """
        certificate = _read(self.certificate_text)
        check_name(self.name)
        fault = _fault_of(certificate)
        if fault is not None:
            raise UnacceptableCertificateError(f"Cannot process certificate data. : {fault}")
        check_not_expired(certificate, at)
        return certificate


def check_name(name: str | None) -> None:
    """Refuse a name that cannot be stored or shown on a line."""
    if name is None:
        return
    if len(name) > MAX_NAME_CHARACTERS or any(unicodedata.category(character) in _NOT_IN_NAMES for character in name):
        raise UnacceptableCertificateError(
            f"The name of a trusted certificate must be at most {MAX_NAME_CHARACTERS} characters on one line."
        )


def check_not_expired(certificate: Certificate, at: datetime) -> None:
    """Refuse a certificate whose validity has ended, in the contract's words."""
    if at.replace(microsecond=0) > certificate.not_after:
        raise UnacceptableCertificateError("Can not activate a certificate which is either expired or not yet valid")


def _read(text: str) -> Certificate:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise UnacceptableCertificateError(
            f"Cannot parse X509 certificate. : Could not parse certificate: over {MAX_TEXT_CHARACTERS} characters"
        )
    try:
        return Certificate.parse(first_der(text))
    except (CertificateTextError, MalformedCertificateError) as error:
        raise UnacceptableCertificateError(
            f"Cannot parse X509 certificate. : Could not parse certificate: {error}"
        ) from error


def _fault_of(certificate: Certificate) -> str | None:
    if certificate.version != _VERSION_WITH_EXTENSIONS:
        return f"Certificate must be of X.509 version 3, not {certificate.version}"
    if not certificate.is_ca:
        return "Certificate must be a CA certificate"
    if certificate.is_ed25519:
        return (
            "The key of the CA is Ed25519, which is accepted for device certificates only; "
            "use RSA of 2048 to 8192 bits or EC on P-256, P-384 or P-521"
        )
    if certificate.key_weakness is not None:
        return f"The key of the CA is not accepted: {certificate.key_weakness}"
    return None
