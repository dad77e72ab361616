"""PKCS#12 stores."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.pki.authority import Validity, distinguished_name, issue_device, make_ca
from certinel.pki.errors import (
    AliasTakenError,
    NotAnAuthorityError,
    NotAStoreError,
    UnusablePassphraseError,
    WrongPassphraseError,
)
from certinel.pki.keys import generate_key
from certinel.pki.keystore import (
    DEVICE_KEY_ALIAS,
    SERVER_CERTIFICATE_ALIAS,
    make_keystore,
    make_truststore,
    read_store,
    with_trusted,
)

VALIDITY = Validity.of_days(30, at=datetime(2026, 11, 23, tzinfo=UTC))
CA = make_ca(distinguished_name("CA"), generate_key(), VALIDITY)
OTHER_CA = make_ca(distinguished_name("Other CA"), generate_key(), VALIDITY)
KEY = generate_key()
DEVICE = issue_device(CA, "pump-7", KEY.public_key(), VALIDITY)
KEYSTORE = make_keystore(KEY, [DEVICE, CA.certificate], "changeit")
TRUSTSTORE = make_truststore({SERVER_CERTIFICATE_ALIAS: CA.certificate}, "changeit")


def test_a_keystore_holds_the_key_and_its_whole_chain() -> None:
    store = read_store(KEYSTORE, "changeit")
    assert store.key is not None
    assert store.key.public_key() == KEY.public_key()
    assert store.key_alias == DEVICE_KEY_ALIAS
    assert store.chain == [DEVICE, CA.certificate]
    assert store.trusted == {}


def test_a_truststore_holds_certificates_under_their_aliases() -> None:
    store = read_store(TRUSTSTORE, "changeit")
    assert store.key is None
    assert store.chain == []
    assert store.trusted == {SERVER_CERTIFICATE_ALIAS: CA.certificate}


def test_a_truststore_takes_a_further_certificate() -> None:
    extended = with_trusted(TRUSTSTORE, "second", OTHER_CA.certificate, "changeit")
    assert read_store(extended, "changeit").trusted == {
        SERVER_CERTIFICATE_ALIAS: CA.certificate,
        "second": OTHER_CA.certificate,
    }


def test_an_alias_is_taken_whatever_its_case() -> None:
    with pytest.raises(AliasTakenError):
        with_trusted(TRUSTSTORE, "ServerCertificate", OTHER_CA.certificate, "changeit")


def test_a_keystore_takes_no_trusted_certificate() -> None:
    with pytest.raises(NotAStoreError):
        with_trusted(KEYSTORE, "second", OTHER_CA.certificate, "changeit")


def test_the_key_of_a_keystore_belongs_to_its_first_certificate() -> None:
    with pytest.raises(NotAnAuthorityError):
        make_keystore(KEY, [CA.certificate, DEVICE], "changeit")
    with pytest.raises(NotAnAuthorityError):
        make_keystore(KEY, [], "changeit")


def test_an_empty_truststore_is_not_made() -> None:
    with pytest.raises(NotAStoreError):
        make_truststore({}, "changeit")


def test_a_store_needs_a_passphrase_that_java_takes() -> None:
    with pytest.raises(UnusablePassphraseError):
        make_keystore(KEY, [DEVICE], "short")


def test_a_wrong_passphrase_opens_no_store() -> None:
    with pytest.raises(WrongPassphraseError):
        read_store(KEYSTORE, "wrong!")


@pytest.mark.parametrize("content", [b"", b"\xfe\xed\xfe\xed jks", KEYSTORE[:-50]])
def test_what_is_no_store(content: bytes) -> None:
    with pytest.raises(NotAStoreError):
        read_store(content, "changeit")


@given(st.binary())
def test_any_bytes_are_no_store(content: bytes) -> None:
    with pytest.raises((NotAStoreError, WrongPassphraseError)):
        read_store(content, "changeit")


def test_the_key_does_not_show_in_the_repr_of_a_store() -> None:
    assert "PrivateKey" not in repr(read_store(KEYSTORE, "changeit"))
