"""Certificate authorities: themselves, those below them, and the devices they vouch for.

Which keys and names a tenant may use is a matter of ``domain``; here only what would never be admitted is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certinel.domain.certificate import Certificate, common_name_fault
from certinel.pki.errors import NotAKeyError, NotAnAuthorityError, UnusableNameError, UnusableValidityError
from certinel.pki.keys import PrivateKey, PublicKey

CLOCK_SKEW = timedelta(hours=1)
"""A new certificate is valid from a little before it was made, for devices whose clock is behind."""

_BITS_OF_LARGE_CURVES = 384
_ATTRIBUTE = re.compile(r"\s*[A-Za-z]+\s*=")
_OPENSSL_ATTRIBUTE = re.compile(r"/([A-Za-z]+)=((?:\\.|[^/\\])*)")
_OIDS_OF_OPENSSL = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate is valid, both ends included."""

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        """Refuse a validity that is never."""
        if self.not_after <= self.not_before:
            raise UnusableValidityError("a certificate cannot end before it begins")

    @classmethod
    def of_days(cls, days: int, *, at: datetime) -> Self:
        """Valid now, at ``at``, and for ``days`` from then on."""
        if days <= 0:
            raise UnusableValidityError("a certificate is valid for at least one day")
        try:
            not_after = at.replace(microsecond=0) + timedelta(days=days)
        except OverflowError:
            raise UnusableValidityError("no certificate can be valid beyond the year 9999") from None
        return cls(at.replace(microsecond=0) - CLOCK_SKEW, not_after)


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA certificate together with its private key: who can issue."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what could only issue certificates that nobody accepts."""
        if self.certificate.public_key() != self.key.public_key():
            raise NotAnAuthorityError("the private key does not belong to the CA certificate")
        if not self.facts.is_ca:
            raise NotAnAuthorityError("the certificate is no CA: BasicConstraints CA:TRUE is missing")
        if not self.facts.may_sign_certificates:
            raise NotAnAuthorityError("the key usage of the certificate does not allow it to sign certificates")

    @property
    def facts(self) -> Certificate:
        """The facts of the certificate."""
        return Certificate.parse(self.certificate.public_bytes(Encoding.DER))


def subject_of(text: str, organization: str | None = None) -> x509.Name:
    """Return a subject from a common name or a whole name.

    A whole name is ``CN=Plant CA,O=Example,C=PL`` (RFC 4514, the most specific first), or
    ``/C=PL/O=Example/CN=Plant CA`` as openssl's ``-subj`` has it, which is kept in its order.
    """
    try:
        if text.startswith("/"):
            return _openssl_subject(text)
        if _ATTRIBUTE.match(text):
            return x509.Name.from_rfc4514_string(text)
    except (ValueError, KeyError) as error:
        reason = str(error) or "it does not read CN=Plant CA,O=Example,C=PL"
        raise UnusableNameError(f"{text!r} cannot be a subject: {reason}") from None
    return distinguished_name(text, organization=organization)


def _openssl_subject(text: str) -> x509.Name:
    attributes = _OPENSSL_ATTRIBUTE.findall(text)
    if "".join(f"/{name}={value}" for name, value in attributes) != text:
        raise ValueError("it does not read /C=PL/O=Example/CN=Plant CA")
    unescaped = ((_OIDS_OF_OPENSSL[name], re.sub(r"\\(.)", r"\1", value)) for name, value in attributes)
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in unescaped if value])


def distinguished_name(
    common_name: str, *, organization: str | None = None, organizational_unit: str | None = None
) -> x509.Name:
    """Return a subject; its common name comes last, as tools print it."""
    parts = (
        (NameOID.ORGANIZATION_NAME, organization),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, organizational_unit),
        (NameOID.COMMON_NAME, common_name),
    )
    try:
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value is not None])
    except ValueError as error:
        raise UnusableNameError(f"{common_name!r} cannot be a subject: {error}") from None


def make_ca(subject: x509.Name, key: PrivateKey, validity: Validity, *, path_length: int | None = None) -> Authority:
    """Make a self-signed CA; ``path_length`` says how many CAs may stand between it and a device."""
    extensions = _ca_extensions(path_length)
    builder = _builder(subject, subject, key.public_key(), validity)
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier)
    return Authority(_signed(builder, (*extensions, (authority, False)), key), key)


