"""A CA, a server certificate and many devices with certificates of their own."""

from dataclasses import dataclass
from pathlib import Path

from certinel.pki.authority import Validity, distinguished_name, issue_device, make_ca
from certinel.pki.chain import chain_to_pem
from certinel.pki.keys import KeyType, PrivateKey, generate_key, key_to_pem
from certinel.pki.server import issue_server_certificate
from certinel.services.clock import SystemClock
from certinel.simulation.fleet import Identity

KEY_TYPES = {"ec": KeyType.EC_P256, "rsa": KeyType.RSA_2048}
_RSA_KEYS = 8
"""RSA keys take long to make, and a server cannot tell that devices share one."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything the servers need, as files, and the devices."""

    authority: Path
    server_certificate: Path
    server_key: Path
    devices: tuple[Identity, ...]


def make_fleet(directory: Path, kind: str, count: int, prefix: str = "bench") -> Fleet:
    """Make all certificates with keys of one kind, ``ec`` (P-256) or ``rsa`` (2048 bits)."""
    directory.mkdir()
    at = SystemClock().now()
    authority = make_ca(distinguished_name(f"{prefix} {kind} CA"), _key(kind), Validity.of_days(30, at=at))
    validity = Validity.of_days(7, at=at)
    server_key = _key(kind)
    server = issue_server_certificate(authority, ["localhost"], server_key.public_key(), validity)
    keys = [_key(kind) for _ in range(_RSA_KEYS if kind == "rsa" else count)]
    devices = []
    for number in range(count):
        name, key = f"{prefix}-{kind}-{number}", keys[number % len(keys)]
        certificate = issue_device(authority, name, key.public_key(), validity)
        devices.append(Identity(name, name, certificate, key, (authority.certificate,)))
    fleet = Fleet(directory / "ca.pem", directory / "server.pem", directory / "server.key", tuple(devices))
    fleet.authority.write_bytes(chain_to_pem([authority.certificate]))
    fleet.server_certificate.write_bytes(chain_to_pem([server, authority.certificate]))
    fleet.server_key.write_bytes(key_to_pem(server_key))
    return fleet


def _key(kind: str) -> PrivateKey:
    return generate_key(KEY_TYPES[kind])
