"""The facts that the platform reads from an X.509 certificate, and what it asks of every one of them."""

import hashlib
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID, PublicKeyAlgorithmOID, SignatureAlgorithmOID
from typing_extensions import override

from certinel.domain.distinguished_name import text_of
from certinel.domain.identifiers import Fingerprint

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""Verifying with a larger key costs a stranger's price on our side (trust.md section 3, rule 2)."""
MIN_RSA_EXPONENT = 3
MAX_RSA_EXPONENT = 2**32
MAX_COMMON_NAME_CHARACTERS = 64
"""Upper bound of X.520 for a common name."""

_VERSION_TAG = 0xA0
_OBJECT_IDENTIFIER_TAG = 0x06
_BEFORE_PUBLIC_KEY = ("serialNumber", "signature", "issuer", "validity", "subject")
_SLOW_CURVE_COST = 8
_UNKNOWN_KEY_COST = 0
"""Nothing can be verified with it."""

_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_SAFE_HASHES = frozenset({"sha256", "sha384", "sha512"})

_KEY_ALGORITHMS = {
    PublicKeyAlgorithmOID.DSA: "DSA",
    PublicKeyAlgorithmOID.ED448: "Ed448",
    PublicKeyAlgorithmOID.X25519: "X25519",
    PublicKeyAlgorithmOID.X448: "X448",
}

_JAVA_ALGORITHMS = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "MD5withRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA1withRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA224: "SHA224withRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "SHA256withRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "SHA384withRSA",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "SHA512withRSA",
    SignatureAlgorithmOID.RSASSA_PSS: "RSASSA-PSS",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "SHA1withECDSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA224: "SHA224withECDSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "SHA256withECDSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "SHA384withECDSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "SHA512withECDSA",
    SignatureAlgorithmOID.ED25519: "Ed25519",
    SignatureAlgorithmOID.ED448: "Ed448",
}


