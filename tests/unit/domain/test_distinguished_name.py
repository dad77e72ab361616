"""Names as text, in the form of the REST contract (rest.md 1.2)."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from certinel.domain.distinguished_name import KEYWORDS, text_of, text_of_der

Attributes = list[tuple[x509.ObjectIdentifier, str]]

SAMPLE: Attributes = [
    (NameOID.COUNTRY_NAME, "DE"),
    (NameOID.STATE_OR_PROVINCE_NAME, "NRW"),
    (NameOID.LOCALITY_NAME, "Cologne"),
    (NameOID.ORGANIZATION_NAME, "John Doe AG+"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "John"),
    (NameOID.COMMON_NAME, "JOhnFWT"),
    (NameOID.EMAIL_ADDRESS, "john.doe@software.com"),
]
SAMPLE_TEXT = 'EMAILADDRESS=john.doe@software.com, CN=JOhnFWT, OU=John, O="John Doe AG+", L=Cologne, ST=NRW, C=DE'


def name_of(attributes: Attributes) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def test_last_relative_name_comes_first_under_the_contracts_keywords() -> None:
    assert text_of(name_of(SAMPLE)) == SAMPLE_TEXT


def test_name_that_was_read_reads_the_same() -> None:
    assert text_of_der(name_of(SAMPLE).public_bytes()) == SAMPLE_TEXT


@pytest.mark.parametrize("oid", KEYWORDS, ids=KEYWORDS.values())
def test_every_keyword_stands_for_its_attribute(oid: x509.ObjectIdentifier) -> None:
    assert text_of(name_of([(oid, "DE")])) == f"{KEYWORDS[oid]}=DE"


def test_attribute_without_keyword_is_named_by_its_number() -> None:
    assert text_of(name_of([(x509.ObjectIdentifier("1.2.3"), "x")])) == "OID.1.2.3=x"


def test_attributes_of_one_relative_name_are_joined_by_plus() -> None:
    both = [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.USER_ID, "b")]
    assert text_of(x509.Name([x509.RelativeDistinguishedName(both)])) == "CN=a + OID.0.9.2342.19200300.100.1.1=b"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((f"a{special}b", f'"a{special}b"') for special in ",+=<>#;"),
        ("a\\b", '"a\\\\b"'),
        ('a"b', '"a\\"b"'),
        (" a", '" a"'),
        ("a ", '"a "'),
        ("a  b", '"a  b"'),
        ("a b", "a b"),
        ("Größe", "Größe"),
    ],
)
def test_value_that_could_be_misread_is_quoted(value: str, written: str) -> None:
    assert text_of(name_of([(NameOID.ORGANIZATION_NAME, value)])) == f"O={written}"
