"""Certificates for tests, of every odd kind, made in memory.

They are put together from DER by hand, so that also those can be made that no library makes: version 1, MD5, any
common name, explicit curve parameters, the same extension twice. Only keys and signatures are cryptography's.

    root = root_authority("Plant CA", path_length=1)
    device = root.authority("Hall 3").device("pump-7", key="rsa-2048", digest="sha1")
    device.chain_der            # device, Hall 3, Plant CA
"""

from __future__ import annotations

import hashlib
import itertools
import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from typing_extensions import TypedDict, Unpack

from support import der

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
)
PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
Extension: TypeAlias = tuple[x509.ExtensionType, bool]
"""An extension and whether it is critical."""

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A moment at which everything made without other dates is valid."""

VALID = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))
EXPIRED = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
NOT_YET_VALID = (datetime(2040, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))

CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH

CA = x509.BasicConstraints(ca=True, path_length=None)
NOT_A_CA = x509.BasicConstraints(ca=False, path_length=None)

_RSA_KEYS_IN_POOL = 4
_EXPLICIT_P256 = (
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
"""Prime, b, the generator's coordinates and its order (SEC 2, 2.4.2); a is the prime minus 3."""


class Options(TypedDict, total=False):
    """What can be odd about a certificate. What is not said is as usual."""

    subject: x509.Name
    key: str | PrivateKey
    """A key, or a kind as in ``KEY_KINDS``."""
    public_key: PublicKey | bytes
    """Another public key than that of ``key``, or any DER in its place."""
    explicit_curve: bool
    """The parameters of P-256 written out instead of its name."""
    valid: tuple[datetime, datetime]
    ends: timedelta
    """How long from the real now; instead of ``valid``."""
    serial: int
    version1: bool
    """X.509 version 1: no extensions whatever else is said."""
    digest: str
    """Of the signature: sha256, sha384, sha512, sha224, sha1, md5."""
    pss: bool
    """Sign with RSASSA-PSS."""
    signed_with: PrivateKey
    """Another key than the issuer's."""
    issuer_name: x509.Name
    """Another issuer than the one that signs."""
    basic_constraints: x509.BasicConstraints | None
    basic_constraints_critical: bool
    key_usage: x509.KeyUsage | None
    eku: Sequence[x509.ObjectIdentifier] | None
    san: Sequence[x509.GeneralName] | None
    name_constraints: x509.NameConstraints | None
    key_identifiers: bool
    """False leaves both key identifiers out."""
    authority_key_identifier: bytes
    extensions: Sequence[Extension]
    """Further ones, also of a kind that is there already."""


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and those above it, nearest first. It can issue others, whether it may or not."""

    der: bytes = field(repr=False)
    key: PrivateKey = field(repr=False)
    above: tuple[Issued, ...] = field(default=(), repr=False)

    @cached_property
    def certificate(self) -> x509.Certificate:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd is meant to be odd
            return x509.load_der_x509_certificate(self.der)

    @property
    def pem(self) -> str:
        return ssl.DER_cert_to_PEM_cert(self.der)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest()

    @property
    def chain(self) -> tuple[Issued, ...]:
        """This one first, then each issuer, the root included."""
        return (self, *self.above)

    @property
    def chain_der(self) -> tuple[bytes, ...]:
        return tuple(one.der for one in self.chain)

    @property
    def chain_pem(self) -> str:
        return pem_of(*self.chain)

    @property
    def chain_pem_without_root(self) -> str:
        return pem_of(*self.chain[:-1])

    def key_pem(self, password: str | None = None) -> str:
        protection = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode()

    def authority(self, common_name: str, *, path_length: int | None = None, **options: Unpack[Options]) -> Issued:
        """An intermediate CA."""
        options.setdefault("basic_constraints", x509.BasicConstraints(ca=True, path_length=path_length))
        options.setdefault("key_usage", usage("key_cert_sign", "crl_sign", "digital_signature"))
        return _issue(self, common_name, options)

    def device(self, *common_names: str, **options: Unpack[Options]) -> Issued:
        """A device certificate as the usual recipes make it: CA:false, no alternative name, no extended usage.

        Any number of common names, also none, with any characters.
        """
        options.setdefault("basic_constraints", NOT_A_CA)
        options.setdefault("key_usage", usage("digital_signature"))
        return _issue(self, common_names, options)

    def renewed(self, **options: Unpack[Options]) -> Issued:
        """The same subject, key, issuer and extensions with another serial number and what ``options`` say."""
        options.setdefault("subject", self.certificate.subject)
        options.setdefault("key", self.key)
        replaced = {_KIND_OF_OPTION[option] for option in options if option in _KIND_OF_OPTION}
        kept = [
            (one.value, one.critical)
            for one in self.certificate.extensions
            if type(one.value) not in replaced | _KEY_IDS
        ]
        options["extensions"] = [*kept, *options.get("extensions", ())]
        return _issue(self.above[0] if self.above else None, (), options)


_KEY_IDS: frozenset[type] = frozenset({x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier})
_KIND_OF_OPTION: dict[str, type] = {
    "basic_constraints": x509.BasicConstraints,
    "key_usage": x509.KeyUsage,
    "eku": x509.ExtendedKeyUsage,
    "san": x509.SubjectAlternativeName,
    "name_constraints": x509.NameConstraints,
}


def root_authority(common_name: str, *, path_length: int | None = None, **options: Unpack[Options]) -> Issued:
    """A self-signed CA, such as a tenant uploads."""
    options.setdefault("basic_constraints", x509.BasicConstraints(ca=True, path_length=path_length))
    options.setdefault("key_usage", usage("key_cert_sign", "crl_sign", "digital_signature"))
    return _issue(None, common_name, options)


def self_signed_device(common_name: str, **options: Unpack[Options]) -> Issued:
    """What ``tedge cert create`` makes: a device certificate that says CA:TRUE and is its own issuer."""
    options.setdefault("basic_constraints", CA)
    return _issue(None, common_name, options)


def pem_of(*certificates: Issued) -> str:
    """These certificates, one after the other."""
    return "".join(one.pem for one in certificates)


def name(*common_names: str, organization: str | None = "Example") -> x509.Name:
    """A distinguished name; nothing about the values is checked."""
    parts = [(NameOID.ORGANIZATION_NAME, organization)] if organization is not None else []
    parts += [(NameOID.COMMON_NAME, common_name) for common_name in common_names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a common name that is too long is meant
        return x509.Name([x509.NameAttribute(oid, value, _validate=False) for oid, value in parts])


def usage(*bits: str) -> x509.KeyUsage:
    """A key usage with the named bits."""
    return x509.KeyUsage(**{bit: bit in bits for bit in _USAGE_BITS})


_USAGE_BITS = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def new_key(kind: str = "ec-p256") -> PrivateKey:
    """A key of a kind in ``KEY_KINDS``, or ``rsa-BITS`` or ``rsa-BITS-eEXPONENT``.

    RSA keys are made once per process and used in turn: any four in a row are different.
    """
    if kind.startswith("rsa-"):
        return next(_pool(kind))
    match KEY_KINDS[kind]:
        case ec.EllipticCurve() as curve:
            return ec.generate_private_key(curve)
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return ed448.Ed448PrivateKey.generate()


KEY_KINDS: dict[str, ec.EllipticCurve | str] = {
    "ec-p256": ec.SECP256R1(),
    "ec-p384": ec.SECP384R1(),
    "ec-p521": ec.SECP521R1(),
    "ec-p224": ec.SECP224R1(),
    "ec-secp256k1": ec.SECP256K1(),
    "ec-brainpool": ec.BrainpoolP256R1(),
    "ed25519": "ed25519",
    "ed448": "ed448",
}


def rsa_public_key(bits: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    """A public key of any size without a private one: for certificates that are only read."""
    return rsa.RSAPublicNumbers(exponent, (1 << bits) - 159).public_key()


@dataclass(frozen=True, slots=True)
class DeviceFiles:
    """A device's certificate chain and key as files, as every client wants them."""

    common_name: str
    chain: Path
    key: Path

    @classmethod
    def of(cls, issued: Issued, folder: Path) -> DeviceFiles:
        (attribute,) = issued.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        common_name = str(attribute.value)
        files = cls(common_name, folder / f"{common_name}.chain.pem", folder / f"{common_name}.key.pem")
        files.chain.write_text(issued.chain_pem)
        files.key.write_text(issued.key_pem())
        return files


