"""Distinguished names as text, in the form that the REST contract shows (rest.md 1.2)."""

from collections.abc import Mapping
from types import MappingProxyType

from cryptography import x509
from cryptography.x509.oid import NameOID

KEYWORDS: Mapping[x509.ObjectIdentifier, str] = MappingProxyType(
    {
        NameOID.COMMON_NAME: "CN",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
        NameOID.ORGANIZATION_NAME: "O",
        NameOID.LOCALITY_NAME: "L",
        NameOID.STATE_OR_PROVINCE_NAME: "ST",
        NameOID.COUNTRY_NAME: "C",
        NameOID.DOMAIN_COMPONENT: "DC",
        NameOID.STREET_ADDRESS: "STREET",
        NameOID.EMAIL_ADDRESS: "EMAILADDRESS",
        NameOID.SERIAL_NUMBER: "SERIALNUMBER",
        NameOID.TITLE: "T",
        NameOID.DN_QUALIFIER: "DNQ",
        NameOID.GIVEN_NAME: "GIVENNAME",
        NameOID.SURNAME: "SURNAME",
        NameOID.INITIALS: "INITIALS",
        NameOID.GENERATION_QUALIFIER: "GENERATION",
    }
)

_QUOTED = frozenset(',+=<>#;\\"\n')


def text_of(name: x509.Name) -> str:
    """Write ``name`` with its last relative name first, as ``CN=device, O=Plant, C=DE``.

    Values are shown as they are, whatever they contain: escape them for the page they go to.
    """
    return ", ".join(" + ".join(_attribute_text(attribute) for attribute in rdn) for rdn in reversed(name.rdns))


def text_of_der(der: bytes) -> str:
    """Write a name that was read before, as `text_of` does."""
    return text_of(x509.Name.from_bytes(der))


def _attribute_text(attribute: x509.NameAttribute[str | bytes]) -> str:
    keyword = KEYWORDS.get(attribute.oid, f"OID.{attribute.oid.dotted_string}")
    value = attribute.value
    return f"{keyword}={_quoted(value) if isinstance(value, str) else '#' + value.hex()}"


def _quoted(value: str) -> str:
    if not (_QUOTED.intersection(value) or value != value.strip(" ") or "  " in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
