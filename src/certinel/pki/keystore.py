"""PKCS#12 stores as Java reads them: the device's key store and its trust store.

A store that holds a key *and* trusted certificates, which the Java keytool can make, is not made here: the marks
of a trusted certificate cannot be written beside a key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    load_pkcs12,
    serialize_java_truststore,
    serialize_key_and_certificates,
)

from certinel.pki.chain import ordered
from certinel.pki.errors import (
    AliasTakenError,
    NotAnAuthorityError,
    NotAStoreError,
    UnusablePassphraseError,
    WrongPassphraseError,
)
from certinel.pki.keys import MAX_PASSPHRASE_BYTES, PrivateKey

DEVICE_KEY_ALIAS = "devicekeyentry"
SERVER_CERTIFICATE_ALIAS = "servercertificate"
"""The aliases under which guides for Java clients look for the two."""

MIN_PASSPHRASE_CHARACTERS = 6
"""Of the Java keytool, which opens and converts no store with a shorter one."""


@dataclass(frozen=True, slots=True)
class Store:
    """What a PKCS#12 store holds."""

    key: PrivateKey | None = field(repr=False)
    key_alias: str | None
    chain: Sequence[x509.Certificate]
    """The certificate of the key and its issuers, as far as they are there."""
    trusted: Mapping[str, x509.Certificate]
    """All other certificates, under their aliases."""


def make_keystore(
    key: PrivateKey, chain: Sequence[x509.Certificate], passphrase: str, *, alias: str = DEVICE_KEY_ALIAS
) -> bytes:
    """Make the store with which a device authenticates itself; ``chain`` begins with its own certificate.

    Raises:
        NotAnAuthorityError: the key is not that of the first certificate.
    """
    if not chain or chain[0].public_key() != key.public_key():
        raise NotAnAuthorityError("the private key does not belong to the first certificate of the chain")
    return serialize_key_and_certificates(alias.encode(), key, chain[0], chain[1:], _encryption(passphrase))


def make_truststore(trusted: Mapping[str, x509.Certificate], passphrase: str) -> bytes:
    """Make the store of those a device trusts, each under its alias; Java takes aliases without regard to case."""
    entries = [PKCS12Certificate(certificate, alias.encode()) for alias, certificate in trusted.items()]
    if not entries:
        raise NotAStoreError("a trust store needs at least one certificate")
    return serialize_java_truststore(entries, _encryption(passphrase))


def with_trusted(pkcs12: bytes, alias: str, certificate: x509.Certificate, passphrase: str) -> bytes:
    """Return a trust store with one certificate more.

    Raises:
        AliasTakenError: there is an entry of that alias.
        NotAStoreError: it is no trust store.
        WrongPassphraseError: the passphrase does not open it.
    """
    store = read_store(pkcs12, passphrase)
    if store.key is not None:
        raise NotAStoreError("it holds a private key: keep trusted certificates in a store of their own")
    if alias.lower() in {taken.lower() for taken in store.trusted}:
        raise AliasTakenError(alias)
    return make_truststore({**store.trusted, alias: certificate}, passphrase)


def read_store(pkcs12: bytes, passphrase: str) -> Store:
    """Read a store, whoever wrote it.

    Raises:
        NotAStoreError: it is no PKCS#12 store, for example a JKS one.
        WrongPassphraseError: the passphrase does not open it.
    """
    try:
        content = load_pkcs12(pkcs12, passphrase.encode())
    except ValueError as error:
        if "password" in str(error).lower():
            raise WrongPassphraseError from None
        raise NotAStoreError("it is not a PKCS#12 store, or it is damaged") from None
    key = content.key
    if key is not None and not isinstance(key, PrivateKey):
        raise NotAStoreError("its private key is neither EC nor RSA nor Ed25519")
    others = [(_text(entry.friendly_name), entry.certificate) for entry in content.additional_certs]
    own = content.cert
    chain = ordered(own.certificate, [certificate for _, certificate in others]) if own is not None else []
    return Store(
        key=key,
        key_alias=_text(own.friendly_name) if own is not None else None,
        chain=chain,
        trusted={alias: certificate for alias, certificate in others if certificate not in chain},
    )


def _text(friendly_name: bytes | None) -> str:
    return (friendly_name or b"").decode(errors="replace")


def _encryption(passphrase: str) -> BestAvailableEncryption:
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS or len(passphrase.encode()) > MAX_PASSPHRASE_BYTES:
        raise UnusablePassphraseError(f"the passphrase of a store has at least {MIN_PASSPHRASE_CHARACTERS} characters")
    return BestAvailableEncryption(passphrase.encode())
