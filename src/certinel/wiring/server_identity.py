"""The node's own server certificate: made once, kept over restarts, replaced only when a name is added.

Devices keep the server CA, or the server certificate itself, in their trust stores: what changes here can lock them
out, so every change is said.
"""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certinel.pki.authority import Authority, Validity
from certinel.pki.errors import PkiError
from certinel.pki.keys import generate_key, key_from_pem, key_to_pem
from certinel.pki.server import SERVER_DAYS, issue_server_certificate, make_server_ca, names_of, normal_name
from certinel.wiring.data_directory import DataDirectory, DataDirectoryError, read, write_public, write_secret

ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Where the server's certificate and key are, and what to tell the operator about them."""

    certificate: Path
    key: Path
    notes: tuple[str, ...] = ()


def names_in(identity: ServerIdentity) -> frozenset[str]:
    """Return the names that the server's certificate is good for.

    One that cannot be read names nobody; what is wrong with it is said where it is used.
    """
    try:
        return names_of(_first_certificate(identity.certificate))
    except DataDirectoryError:
        return frozenset()


def ensure_server_identity(directory: DataDirectory, public_hosts: Sequence[str], *, at: datetime) -> ServerIdentity:
    """Return the generated identity of this data directory, made or extended where a name is missing.

    Raises:
        DataDirectoryError: a file of it cannot be read or written, or a name cannot stand in a certificate.
    """
    try:
        names = _names(public_hosts)
        authority = _authority(directory, at)
        notes: tuple[str, ...] = ()
        if directory.server_certificate.exists() and directory.server_key.exists():
            certificate = _first_certificate(directory.server_certificate)
            missing = [name for name in names if name not in names_of(certificate)]
            if not missing:
                return ServerIdentity(directory.server_certificate, directory.server_key, notes)
            names = [*sorted(names_of(certificate)), *missing]
            notes = (_replacement_note(directory, missing),)
        _issue(directory, authority, names, at)
    except PkiError as error:
        raise DataDirectoryError(f"server certificate in {directory.path}: {error}") from error
    return ServerIdentity(directory.server_certificate, directory.server_key, notes)


def _replacement_note(directory: DataDirectory, missing: Sequence[str]) -> str:
    return (
        f"the server certificate was replaced to add {', '.join(missing)}: devices that trust "
        f"{directory.server_ca.name} go on, those that trust the old server certificate itself need the new one"
    )


def _names(public_hosts: Sequence[str]) -> list[str]:
    names = [normal_name(name) for name in (*public_hosts, *ALWAYS_NAMED)]
    with suppress(PkiError):  # a machine may call itself what no certificate can say
        names.append(normal_name(socket.gethostname()))
    return list(dict.fromkeys(names))


def _authority(directory: DataDirectory, at: datetime) -> Authority:
    if directory.server_ca.exists() and directory.server_ca_key.exists():
        key = key_from_pem(read(directory.server_ca_key))
        return Authority(_first_certificate(directory.server_ca), key)
    authority = make_server_ca(generate_key(), at=at)
    write_secret(directory.server_ca_key, key_to_pem(authority.key))
    write_public(directory.server_ca, authority.certificate.public_bytes(Encoding.PEM))
    return authority


def _issue(directory: DataDirectory, authority: Authority, names: Sequence[str], at: datetime) -> None:
    key = generate_key()
    end = authority.certificate.not_valid_after_utc
    wanted = Validity.of_days(SERVER_DAYS, at=at)
    certificate = issue_server_certificate(
        authority, names, key.public_key(), Validity(wanted.not_before, min(wanted.not_after, end))
    )
    chain = certificate.public_bytes(Encoding.PEM) + authority.certificate.public_bytes(Encoding.PEM)
    write_secret(directory.server_key, key_to_pem(key))
    write_public(directory.server_certificate, chain)


def _first_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(read(path))[0]
    except ValueError as error:
        raise DataDirectoryError(f"{path}: holds no certificate in PEM") from error
