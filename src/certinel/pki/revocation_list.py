"""The revocation list that the platform signs for a tenant (RFC 5280, section 5), written element by element.

A tenant's list names certificates of any issuer. Entries by serial alone come first and count, for whoever reads the
list by the letter, for certificates of the list's own issuer; entries with an issuer say so (indirect list).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from certinel.domain.der import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    element,
    time_element,
)
from certinel.pki.authority import Validity, distinguished_name

LIFETIME: Final = timedelta(days=30)
"""From a list to the promised next one."""
ISSUER_DAYS: Final = 3650

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_V2: Final = element(INTEGER, b"\x01")
_ECDSA_WITH_SHA256: Final = element(SEQUENCE, element(OBJECT_IDENTIFIER, bytes.fromhex("2a8648ce3d040302")))
_CERTIFICATE_ISSUER: Final = element(OBJECT_IDENTIFIER, b"\x55\x1d\x1d")
_CRITICAL: Final = element(BOOLEAN, b"\xff")
_DIRECTORY_NAME: Final = 0xA4
_EXTENSIONS: Final = 0xA0


@dataclass(frozen=True, slots=True)
class ListIssuer:
    """Who signs the lists of a tenant."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls, tenant: str, at: datetime) -> "ListIssuer":
        """Make a key for the lists of ``tenant``, and a certificate that may sign nothing else."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = distinguished_name(tenant, organization="certinel")
        validity = Validity.of_days(ISSUER_DAYS, at=at)
        only_lists = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(validity.not_before)
            .not_valid_after(validity.not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(only_lists, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def read(cls, certificate: bytes, private_key: bytes) -> "ListIssuer":
        """Read what was stored of one (DER and PKCS#8)."""
        key = load_der_private_key(private_key, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - made above
        return cls(x509.load_der_x509_certificate(certificate), key)

    @property
    def certificate_der(self) -> bytes:
        """DER of the certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def private_key(self) -> bytes:
        """PKCS#8 of the key, for sealing and for nothing else."""
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


class ListWriter:
    """Takes entries in any number of parts; they are kept as DER, which takes 40 bytes each."""

    def __init__(self) -> None:
        self._alone = bytearray()
        self._with_issuer = bytearray()
        self._days: dict[int, bytes] = {}

    def add(self, entries: Iterable[tuple[bytes, int, bytes | None]]) -> None:
        """Put entries on the list: serial as `serial_octets`, milliseconds since 1970, DER of the issuer's name."""
        for serial, revoked_at_ms, issuer in entries:
            content = element(INTEGER, serial) + self._time(revoked_at_ms // 1000)
            if issuer is None:
                self._alone += element(SEQUENCE, content)
            else:
                self._with_issuer += element(SEQUENCE, content, _issuer_of(issuer))

    def _time(self, seconds: int) -> bytes:
        day, second = divmod(seconds, _DAY)
        known = self._days.get(day)
        if known is None:
            midnight = time_element(_EPOCH + timedelta(days=day))
            known = self._days[day] = midnight[: -len("000000Z")]
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        return b"%b%02d%02d%02dZ" % (known, hour, minute, second)

    def signed(self, issuer: ListIssuer, number: int, at: datetime) -> bytes:
        """Return DER of the list, valid from ``at`` on."""
        extensions = _extensions(issuer, number, is_indirect=bool(self._with_issuer))
        signed = element(
            SEQUENCE,
            _V2,
            _ECDSA_WITH_SHA256,
            issuer.certificate.subject.public_bytes(),
            time_element(at),
            time_element(at + LIFETIME),
            # an entry without issuer has that of the one before it (RFC 5280, 5.3.3): hence these come first
            element(SEQUENCE, self._alone, self._with_issuer) if self._alone or self._with_issuer else b"",
            element(_EXTENSIONS, element(SEQUENCE, *extensions)),
        )
        digest = hashlib.sha256(signed).digest()
        signature = issuer.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return element(SEQUENCE, signed, _ECDSA_WITH_SHA256, element(BIT_STRING, b"\0", signature))


def _issuer_of(issuer: bytes) -> bytes:
    # GeneralNames with one directoryName; critical, since it changes whose certificate is meant (RFC 5280, 5.3.3)
    names = element(SEQUENCE, element(_DIRECTORY_NAME, issuer))
    return element(SEQUENCE, element(SEQUENCE, _CERTIFICATE_ISSUER, _CRITICAL, element(OCTET_STRING, names)))


def _extensions(issuer: ListIssuer, number: int, *, is_indirect: bool) -> Iterable[bytes]:
    own = x509.SubjectKeyIdentifier.from_public_key(issuer.key.public_key())
    yield _extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
    yield _extension(x509.CRLNumber(number), critical=False)
    if is_indirect:
        scope = x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=True,
            only_contains_attribute_certs=False,
        )
        yield _extension(scope, critical=True)


def _extension(value: x509.ExtensionType, *, critical: bool) -> bytes:
    arcs = [int(arc) for arc in value.oid.dotted_string.split(".")]
    oid = bytes((arcs[0] * 40 + arcs[1], *arcs[2:]))  # all of id-ce: arcs below 128
    parts = (
        element(OBJECT_IDENTIFIER, oid),
        _CRITICAL if critical else b"",
        element(OCTET_STRING, value.public_bytes()),
    )
    return element(SEQUENCE, *parts)
