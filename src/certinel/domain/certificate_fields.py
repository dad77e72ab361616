"""Every field of a certificate under the name people know it by, and what the certificate is good for."""

from datetime import datetime

from cryptography.x509.oid import ExtendedKeyUsageOID

from certinel.domain.certificate import Certificate, common_name_fault
from certinel.domain.certificate_facts import key_text
from certinel.domain.extension_words import extension_words
from certinel.domain.pem import armoured
from certinel.domain.signature import is_signed_by
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft, UnacceptableCertificateError
from certinel.domain.unique_identifiers import unique_identifiers


def fields_of(certificate: Certificate) -> dict[str, str]:
    """Return every field of X.509 version 3 under the name people know it by."""
    issuer_id, subject_id = unique_identifiers(certificate)
    parsed = certificate.parsed
    is_own = is_signed_by(certificate, certificate)
    fields = {
        "Version": str(certificate.version),
        "Serial number": f"{certificate.serial_number:x} ({certificate.serial_number})",
        "Issuer": certificate.issuer_text,
        "Not before": exact(certificate.not_before),
        "Not after": exact(certificate.not_after),
        "Subject": certificate.subject_text,
        "Self-signed": "yes" if is_own else "no",
        "Public key algorithm": key_text(certificate),
        "Subject public key": certificate.public_key.hex(),
        "Certificate signature algorithm": certificate.algorithm_name,
        "Certificate signature": parsed.signature.hex(),
        "Issuer unique identifier": issuer_id.hex() if issuer_id is not None else "none",
        "Subject unique identifier": subject_id.hex() if subject_id is not None else "none",
        "SHA-1 fingerprint": certificate.fingerprint,
        "SHA-256 fingerprint": certificate.sha256.hex(),
    }
    return fields | {f"Extension {name}": words for name, words in extension_words(certificate)}


def findings(certificate: Certificate, at: datetime) -> list[str]:
    """Say what keeps the certificate from being a trusted certificate, and from being that of a device."""
    trusted, device = fault_as_trusted(certificate, at), fault_as_device(certificate, at)
    limit = ", but only of a tenant that trusts this very one" if certificate.is_ca else ""
    return [
        f"not as trusted certificate: {trusted}" if trusted else "good as trusted certificate",
        f"not as device certificate: {device}" if device else f"good as device certificate{limit}",
    ]


def fault_as_trusted(certificate: Certificate, at: datetime) -> str | None:
    """Say what keeps the certificate from being uploaded as a trusted certificate; None when nothing does."""
    draft = TrustedCertificateDraft(certificate_text=armoured(certificate.der), status=TrustStatus.ENABLED)
    try:
        draft.accepted_certificate(at)
    except UnacceptableCertificateError as error:
        return str(error).removeprefix("Cannot process certificate data. : ")
    return None


def fault_as_device(certificate: Certificate, at: datetime) -> str | None:
    """Say what keeps the certificate from being that of a device, as far as it alone tells; None when nothing does."""
    if not certificate.is_valid(at):
        return "it has expired" if at > certificate.not_after else "it is not valid yet"
    if certificate.key_weakness is not None:
        return f"its key: {certificate.key_weakness}"
    if certificate.is_signature_weak:
        return f"it is signed with {certificate.algorithm_name}, which is not safe"
    usages = certificate.extended_key_usage
    purposes = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usages is not None and not purposes & set(usages):
        return "its extended key usage does not allow it to be a client"
    name = common_name_fault(certificate)
    return f"its common name: {name}" if name else None


def exact(at: datetime) -> str:
    """Write a moment to the second."""
    return f"{at:%-d %b %Y, %H:%M:%S} UTC"
