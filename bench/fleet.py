"""A CA, a server certificate and many devices with certificates of their own."""

import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_RSA_KEYS = 8
"""RSA keys take long to make, and a server cannot tell that devices share one."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device: its name, and a TLS context that holds its certificate."""

    name: str
    context: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything both servers and the devices need, as files."""

    authority: Path
    server_certificate: Path
    server_key: Path
    devices: tuple[Device, ...]


def make_fleet(directory: Path, kind: str, count: int) -> Fleet:
    """Make all certificates with keys of one kind, ``ec`` (P-256) or ``rsa`` (2048 bits)."""
    directory.mkdir()
    keys = [_new_key(kind) for _ in range(_RSA_KEYS)] if kind == "rsa" else []
    ca_key, server_key = _new_key(kind), _new_key(kind)
    authority = _issue(f"bench {kind} CA", ca_key, None, ca_key)
    server = _issue("localhost", server_key, authority, ca_key)
    files = Fleet(directory / "ca.pem", directory / "server.pem", directory / "server.key", ())
    files.authority.write_bytes(authority.public_bytes(Encoding.PEM))
    files.server_certificate.write_bytes(server.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM))
    files.server_key.write_bytes(_pem(server_key))
    devices = []
    for number in range(count):
        key = keys[number % len(keys)] if keys else _new_key(kind)
        name = f"bench-{kind}-{number}"
        certificate = _issue(name, key, authority, ca_key)
        devices.append(Device(name, _context(directory / "device.pem", certificate, authority, key)))
    return replace(files, devices=tuple(devices))


def _new_key(kind: str) -> Key:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


def _pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _issue(name: str, key: Key, issuer: x509.Certificate | None, issuer_key: Key) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if name == "localhost":
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _context(file: Path, certificate: x509.Certificate, authority: x509.Certificate, key: Key) -> ssl.SSLContext:
    """The chain as devices present it, the CA included."""
    chain = certificate.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)
    file.write_bytes(chain + _pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what the load costs is of no interest
    context.load_cert_chain(file)
    return context