MakeDevice: TypeAlias = Callable[[str], DeviceFiles]
"""Makes a device of a fleet, by its common name."""

_pools: dict[str, Iterator[PrivateKey]] = {}


def _pool(kind: str) -> Iterator[PrivateKey]:
    if kind not in _pools:
        _, bits, *exponent = kind.split("-")
        public_exponent = int(exponent[0].removeprefix("e")) if exponent else 65537
        # made when first asked for, then again and again
        keys = (rsa.generate_private_key(public_exponent, int(bits)) for _ in range(_RSA_KEYS_IN_POOL))
        _pools[kind] = itertools.cycle(keys)
    return _pools[kind]


def _issue(issuer: Issued | None, common_names: str | Sequence[str], options: Options) -> Issued:
    names = (common_names,) if isinstance(common_names, str) else tuple(common_names)
    subject = options.get("subject", name(*names))
    key = options.get("key", "ec-p256")
    key = new_key(key) if isinstance(key, str) else key
    signer = options.get("signed_with", issuer.key if issuer else key)
    issuer_name = options.get("issuer_name", issuer.certificate.subject if issuer else subject)
    algorithm = _algorithm(signer, options)
    spki = _spki(key, options)
    fields = [
        der.integer(options.get("serial", x509.random_serial_number())),
        algorithm,
        issuer_name.public_bytes(),
        der.sequence(*(der.moment(moment) for moment in _validity(options))),
        subject.public_bytes(),
        spki,
    ]
    if not options.get("version1"):
        extensions = der.sequence(*(_extension(*one) for one in _extensions(spki, issuer, options)))
        fields = [der.tlv(0xA0, der.integer(2)), *fields, der.tlv(0xA3, extensions)]
    to_be_signed = der.sequence(*fields)
    signature = _signature(signer, to_be_signed, options)
    return Issued(der.sequence(to_be_signed, algorithm, der.bit_string(signature)), key, issuer.chain if issuer else ())


