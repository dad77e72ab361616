"""Private keys: made, written and read."""

import re
from enum import StrEnum
from typing import TypeAlias, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from certinel.pki.errors import (
    NotAKeyError,
    PassphraseRequiredError,
    UnusablePassphraseError,
    WrongPassphraseError,
)

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

RSA_EXPONENT = 65537
MAX_PASSPHRASE_BYTES = 1023
"""What cryptography and OpenSSL take."""

_PEM_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_MARKS_OF_ENCRYPTION = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")


class KeyType(StrEnum):
    """The kinds of keys we make, by the names the command line has for them."""

    EC_P256 = "ec-p256"
    EC_P384 = "ec-p384"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    ED25519 = "ed25519"


def generate_key(key_type: KeyType = KeyType.EC_P256) -> PrivateKey:
    """Make a new private key with the randomness of the operating system."""
    match key_type:
        case KeyType.EC_P256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyType.EC_P384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyType.RSA_2048:
            return rsa.generate_private_key(RSA_EXPONENT, 2048)
        case KeyType.RSA_3072:
            return rsa.generate_private_key(RSA_EXPONENT, 3072)
        case KeyType.RSA_4096:
            return rsa.generate_private_key(RSA_EXPONENT, 4096)
        case KeyType.ED25519:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            assert_never(key_type)


def key_to_pem(key: PrivateKey, passphrase: str | None = None) -> bytes:
    """Write PKCS#8 in PEM, encrypted when there is a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _encryption(passphrase))


def key_from_pem(pem: bytes, passphrase: str | None = None) -> PrivateKey:
    """Read the first private key in ``pem``: PKCS#8 or a traditional form, encrypted or not.

    Text and other PEM blocks around it are skipped, as ``openssl ecparam -genkey`` writes one. A passphrase for a
    key that is not encrypted is ignored. The strength of the key is *not* checked.

    Raises:
        NotAKeyError: there is no private key of a kind that we use.
        PassphraseRequiredError: the key is encrypted and ``passphrase`` is None.
        WrongPassphraseError: the key is encrypted and not with ``passphrase``.
    """
    found = _PEM_KEY.search(pem)
    if found is None:
        raise NotAKeyError("there is no private key in PEM in it")
    block = found.group() + b"\n"
    is_encrypted = any(mark in block for mark in _MARKS_OF_ENCRYPTION)
    if is_encrypted and not passphrase:
        raise PassphraseRequiredError
    try:
        key = load_pem_private_key(block, passphrase.encode() if passphrase and is_encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # A wrong passphrase cannot be told from damage: both give padding that makes no sense.
        if is_encrypted and not isinstance(error, UnsupportedAlgorithm):
            raise WrongPassphraseError from None
        raise NotAKeyError("the private key in it is damaged or of a kind that is not supported") from None
    if not isinstance(key, PrivateKey):
        raise NotAKeyError("its private key is neither EC nor RSA nor Ed25519")
    return key


def _encryption(passphrase: str | None) -> KeySerializationEncryption:
    if passphrase is None:
        return NoEncryption()
    if not 0 < len(passphrase.encode()) <= MAX_PASSPHRASE_BYTES:
        raise UnusablePassphraseError(f"a passphrase has 1 to {MAX_PASSPHRASE_BYTES} bytes")
    return BestAvailableEncryption(passphrase.encode())
