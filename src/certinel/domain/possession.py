"""Proof of possession: a tenant shows that it holds the private key of its trusted certificate by signing a code.

Made for ``openssl dgst -sha256 -sign key code.txt | openssl base64 -A``. What a proof is good for is *not* decided
here: see ``tenant_choice`` and ``admission``.
"""

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.trusted_certificate import TrustedCertificate

MAX_SIGNATURE_CHARACTERS = 4096
"""RSA of 8192 bits signs with 1368 characters of base64; the rest is room for line breaks and indentation."""


class NothingToProveError(DeviceIdentityError):
    """There is no code to be signed: it was used, and no other was asked for."""

    code = "possession/no-code"

    def __init__(self, trusted: TrustedCertificate) -> None:
        super().__init__(_cannot_process(trusted))


class MalformedSignatureError(DeviceIdentityError):
    """The signature is not base64, or far too long."""

    code = "possession/malformed-signature"

    def __init__(self, trusted: TrustedCertificate) -> None:
        super().__init__(_cannot_process(trusted))


class VerificationCodeExpiredError(DeviceIdentityError):
    """The code could be used until some time ago."""

    code = "possession/code-expired"

    def __init__(self, trusted: TrustedCertificate) -> None:
        super().__init__(
            f"Proof of possession verification code used for tenant {trusted.tenant} expired. "
            f"Certificate {trusted.fingerprint}, usage not granted."
        )


class WrongSignatureError(DeviceIdentityError):
    """The signature was not made over the code with the key of the certificate."""

    code = "possession/wrong-signature"

    def __init__(self, trusted: TrustedCertificate) -> None:
        super().__init__(
            f"Wrong proof of possession verification code used for tenant {trusted.tenant}. "
            f"Certificate {trusted.fingerprint}, usage not granted."
        )


def _cannot_process(trusted: TrustedCertificate) -> str:
    return f"Cannot process certificate data <'{trusted.fingerprint}'> for tenant <'{trusted.tenant}'>."


def proven_by(trusted: TrustedCertificate, signature_text: str, at: datetime) -> TrustedCertificate:
    """Return ``trusted`` proven, its code used up, if ``signature_text`` is a signature of that code by its key.

    Accepted, over SHA-256 and in base64 with white space anywhere: RSA with PKCS #1 v1.5 padding or PSS, ECDSA in DER.
    At most eight signature checks are made. Whether the certificate is valid or enabled is *not* checked: possession
    can be proven beforehand.

    Raises:
        NothingToProveError: it has no code.
        MalformedSignatureError: the text is not base64.
        VerificationCodeExpiredError: the code is too old, whatever the signature.
        WrongSignatureError: it is a signature of something else, or by another key; the code stays usable.
    """
    code = trusted.verification_code
    if code is None:
        raise NothingToProveError(trusted)
    signature = _decoded(signature_text)
    if signature is None:
        raise MalformedSignatureError(trusted)
    if not code.is_usable(at):
        raise VerificationCodeExpiredError(trusted)
    key = trusted.certificate.parsed.public_key()
    if not any(_is_signature_of(content, signature, key) for content in code.signable):
        raise WrongSignatureError(trusted)
    return trusted.proven(at)


def _decoded(text: str) -> bytes | None:
    if len(text) > MAX_SIGNATURE_CHARACTERS:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _is_signature_of(content: bytes, signature: bytes, key: CertificatePublicKeyTypes) -> bool:
    match key:
        case rsa.RSAPublicKey():
            return any(_holds_for_rsa(content, signature, key, scheme) for scheme in _RSA_SCHEMES)
        case ec.EllipticCurvePublicKey():
            return _holds_for_ec(content, signature, key)
        case _:  # a certificate with another key cannot be uploaded
            return False


_RSA_SCHEMES: tuple[padding.AsymmetricPadding, ...] = (
    padding.PKCS1v15(),
    padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO),  # the length of the salt differs between programs
)


def _holds_for_rsa(content: bytes, signature: bytes, key: rsa.RSAPublicKey, scheme: padding.AsymmetricPadding) -> bool:
    try:
        key.verify(signature, content, scheme, SHA256())
    except InvalidSignature:
        return False
    return True


def _holds_for_ec(content: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    try:
        key.verify(signature, content, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
