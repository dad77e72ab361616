"""Revocation lists of CAs for tests, of every odd kind, put together from DER by hand.

der = revocation_list(root, [0x1000, 0x1001], number=7)
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as elliptic
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from typing_extensions import TypedDict, Unpack

from support import der
from support.certificates import Extension, Issued, PrivateKey

THIS_UPDATE = datetime(2026, 11, 20, tzinfo=UTC)
NEXT_UPDATE = datetime(2026, 12, 20, tzinfo=UTC)
REVOKED_AT = datetime(2026, 10, 1, 12, tzinfo=UTC)

_ALGORITHMS = {
    ("rsa", "sha256"): "1.2.840.113549.1.1.11",
    ("rsa", "sha384"): "1.2.840.113549.1.1.12",
    ("rsa", "sha1"): "1.2.840.113549.1.1.5",
    ("ec", "sha256"): "1.2.840.10045.4.3.2",
    ("ec", "sha384"): "1.2.840.10045.4.3.3",
    ("ec", "sha512"): "1.2.840.10045.4.3.4",
    ("ec", "sha1"): "1.2.840.10045.4.1",
}


class Options(TypedDict, total=False):
    """What can be odd about a list."""

    number: int | None
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime
    extensions: Sequence[Extension]
    entry_extensions: Sequence[Extension]
    """Of every entry."""
    signed_with: PrivateKey
    issuer_name: x509.Name
    digest: str
    version1: bool


def revocation_list(issuer: Issued, serials: Sequence[int] = (), **options: Unpack[Options]) -> bytes:
    """A list of ``issuer`` as DER, current at ``AT``."""
    key = options.get("signed_with", issuer.key)
    digest = options.get("digest", "sha256")
    algorithm = _algorithm(key, digest)
    next_update = options.get("next_update", NEXT_UPDATE)
    entries = [_entry(serial, options) for serial in serials]
    fields = [
        b"" if options.get("version1") else der.integer(1),
        algorithm,
        options.get("issuer_name", issuer.certificate.subject).public_bytes(),
        der.moment(options.get("this_update", THIS_UPDATE)),
        der.moment(next_update) if next_update is not None else b"",
        der.sequence(*entries) if entries else b"",
    ]
    if not options.get("version1"):
        fields.append(der.tlv(0xA0, der.sequence(*(_extension(*one) for one in _extensions(options)))))
    signed = der.sequence(*fields)
    return der.sequence(signed, algorithm, der.bit_string(_signature(key, signed, digest)))


def as_pem(list_der: bytes, *certificates: Issued) -> bytes:
    """The list in armour, with certificates beside it."""
    body = base64.encodebytes(list_der).decode()
    armoured = f"-----BEGIN X509 CRL-----\n{body}-----END X509 CRL-----\n"
    return "".join([armoured, *(one.pem for one in certificates)]).encode()


def current(now: datetime) -> Options:
    """Options of a list that is current at ``now``."""
    return {"this_update": now - timedelta(hours=1), "next_update": now + timedelta(days=7)}


def scope(**flags: bool) -> Extension:
    """An IssuingDistributionPoint with these flags, critical as it must be."""
    wanted = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    } | flags
    return x509.IssuingDistributionPoint(full_name=None, relative_name=None, only_some_reasons=None, **wanted), True


def _entry(serial: int, options: Options) -> bytes:
    extensions = [_extension(*one) for one in options.get("entry_extensions", ())]
    return der.sequence(
        der.integer(serial),
        der.moment(options.get("revoked_at", REVOKED_AT)),
        der.sequence(*extensions) if extensions else b"",
    )


def _extensions(options: Options) -> list[Extension]:
    number = options.get("number", 1)
    found: list[Extension] = [(x509.CRLNumber(number), False)] if number is not None else []
    return [*found, *options.get("extensions", ())]


def _extension(value: x509.ExtensionType, critical: bool) -> bytes:
    flag = b"\x01\x01\xff" if critical else b""
    return der.sequence(der.object_identifier(value.oid.dotted_string), flag, der.octet_string(value.public_bytes()))


def _algorithm(key: PrivateKey, digest: str) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return der.sequence(der.object_identifier(_ALGORITHMS["rsa", digest]), der.NULL)
    return der.sequence(der.object_identifier(_ALGORITHMS["ec", digest]))


def _signature(key: PrivateKey, signed: bytes, digest: str) -> bytes:
    algorithm = getattr(hashes, digest.upper())()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), algorithm)
    assert isinstance(key, elliptic.EllipticCurvePrivateKey)
    return key.sign(signed, elliptic.ECDSA(algorithm))
