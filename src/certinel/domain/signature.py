"""Who signed a certificate, told by its signature alone. Whether it is strong enough is *not* decided here."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from OpenSSL.crypto import X509, X509Store, X509StoreContext, X509StoreContextError, X509StoreFlags

from certinel.domain.certificate import Certificate

MAX_VERIFICATION_COST = 25
"""RSA of 8192 bits with the longest exponent costs 22."""

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which pyOpenSSL does not name."""


def is_signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether ``certificate`` was signed with the key of ``issuer`` and bears its name as issuer.

    Nothing is taken to be signed with a key that costs too much to try.
    """
    if issuer.verification_cost > MAX_VERIFICATION_COST:
        return False
    if certificate.is_signature_weak:
        return _openssl_agrees(certificate, issuer)
    try:
        certificate.parsed.verify_directly_issued_by(issuer.parsed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _openssl_agrees(certificate: Certificate, issuer: Certificate) -> bool:
    # cryptography does not verify MD5 and SHA-1; their owner is to learn that such certificates are about
    store = X509Store()
    store.add_cert(X509.from_cryptography(issuer.parsed))
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN | NO_CHECK_TIME)
    try:
        X509StoreContext(store, X509.from_cryptography(certificate.parsed)).verify_certificate()
    except X509StoreContextError:
        return False
    return True
