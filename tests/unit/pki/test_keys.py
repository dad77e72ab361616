"""Private keys: made, written and read."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from certinel.pki.errors import (
    NotAKeyError,
    PassphraseRequiredError,
    PkiError,
    UnusablePassphraseError,
    WrongPassphraseError,
)
from certinel.pki.keys import KeyType, PrivateKey, generate_key, key_from_pem, key_to_pem

KEY = generate_key(KeyType.EC_P256)
ENCRYPTED = key_to_pem(KEY, "correct horse")


@pytest.mark.parametrize(
    ("key_type", "kind", "bits"),
    [
        (KeyType.EC_P256, ec.EllipticCurvePrivateKey, 256),
        (KeyType.EC_P384, ec.EllipticCurvePrivateKey, 384),
        (KeyType.RSA_2048, rsa.RSAPrivateKey, 2048),
        (KeyType.RSA_3072, rsa.RSAPrivateKey, 3072),
        (KeyType.RSA_4096, rsa.RSAPrivateKey, 4096),
    ],
)
def test_a_generated_key_is_of_the_kind_and_size_asked_for(key_type: KeyType, kind: type, bits: int) -> None:
    key = generate_key(key_type)
    assert isinstance(key, kind)
    assert not isinstance(key, ed25519.Ed25519PrivateKey)
    assert key.key_size == bits


@pytest.mark.parametrize("key", [KEY, generate_key(KeyType.RSA_2048), generate_key(KeyType.ED25519)])
@pytest.mark.parametrize("passphrase", [None, "correct horse", "pässword"])
def test_a_written_key_reads_back(key: PrivateKey, passphrase: str | None) -> None:
    assert key_from_pem(key_to_pem(key, passphrase), passphrase).public_key() == key.public_key()


def test_keys_are_written_as_pkcs8() -> None:
    assert key_to_pem(KEY).startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert ENCRYPTED.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")


@pytest.mark.parametrize("passphrase", [None, "secret"])
def test_keys_in_traditional_form_are_read(passphrase: str | None) -> None:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption)
    assert key_from_pem(pem, passphrase).public_key() == KEY.public_key()


def test_what_stands_around_a_key_is_skipped() -> None:
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    assert key_from_pem(b"my key\r\n" + parameters + key_to_pem(KEY)).public_key() == KEY.public_key()


def test_a_passphrase_that_is_not_needed_is_ignored() -> None:
    assert key_from_pem(key_to_pem(KEY), "whatever").public_key() == KEY.public_key()


@pytest.mark.parametrize("passphrase", [None, ""])
def test_an_encrypted_key_needs_its_passphrase(passphrase: str | None) -> None:
    with pytest.raises(PassphraseRequiredError):
        key_from_pem(ENCRYPTED, passphrase)


def test_a_wrong_passphrase_is_told_from_a_damaged_key() -> None:
    with pytest.raises(WrongPassphraseError):
        key_from_pem(ENCRYPTED, "wrong")
    with pytest.raises(NotAKeyError, match="damaged"):
        key_from_pem(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"\xff\xfe",
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        key_to_pem(KEY)[:-30],
        x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_what_is_no_usable_private_key(pem: bytes) -> None:
    with pytest.raises(NotAKeyError):
        key_from_pem(pem)


@pytest.mark.parametrize("passphrase", ["", "x" * 1024])
def test_a_passphrase_that_cannot_encrypt_is_refused(passphrase: str) -> None:
    with pytest.raises(UnusablePassphraseError):
        key_to_pem(KEY, passphrase)


@given(st.binary())
def test_any_bytes_are_a_key_or_one_of_our_errors(body: bytes) -> None:
    with pytest.raises(PkiError):
        key_from_pem(b"-----BEGIN PRIVATE KEY-----\n" + body + b"\n-----END PRIVATE KEY-----\n")