def issue_intermediate(
    issuer: Authority, subject: x509.Name, key: PrivateKey, validity: Validity, *, path_length: int | None = None
) -> Authority:
    """Make a CA below ``issuer``. What it can issue is at most what the issuer's path length leaves."""
    certificate = issue_intermediate_for(issuer, subject, key.public_key(), validity, path_length=path_length)
    return Authority(certificate, key)


def issue_intermediate_for(
    issuer: Authority, subject: x509.Name, key: PublicKey, validity: Validity, *, path_length: int | None = None
) -> x509.Certificate:
    """Make the certificate of a CA below ``issuer`` whose private key somebody else has."""
    allowed = issuer.facts.path_length
    if allowed is not None:
        if allowed == 0:
            raise NotAnAuthorityError("the path length of the CA is 0: it can issue device certificates only")
        path_length = allowed - 1 if path_length is None else path_length
        if path_length >= allowed:
            raise NotAnAuthorityError(f"the path length of the CA is {allowed}: the one below it has less")
    return _strong(issue(issuer, subject, key, validity, _ca_extensions(path_length)))


def issue_device(
    issuer: Authority, common_name: str, public_key: PublicKey, validity: Validity, *, organization: str | None = None
) -> x509.Certificate:
    """Make the certificate of the device that connects as ``common_name``.

    Raises:
        UnusableNameError: no device with that common name would be admitted.
    """
    subject = distinguished_name(common_name, organization=organization)
    return issue_device_for(issuer, subject, public_key, validity)


def issue_device_for(
    issuer: Authority, subject: x509.Name, public_key: PublicKey, validity: Validity
) -> x509.Certificate:
    """Make the certificate of a device with a whole subject, as a request has it."""
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
    )
    certificate = _strong(issue(issuer, subject, public_key, validity, extensions))
    fault = common_name_fault(Certificate.parse(certificate.public_bytes(Encoding.DER)))
    if fault is not None:
        raise UnusableNameError(f"{subject.rfc4514_string()!r} cannot name a device: {fault}")
    return certificate


def issue(
    issuer: Authority,
    subject: x509.Name,
    public_key: PublicKey,
    validity: Validity,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:
    """Make a certificate with ``extensions`` (each with whether it is critical) and key identifiers.

    Raises:
        UnusableValidityError: it would outlive its issuer.
    """
    end = issuer.certificate.not_valid_after_utc
    if validity.not_after > end:
        raise UnusableValidityError(f"the CA certificate ends on {end:%Y-%m-%d}; what it issues cannot end later")
    builder = _builder(subject, issuer.certificate.subject, public_key, validity)
    return _signed(builder, (*extensions, (authority_key_identifier(issuer.certificate), False)), issuer.key)


def key_usage(
    *, digital_signature: bool = False, key_encipherment: bool = False, signs_certificates: bool = False
) -> x509.KeyUsage:
    """Return a key usage of the named bits; who signs certificates also signs revocation lists."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _strong(certificate: x509.Certificate) -> x509.Certificate:
    weakness = Certificate.parse(certificate.public_bytes(Encoding.DER)).key_weakness
    if weakness is not None:
        raise NotAKeyError(f"no platform would accept the key: {weakness}")
    return certificate


def _ca_extensions(path_length: int | None) -> Sequence[tuple[x509.ExtensionType, bool]]:
    return (
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        # With the plain signature a CA proves that it is possessed.
        (key_usage(digital_signature=True, signs_certificates=True), True),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: PublicKey, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())  # 159 bits, positive (RFC 5280, 4.1.2.2: at most 20 octets)
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, extensions: Sequence[tuple[x509.ExtensionType, bool]], key: PrivateKey
) -> x509.Certificate:
    for extension, is_critical in extensions:
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(key, hash_for(key))


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return what names the issuer's key in what it signs."""
    try:
        extension = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        key = issuer.public_key()
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)  # type: ignore[arg-type] # of an Authority: EC or RSA
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(extension.value)


def hash_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | None:
    """Return the hash that goes with a key; Ed25519 hashes on its own."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size >= _BITS_OF_LARGE_CURVES:
        return hashes.SHA384()
    return hashes.SHA256()