def _validity(options: Options) -> tuple[datetime, datetime]:
    if "ends" in options:
        return VALID[0], datetime.now(UTC) + options["ends"]
    return options.get("valid", VALID)


def _spki(key: PrivateKey, options: Options) -> bytes:
    public_key = options.get("public_key", key.public_key())
    if isinstance(public_key, bytes):
        return public_key
    if options.get("explicit_curve"):
        assert isinstance(public_key, ec.EllipticCurvePublicKey)
        return _explicit_p256(public_key)
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _explicit_p256(key: ec.EllipticCurvePublicKey) -> bytes:
    prime, b, x, y, order = _EXPLICIT_P256
    a_and_b = [der.octet_string(value.to_bytes(32, "big")) for value in (prime - 3, b)]
    parameters = der.sequence(
        der.integer(1),
        der.sequence(der.object_identifier("1.2.840.10045.1.1"), der.integer(prime)),
        der.sequence(*a_and_b),
        der.octet_string(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")),
        der.integer(order),
        der.integer(1),
    )
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return der.sequence(der.sequence(der.object_identifier("1.2.840.10045.2.1"), parameters), der.bit_string(point))


def _extensions(spki: bytes, issuer: Issued | None, options: Options) -> list[Extension]:
    found: list[Extension] = []
    constraints = options.get("basic_constraints")
    if constraints is not None:
        found.append((constraints, options.get("basic_constraints_critical", True)))
    if (key_usage := options.get("key_usage")) is not None:
        found.append((key_usage, True))
    if (eku := options.get("eku")) is not None:
        found.append((x509.ExtendedKeyUsage(eku), False))
    if (san := options.get("san")) is not None:
        found.append((x509.SubjectAlternativeName(san), False))
    if (name_constraints := options.get("name_constraints")) is not None:
        found.append((name_constraints, True))
    if options.get("key_identifiers", True):
        own = _key_identifier(spki)
        found.append((x509.SubjectKeyIdentifier(own), False))
        issuing = options.get("authority_key_identifier", _subject_key_identifier(issuer) if issuer else own)
        if issuing is not None:
            found.append((x509.AuthorityKeyIdentifier(issuing, None, None), False))
    return [*found, *options.get("extensions", ())]


def _subject_key_identifier(issuer: Issued) -> bytes | None:
    try:
        return issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _key_identifier(spki: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    return digest.finalize()[:20]


def _extension(extension: x509.ExtensionType, critical: bool) -> bytes:
    flag = [b"\x01\x01\xff"] if critical else []
    oid = der.object_identifier(extension.oid.dotted_string)
    return der.sequence(oid, *flag, der.octet_string(extension.public_bytes()))


_HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),  # noqa: S303 - certificates of this kind must be refused
    "sha1": hashes.SHA1(),  # noqa: S303 - as md5
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_RSA_OIDS = {"md5": 4, "sha1": 5, "sha256": 11, "sha384": 12, "sha512": 13, "sha224": 14}
_ECDSA_OIDS = {"sha1": "1", "sha224": "3.1", "sha256": "3.2", "sha384": "3.3", "sha512": "3.4"}
_HASH_OIDS = {"sha1": "1.3.14.3.2.26", "sha224": "4", "sha256": "1", "sha384": "2", "sha512": "3"}


def _algorithm(signer: PrivateKey, options: Options) -> bytes:
    digest = options.get("digest", "sha256")
    match signer:
        case ed25519.Ed25519PrivateKey():
            return der.sequence(der.object_identifier("1.3.101.112"))
        case ed448.Ed448PrivateKey():
            return der.sequence(der.object_identifier("1.3.101.113"))
        case ec.EllipticCurvePrivateKey():
            return der.sequence(der.object_identifier("1.2.840.10045.4." + _ECDSA_OIDS[digest]))
        case rsa.RSAPrivateKey() if options.get("pss"):
            return der.sequence(der.object_identifier("1.2.840.113549.1.1.10"), _pss_parameters(digest))
        case rsa.RSAPrivateKey():
            return der.sequence(der.object_identifier(f"1.2.840.113549.1.1.{_RSA_OIDS[digest]}"), der.NULL)


def _pss_parameters(digest: str) -> bytes:
    oid = _HASH_OIDS[digest]
    hash_algorithm = der.sequence(der.object_identifier(oid if "." in oid else f"2.16.840.1.101.3.4.2.{oid}"), der.NULL)
    mask = der.sequence(der.object_identifier("1.2.840.113549.1.1.8"), hash_algorithm)
    salt_length = der.integer(_HASHES[digest].digest_size)
    return der.sequence(der.tlv(0xA0, hash_algorithm), der.tlv(0xA1, mask), der.tlv(0xA2, salt_length))


def _signature(signer: PrivateKey, content: bytes, options: Options) -> bytes:
    digest = _HASHES[options.get("digest", "sha256")]
    match signer:
        case ec.EllipticCurvePrivateKey():
            return signer.sign(content, ec.ECDSA(digest))
        case rsa.RSAPrivateKey() if options.get("pss"):
            return signer.sign(content, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        case rsa.RSAPrivateKey():
            return signer.sign(content, padding.PKCS1v15(), digest)
        case _:
            return signer.sign(content)
