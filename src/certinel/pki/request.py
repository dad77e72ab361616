"""Certificate signing requests (PKCS#10, RFC 2986)."""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.pki.authority import hash_for
from certinel.pki.errors import NotARequestError
from certinel.pki.keys import PrivateKey, PublicKey


def make_request(subject: x509.Name, key: PrivateKey) -> bytes:
    """Return a request in PEM for a certificate of ``subject`` with the public half of ``key``."""
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hash_for(key))
    return request.public_bytes(Encoding.PEM)


def read_request(content: bytes) -> tuple[x509.Name, PublicKey]:
    """Return the subject and the key of a request in PEM or DER that was signed with that key.

    What else it asks for, such as extensions, is ignored: the CA decides that. The strength of the key is *not*
    checked.

    Raises:
        NotARequestError: it is none, its signature is wrong, or its key is of a kind that we do not use.
    """
    try:
        is_pem = b"-----BEGIN" in content
        request = x509.load_pem_x509_csr(content) if is_pem else x509.load_der_x509_csr(content)
        is_signed = request.is_signature_valid
        key = request.public_key()
        subject = request.subject
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise NotARequestError("it is not a certificate signing request, or it is damaged") from None
    if not is_signed:
        raise NotARequestError("it was not signed with the key that it is for")
    if not isinstance(key, PublicKey):
        raise NotARequestError("its key is neither EC nor RSA nor Ed25519")
    return subject, key
