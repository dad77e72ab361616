"""Certificate authorities and the devices they vouch for (RFC 5280)."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certinel.pki.authority import (
    Authority,
    Validity,
    distinguished_name,
    issue_device,
    issue_intermediate,
    make_ca,
)
from certinel.pki.errors import NotAnAuthorityError, UnusableNameError, UnusableValidityError
from certinel.pki.keys import KeyType, generate_key
from support.certificates import root_authority, usage

T = TypeVar("T", bound=x509.ExtensionType)

NOW = datetime(2026, 11, 23, 12, 0, 0, 500, tzinfo=UTC)
YEAR = Validity.of_days(365, at=NOW)
KEY = generate_key(KeyType.EC_P256)
OTHER_KEY = generate_key(KeyType.EC_P256)
CA = make_ca(distinguished_name("Plant CA", organization="Plant"), KEY, Validity.of_days(3650, at=NOW))


def device(common_name: str = "pump-7", issuer: Authority = CA) -> x509.Certificate:
    return issue_device(issuer, common_name, OTHER_KEY.public_key(), YEAR)


def extension(certificate: x509.Certificate, kind: type[T]) -> x509.Extension[T]:
    return certificate.extensions.get_extension_for_class(kind)


def test_a_ca_signs_itself() -> None:
    assert CA.certificate.subject == CA.certificate.issuer
    CA.certificate.verify_directly_issued_by(CA.certificate)


def test_a_ca_says_critically_that_it_is_one() -> None:
    constraints = extension(CA.certificate, x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=None)


def test_a_ca_may_sign_certificates_lists_and_proofs() -> None:
    usage = extension(CA.certificate, x509.KeyUsage).value
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert usage.digital_signature


def test_a_device_certificate_is_for_client_authentication_only() -> None:
    certificate = device()
    assert extension(certificate, x509.BasicConstraints).value.ca is False
    assert extension(certificate, x509.BasicConstraints).critical
    assert list(extension(certificate, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = extension(certificate, x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign


def test_key_identifiers_link_a_device_to_its_ca() -> None:
    authority = extension(device(), x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == extension(CA.certificate, x509.SubjectKeyIdentifier).value.digest
    device().verify_directly_issued_by(CA.certificate)


def test_the_common_name_is_the_device() -> None:
    (name,) = device("pump-7").subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "pump-7"


@pytest.mark.parametrize("common_name", ["", "x" * 65, "a:b", "a\0b", "a\nb", "a\u202eb"])
def test_no_device_gets_a_common_name_that_is_not_admitted(common_name: str) -> None:
    with pytest.raises(UnusableNameError):
        device(common_name)


def test_serial_numbers_are_positive_random_and_fit_20_octets() -> None:
    serials = {device().serial_number for _ in range(20)}
    assert len(serials) == 20
    assert all(0 < serial < 2**159 for serial in serials)
    assert max(serials) > 2**64


def test_a_certificate_is_valid_from_a_little_before_it_was_made() -> None:
    certificate = device()
    assert certificate.not_valid_before_utc == datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert certificate.not_valid_after_utc == datetime(2027, 11, 23, 12, tzinfo=UTC)


def test_nothing_outlives_its_issuer() -> None:
    with pytest.raises(UnusableValidityError, match="2036-11-20"):
        issue_device(CA, "pump-7", OTHER_KEY.public_key(), Validity.of_days(3651, at=NOW))


@pytest.mark.parametrize("days", [0, -1, 10**7])
def test_a_validity_is_at_least_a_day_and_ends_before_the_calendar(days: int) -> None:
    with pytest.raises(UnusableValidityError):
        Validity.of_days(days, at=NOW)


def test_a_validity_cannot_end_before_it_begins() -> None:
    with pytest.raises(UnusableValidityError):
        Validity(NOW, NOW - timedelta(seconds=1))


def test_path_lengths_count_down() -> None:
    root = make_ca(distinguished_name("Root"), KEY, YEAR, path_length=2)
    middle = issue_intermediate(root, distinguished_name("Middle"), OTHER_KEY, YEAR)
    bottom = issue_intermediate(middle, distinguished_name("Bottom"), KEY, YEAR, path_length=0)
    assert [authority.facts.path_length for authority in (root, middle, bottom)] == [2, 1, 0]
    bottom.certificate.verify_directly_issued_by(middle.certificate)
    with pytest.raises(NotAnAuthorityError, match="path length"):
        issue_intermediate(bottom, distinguished_name("Too low"), OTHER_KEY, YEAR)


def test_an_intermediate_gets_less_path_length_than_its_issuer() -> None:
    root = make_ca(distinguished_name("Root"), KEY, YEAR, path_length=1)
    with pytest.raises(NotAnAuthorityError, match="path length"):
        issue_intermediate(root, distinguished_name("Middle"), OTHER_KEY, YEAR, path_length=1)


def test_below_an_unlimited_ca_the_path_length_is_free() -> None:
    assert issue_intermediate(CA, distinguished_name("Free"), OTHER_KEY, YEAR).facts.path_length is None
    assert issue_intermediate(CA, distinguished_name("Five"), OTHER_KEY, YEAR, path_length=5).facts.path_length == 5


def test_an_authority_needs_the_key_of_its_certificate() -> None:
    with pytest.raises(NotAnAuthorityError, match="does not belong"):
        Authority(CA.certificate, OTHER_KEY)


def test_a_device_is_no_authority() -> None:
    with pytest.raises(NotAnAuthorityError, match="no CA"):
        Authority(device(), OTHER_KEY)


def test_devices_and_authorities_can_have_ed25519_keys() -> None:
    key = generate_key(KeyType.ED25519)
    authority = make_ca(distinguished_name("CA"), key, YEAR)
    certificate = issue_device(authority, "pump-7", key.public_key(), YEAR)
    assert certificate.public_key() == key.public_key()
    certificate.verify_directly_issued_by(authority.certificate)


@pytest.mark.parametrize(
    ("key_type", "algorithm"),
    [(KeyType.EC_P256, hashes.SHA256), (KeyType.EC_P384, hashes.SHA384), (KeyType.RSA_2048, hashes.SHA256)],
)
def test_the_hash_matches_the_strength_of_the_key(key_type: KeyType, algorithm: type) -> None:
    authority = make_ca(distinguished_name("CA"), generate_key(key_type), YEAR)
    assert isinstance(authority.certificate.signature_hash_algorithm, algorithm)


def test_a_key_does_not_show_in_the_repr_of_an_authority() -> None:
    assert "key" not in repr(CA)


def test_a_ca_that_may_not_sign_is_no_authority() -> None:
    ca = root_authority("CA", key_usage=usage("digital_signature"))
    assert isinstance(ca.key, ec.EllipticCurvePrivateKey)
    with pytest.raises(NotAnAuthorityError, match="key usage"):
        Authority(ca.certificate, ca.key)


def test_a_ca_from_elsewhere_without_key_identifiers_can_issue() -> None:
    ca = root_authority("CA", key_identifiers=False, key_usage=None)
    assert isinstance(ca.key, ec.EllipticCurvePrivateKey)
    certificate = device(issuer=Authority(ca.certificate, ca.key))
    certificate.verify_directly_issued_by(ca.certificate)
    authority = extension(certificate, x509.AuthorityKeyIdentifier).value
    assert authority.key_identifier == x509.SubjectKeyIdentifier.from_public_key(ca.key.public_key()).digest