class MalformedCertificateError(ValueError):
    """The bytes are not one X.509 certificate in DER; the message says what could not be read."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Certificate:
    """One certificate, read once. Two certificates are equal when their bytes are."""

    der: bytes = field(repr=False)
    parsed: x509.Certificate = field(repr=False)
    subject: bytes = field(repr=False)
    """DER of the subject; names are compared byte by byte."""
    issuer: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    """DER of the SubjectPublicKeyInfo."""
    subject_text: str
    issuer_text: str
    version: int
    serial_number: int
    not_before: datetime
    not_after: datetime
    basic_constraints: x509.BasicConstraints | None
    key_usage: x509.KeyUsage | None
    extended_key_usage: x509.ExtendedKeyUsage | None
    subject_key_identifier: bytes | None = field(repr=False)
    authority_key_identifier: bytes | None = field(repr=False)
    name_count: int
    """Attributes of the subject and alternative names: what name constraints are compared with."""
    name_constraint_count: int
    key_weakness: str | None
    """Why the key is not acceptable, in words, or None."""
    is_ed25519: bool
    """Whether the subject's key is Ed25519, good for device certificates only."""
    verification_cost: int
    """What checking one signature made with this key costs, about, in tenths of a millisecond."""
    common_names: tuple[str, ...]
    """Every common name of the subject, in order; one that is not text is empty."""
    algorithm_name: str
    """The signature algorithm under the name Java gives it, as ``SHA256withECDSA``."""
    is_signature_weak: bool

    @classmethod
    def parse(cls, der: bytes) -> Self:
        """Read strict DER.

        Raises:
            MalformedCertificateError: for anything that is not exactly one certificate whose fields can all be read.
        """
        try:
            with warnings.catch_warnings():
                # cryptography warns of odd but readable certificates; the rules below decide instead
                warnings.simplefilter("ignore")
                return cls._read(der)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion) as error:
            raise MalformedCertificateError(_one_line(error)) from error

    @classmethod
    def _read(cls, der: bytes) -> Self:
        certificate = x509.load_der_x509_certificate(der)
        extensions = {extension.oid: extension.value for extension in certificate.extensions}
        basic_constraints = extensions.get(x509.BasicConstraints.oid)
        key_usage = extensions.get(x509.KeyUsage.oid)
        extended_key_usage = extensions.get(x509.ExtendedKeyUsage.oid)
        subject_key = extensions.get(x509.SubjectKeyIdentifier.oid)
        authority_key = extensions.get(x509.AuthorityKeyIdentifier.oid)
        key_info = _public_key_info(certificate.tbs_certificate_bytes)
        key = _key_facts(certificate, key_info)
        algorithm = certificate.signature_algorithm_oid
        return cls(
            der=der,
            parsed=certificate,
            subject=certificate.subject.public_bytes(),
            issuer=certificate.issuer.public_bytes(),
            public_key=key_info,
            subject_text=text_of(certificate.subject),
            issuer_text=text_of(certificate.issuer),
            version=certificate.version.value + 1,
            serial_number=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            basic_constraints=basic_constraints if isinstance(basic_constraints, x509.BasicConstraints) else None,
            key_usage=key_usage if isinstance(key_usage, x509.KeyUsage) else None,
            extended_key_usage=extended_key_usage if isinstance(extended_key_usage, x509.ExtendedKeyUsage) else None,
            subject_key_identifier=subject_key.digest if isinstance(subject_key, x509.SubjectKeyIdentifier) else None,
            authority_key_identifier=(
                authority_key.key_identifier if isinstance(authority_key, x509.AuthorityKeyIdentifier) else None
            ),
            name_count=len(list(certificate.subject)) + _length_of(extensions.get(x509.SubjectAlternativeName.oid)),
            name_constraint_count=_length_of(extensions.get(x509.NameConstraints.oid)),
            key_weakness=key.weakness,
            is_ed25519=key.is_ed25519,
            verification_cost=key.verification_cost,
            common_names=_common_names(certificate.subject),
            algorithm_name=_JAVA_ALGORITHMS.get(algorithm, algorithm.dotted_string),
            is_signature_weak=_is_signature_weak(certificate),
        )

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    @override
    def __hash__(self) -> int:
        return hash(self.der)

    @property
    def fingerprint(self) -> Fingerprint:
        """SHA-1 of the DER, the contract's name for the certificate."""
        return Fingerprint(hashlib.sha1(self.der, usedforsecurity=False).hexdigest())

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the DER."""
        return hashlib.sha256(self.der).digest()

    @property
    def is_ca(self) -> bool:
        """Whether BasicConstraints says CA:TRUE."""
        return self.basic_constraints is not None and self.basic_constraints.ca

    @property
    def path_length(self) -> int | None:
        """The ``pathlen`` of BasicConstraints."""
        return self.basic_constraints.path_length if self.basic_constraints is not None else None

    @property
    def may_sign_certificates(self) -> bool:
        """Whether the key usage allows signing certificates; without key usage it does."""
        return self.key_usage is None or self.key_usage.key_cert_sign

    def is_valid(self, at: datetime) -> bool:
        """Tell whether ``at`` lies within the validity, its first and last second included."""
        return self.not_before <= at.replace(microsecond=0) <= self.not_after

    def has_identity_of(self, other: "Certificate") -> bool:
        """Tell whether both name the same subject with the same key, as a renewed CA and the old one do."""
        return self.subject == other.subject and self.public_key == other.public_key

    def may_have_issued(self, other: "Certificate") -> bool:
        """Tell whether names and key identifiers allow that this certificate issued ``other``; no signature check."""
        if self.subject != other.issuer:
            return False
        identifiers = (self.subject_key_identifier, other.authority_key_identifier)
        return None in identifiers or identifiers[0] == identifiers[1]


def common_name_fault(certificate: Certificate) -> str | None:
    """Say in words why the certificate's common name cannot name a device, or return None (trust.md section 3)."""
    names = certificate.common_names
    if len(names) != 1:
        return "it has none" if not names else f"it has {len(names)}"
    name = names[0]
    if not name:
        return "it is empty or not text"
    if len(name) > MAX_COMMON_NAME_CHARACTERS:
        return f"it has {len(name)} characters, more than {MAX_COMMON_NAME_CHARACTERS}"
    if ":" in name:
        return "it contains ':', which MQTT client ids reserve"
    # a line separator or a direction mark in a name would deceive whoever reads a log or a page
    unprintable = next((character for character in name if not character.isprintable()), None)
    return f"it contains the character U+{ord(unprintable):04X}" if unprintable else None


