"""What a person wants to know of a certificate, in the words that openssl and the standards use."""

from collections.abc import Mapping
from types import MappingProxyType

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from certinel.domain.certificate import Certificate

_CURVES: Mapping[str, str] = MappingProxyType({"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"})

_KEY_USAGES: Mapping[str, str] = MappingProxyType(
    {
        "digital_signature": "digitalSignature",
        "content_commitment": "nonRepudiation",
        "key_encipherment": "keyEncipherment",
        "data_encipherment": "dataEncipherment",
        "key_agreement": "keyAgreement",
        "key_cert_sign": "keyCertSign",
        "crl_sign": "cRLSign",
    }
)
"""RFC 5280, 4.2.1.3, without the two that only matter for key agreement."""

_EXTENDED_KEY_USAGES: Mapping[x509.ObjectIdentifier, str] = MappingProxyType(
    {
        ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
        ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
        ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
        ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
        ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
        ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    }
)
"""RFC 5280, 4.2.1.12."""


def key_text(certificate: Certificate) -> str:
    """Say what kind of key the certificate has, as ``RSA 2048`` or ``EC P-256``; one that is unreadable says so."""
    try:
        key = certificate.parsed.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "unreadable"
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
        case _:
            return certificate.parsed.public_key_algorithm_oid.dotted_string


def key_usages(certificate: Certificate) -> tuple[str, ...] | None:
    """Return what the key usage allows, or None when the certificate has no key usage."""
    usage = certificate.key_usage
    if usage is None:
        return None
    return tuple(shown for name, shown in _KEY_USAGES.items() if getattr(usage, name))


def extended_key_usages(certificate: Certificate) -> tuple[str, ...] | None:
    """Return what the extended key usage allows, or None when the certificate has none."""
    usage = certificate.extended_key_usage
    if usage is None:
        return None
    return tuple(_EXTENDED_KEY_USAGES.get(purpose, purpose.dotted_string) for purpose in usage)
