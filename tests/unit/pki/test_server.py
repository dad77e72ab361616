"""The platform's own certificate."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certinel.pki.authority import Validity
from certinel.pki.errors import NotAnAuthorityError, UnusableNameError
from certinel.pki.keys import KeyType, generate_key
from certinel.pki.server import SERVER_DAYS, issue_server_certificate, make_server_ca, names_of, normal_name

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AUTHORITY = make_server_ca(generate_key(KeyType.EC_P256), at=NOW)
KEY = generate_key(KeyType.EC_P256)


def server_certificate(*names: str) -> x509.Certificate:
    return issue_server_certificate(AUTHORITY, names, KEY.public_key(), Validity.of_days(SERVER_DAYS, at=NOW))


def common_name(certificate: x509.Certificate) -> str | bytes:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_both_certificates_live_long() -> None:
    assert AUTHORITY.certificate.not_valid_after_utc.year == 2046
    assert server_certificate("localhost").not_valid_after_utc.year == 2036


def test_a_server_certificate_is_good_for_every_name_given() -> None:
    names = ["localhost", "127.0.0.1", "::1", "Gateway_7.plant.example", "*.plant.example"]
    certificate = server_certificate(*names)
    assert names_of(certificate) == {"localhost", "127.0.0.1", "::1", "gateway_7.plant.example", "*.plant.example"}
    assert common_name(certificate) == "localhost"


def test_a_server_certificate_is_for_server_authentication_only() -> None:
    certificate = server_certificate("localhost")
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    certificate.verify_directly_issued_by(AUTHORITY.certificate)


def test_an_rsa_server_key_may_encipher() -> None:
    key = generate_key(KeyType.RSA_2048)
    validity = Validity.of_days(1, at=NOW)
    certificate = issue_server_certificate(AUTHORITY, ["localhost"], key.public_key(), validity)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment


def test_the_same_name_twice_counts_once() -> None:
    certificate = server_certificate("localhost", "LOCALHOST", "::1", "0:0:0:0:0:0:0:1")
    assert len(list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)) == 2


def test_a_long_host_name_stands_among_the_alternative_names_only() -> None:
    name = ".".join(["a" * 40] * 3)
    assert names_of(server_certificate(name)) == {name}
    assert common_name(server_certificate(name)) == "certinel server"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LocalHost.", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("010.example", "010.example"),
    ],
)
def test_names_have_one_form(name: str, expected: str) -> None:
    assert normal_name(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "-a",
        "a b",
        "https://a",
        "a:8443",
        "a/b",
        "*",
        "a.*.b",
        "x" * 64,
        ".".join(["a" * 60] * 5),
        "\0",
    ],
)
def test_what_is_no_host_name(name: str) -> None:
    with pytest.raises(UnusableNameError):
        normal_name(name)


def test_a_server_certificate_needs_a_name() -> None:
    with pytest.raises(UnusableNameError):
        server_certificate()


def test_a_certificate_without_alternative_names_is_good_for_none() -> None:
    assert names_of(AUTHORITY.certificate) == frozenset()


def test_the_server_ca_issues_no_ca() -> None:
    from certinel.pki.authority import distinguished_name, issue_intermediate

    with pytest.raises(NotAnAuthorityError):
        issue_intermediate(AUTHORITY, distinguished_name("CA"), KEY, Validity.of_days(1, at=NOW))


def test_server_cas_of_two_installations_have_different_names() -> None:
    later = make_server_ca(KEY, at=datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC))
    assert later.certificate.subject != AUTHORITY.certificate.subject