def _length_of(names: x509.ExtensionType | None) -> int:
    match names:
        case x509.SubjectAlternativeName():
            return len(list(names))
        case x509.NameConstraints():
            return len(names.permitted_subtrees or ()) + len(names.excluded_subtrees or ())
        case _:
            return 0


def _common_names(subject: x509.Name) -> tuple[str, ...]:
    attributes = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return tuple(attribute.value if isinstance(attribute.value, str) else "" for attribute in attributes)


def _public_key_info(tbs: bytes) -> bytes:
    """Cut the SubjectPublicKeyInfo out of a TBSCertificate that was parsed already (RFC 5280, 4.1).

    As it is written: what the library writes for a key it has read can differ, and not every key can be read.
    """
    start, _ = _content(tbs, 0)
    if tbs[start] == _VERSION_TAG:
        _, start = _content(tbs, start)
    for _ in _BEFORE_PUBLIC_KEY:
        _, start = _content(tbs, start)
    _, end = _content(tbs, start)
    return tbs[start:end]


def _content(der: bytes, start: int) -> tuple[int, int]:
    """Return where the content of the element at ``start`` begins and ends."""
    length = der[start + 1]
    begin = start + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(der[start + 2 : begin], "big")
    return begin, begin + length


class _KeyFacts(NamedTuple):
    weakness: str | None
    verification_cost: int
    is_ed25519: bool = False


def _key_facts(certificate: x509.Certificate, key_info: bytes) -> _KeyFacts:
    try:
        key = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # explicit curve parameters, unknown algorithms
        return _KeyFacts(f"it cannot be read ({_one_line(error)})", _UNKNOWN_KEY_COST)
    match key:
        case rsa.RSAPublicKey():
            return _KeyFacts(_rsa_weakness(key, certificate.public_key_algorithm_oid), _rsa_cost(key))
        case ec.EllipticCurvePublicKey():
            cost = 1 if key.curve.name == "secp256r1" else _SLOW_CURVE_COST
            return _KeyFacts(_curve_weakness(key.curve.name, key_info), cost)
        case ed25519.Ed25519PublicKey():
            return _KeyFacts(None, 2, is_ed25519=True)
        case _:
            oid = certificate.public_key_algorithm_oid
            return _KeyFacts(f"its algorithm {_KEY_ALGORITHMS.get(oid, oid.dotted_string)} is not accepted", 8)


def _curve_weakness(name: str, key_info: bytes) -> str | None:
    algorithm, _ = _content(key_info, 0)
    identifier, _ = _content(key_info, algorithm)
    _, parameters = _content(key_info, identifier)
    if key_info[parameters] != _OBJECT_IDENTIFIER_TAG:
        return "its curve is given by explicit parameters, not by name"  # RFC 5480, 2.1.1: forbidden
    return None if name in _CURVES else f"the curve {name} is not P-256, P-384 or P-521"


def _rsa_weakness(key: rsa.RSAPublicKey, algorithm: x509.ObjectIdentifier) -> str | None:
    if algorithm != PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5:
        return "it is for RSASSA-PSS only"
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return f"RSA of {key.key_size} bits, not {MIN_RSA_BITS} to {MAX_RSA_BITS}"
    if not MIN_RSA_EXPONENT < key.public_numbers().e < MAX_RSA_EXPONENT:
        return "its RSA exponent is not between 3 and 2^32"
    return None


def _rsa_cost(key: rsa.RSAPublicKey) -> int:
    """Squarings and multiplications of numbers of the key's size; a usual key of 8192 bits costs 7."""
    exponent = key.public_numbers().e
    multiplications = exponent.bit_length() + exponent.bit_count()
    return 1 + multiplications * key.key_size**2 // 200_000_000


def _is_signature_weak(certificate: x509.Certificate) -> bool:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return True
    if algorithm is None:  # Ed25519 and Ed448 hash on their own
        return certificate.signature_algorithm_oid != SignatureAlgorithmOID.ED25519
    return algorithm.name not in _SAFE_HASHES


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
