"""Certificates as people have them: PEM with anything around it, DER, bare base64, PKCS#12."""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.domain.pem import CertificateTextError, all_der
from certinel.pki.errors import NotAStoreError, PkiError
from certinel.pki.keystore import read_store

_DER_SEQUENCE = 0x30


class NoCertificatesError(PkiError):
    """There is no certificate in the content, or one is cut off."""

    def __init__(self) -> None:
        super().__init__("there is no certificate in it, or one is cut off")


def certificates_in(content: bytes, passphrase: str | None = None) -> list[bytes]:
    """Return the DER of every certificate in ``content``, in its order; of a key store, that of the key first.

    What is in PEM is not parsed: a damaged certificate is to be explained, not to be an error.

    Raises:
        NoCertificatesError: there is none, or one is cut off.
        WrongPassphraseError: it is a store that the passphrase, or none, does not open.
        NotAStoreError: it is a store that cannot be read, or one without certificates.
    """
    if content[:1] == bytes([_DER_SEQUENCE]):
        return _binary(content, passphrase)
    try:
        return all_der(content.decode(errors="replace"))
    except CertificateTextError:
        raise NoCertificatesError from None


def _binary(content: bytes, passphrase: str | None) -> list[bytes]:
    try:
        store = read_store(content, passphrase or "")
    except NotAStoreError:
        return [content]
    found = [*store.chain, *store.trusted.values()]
    if not found:
        raise NotAStoreError("there is no certificate in this key store")
    return [_der(certificate) for certificate in found]


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
