"""The list that the platform signs for a tenant, read again by the library."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certinel.domain.revoked_serials import serial_octets
from certinel.pki.revocation_list import ListIssuer, ListWriter
from support.certificates import AT, root_authority

REVOKED_AT = datetime(2023, 1, 11, 16, 12, 36, tzinfo=UTC)
ISSUER = ListIssuer.made("t1000", AT)
CA_NAME = root_authority("Plant CA").certificate.subject


Entry = tuple[bytes, int, bytes | None]


def entry(serial: int, issuer: x509.Name | None = None, revoked_at: datetime = REVOKED_AT) -> Entry:
    milliseconds = int(revoked_at.timestamp()) * 1000
    return serial_octets(serial), milliseconds, issuer.public_bytes() if issuer else None


def made(*entries: Entry, number: int = 5) -> x509.CertificateRevocationList:
    writer = ListWriter()
    for one in entries:
        writer.add([one])
    return x509.load_der_x509_crl(writer.signed(ISSUER, number, AT))


@pytest.mark.parametrize("entries", [(), (entry(1),), (entry(0x1000), entry(2**159), entry(7, CA_NAME))])
def test_list_is_signed_by_its_issuer(entries: tuple[Entry, ...]) -> None:
    key = ISSUER.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert made(*entries).is_signature_valid(key)


def test_list_names_issuer_number_and_thirty_days() -> None:
    revocation_list = made(number=2**40)
    assert revocation_list.issuer.rfc4514_string() == "CN=t1000,O=certinel"
    assert revocation_list.last_update_utc == AT
    assert revocation_list.next_update_utc == AT + timedelta(days=30)
    assert revocation_list.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 2**40


def test_empty_list_is_a_list() -> None:
    assert list(made()) == []


def test_entries_have_serial_and_date() -> None:
    (found,) = made(entry(2**159 + 1))
    assert (found.serial_number, found.revocation_date_utc) == (2**159 + 1, REVOKED_AT)


@pytest.mark.parametrize("year", [1949, 1950, 2049, 2050])
def test_dates_of_every_age_are_written(year: int) -> None:
    date = datetime(year, 6, 1, tzinfo=UTC)
    (found,) = made(entry(1, revoked_at=date))
    assert found.revocation_date_utc == date


def test_entries_without_issuer_come_first_and_make_no_indirect_list() -> None:
    revocation_list = made(entry(1), entry(2))
    with pytest.raises(x509.ExtensionNotFound):
        revocation_list.extensions.get_extension_for_class(x509.IssuingDistributionPoint)


def test_entry_with_issuer_says_whose_certificate_it_is() -> None:
    revocation_list = made(entry(7, CA_NAME), entry(1))
    alone, with_issuer = revocation_list
    assert (alone.serial_number, with_issuer.serial_number) == (1, 7)
    (extension,) = with_issuer.extensions
    assert isinstance(extension.value, x509.CertificateIssuer)
    assert extension.critical
    (name,) = extension.value.get_values_for_type(x509.DirectoryName)
    assert name == CA_NAME
    scope = revocation_list.extensions.get_extension_for_class(x509.IssuingDistributionPoint)
    assert scope.critical
    assert scope.value.indirect_crl


def test_issuer_may_sign_lists_and_nothing_else() -> None:
    usage = ISSUER.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    constraints = ISSUER.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (usage.crl_sign, usage.key_cert_sign, usage.digital_signature, constraints.ca) == (True, False, False, False)


def test_issuer_is_read_back_from_what_is_stored() -> None:
    read = ListIssuer.read(ISSUER.certificate_der, ISSUER.private_key)
    assert read.certificate == ISSUER.certificate
    assert read.key.public_key() == ISSUER.key.public_key()


def test_key_of_the_issuer_is_not_shown() -> None:
    assert "PRIVATE" not in repr(ISSUER)
