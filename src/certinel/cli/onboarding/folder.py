"""The files of an onboarding. What is there is used, what is missing is made; nothing is ever replaced."""

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from certinel.cli.onboarding.trusting import Tell, common_name_of
from certinel.cli.pki.files import (
    KEY_SUFFIX,
    content_of,
    file_name_of,
    key_file_of,
    read_authority,
    read_chain,
    read_key,
    write_public,
    write_secret,
)
from certinel.cli.pki.issued import Issued, IssuedIndex
from certinel.cli.pki.secrets_given import CA_VARIABLE, KEY_VARIABLE, STORE_VARIABLE, for_new_key, given
from certinel.cli.terminal import EXIT_USAGE, CommandError, this_program
from certinel.pki.authority import Authority, Validity, distinguished_name, issue_device_for, make_ca, subject_of
from certinel.pki.chain import chain_to_pem, ordered
from certinel.pki.errors import PkiError
from certinel.pki.keys import PrivateKey, generate_key, key_to_pem
from certinel.pki.keystore import make_keystore, make_truststore, read_store

CA_DAYS = 3650
DEVICE_DAYS = 365
STORE_PASSPHRASE_BYTES = 18


@dataclass(frozen=True, slots=True)
class DevicePaths:
    """Where everything of one device is."""

    folder: Path
    name: str

    @property
    def chain(self) -> Path:
        """Its certificate and those above it."""
        return self.folder / f"{file_name_of(self.name)}.pem"

    @property
    def key(self) -> Path:
        """Its private key."""
        return self.chain.with_suffix(KEY_SUFFIX)

    @property
    def keystore(self) -> Path:
        """Both in the form that Java reads."""
        return self.chain.with_suffix(".p12")

    @property
    def settings(self) -> Path:
        """What a program needs to know, as NAME=value lines."""
        return self.chain.with_suffix(".env")

    @property
    def server_ca(self) -> Path:
        """Whom the device trusts."""
        return self.folder / "server-ca.pem"

    @property
    def truststore(self) -> Path:
        """The same in the form that Java reads."""
        return self.folder / "truststore.p12"

    @property
    def store_passphrase(self) -> Path:
        """The passphrase of both stores, when nobody gave one."""
        return self.folder / "store-passphrase"


@dataclass(frozen=True, slots=True)
class CaFiles:
    """Where the CA is, and how its key is protected."""

    certificate: Path
    key: Path | None
    passphrase_file: Path | None
    encrypt: bool


def ca_at(files: CaFiles, name: str, now: datetime, tell: Tell) -> tuple[Authority, list[x509.Certificate]]:
    """Return the CA in the files and its chain, made when there is none."""
    key_file = files.key or key_file_of(files.certificate)
    if files.certificate.exists():
        authority, chain = read_authority(files.certificate, key_file, files.passphrase_file)
        if authority.certificate.not_valid_after_utc <= now:
            raise CommandError(
                f"{files.certificate}: the CA expired on {authority.certificate.not_valid_after_utc:%Y-%m-%d}"
            )
        tell("CA is there already", f"{common_name_of(authority.certificate)} in {files.certificate}")
        return authority, chain
    key = _key_at(key_file, files)
    authority = make_ca(subject_of(name), key, Validity.of_days(CA_DAYS, at=now))
    write_public(files.certificate, chain_to_pem([authority.certificate]), force=False)
    tell("CA made", f"{name} in {files.certificate}, its key in {key_file}")
    return authority, [authority.certificate]


def _key_at(file: Path, ca: CaFiles) -> PrivateKey:
    """Return the key in ``file``, where an earlier run has left one, or a new one that is there from now on."""
    if file.exists():
        return read_key(file, ca.passphrase_file, CA_VARIABLE)
    passphrase = given(ca.passphrase_file, CA_VARIABLE)
    if passphrase is None:
        passphrase = for_new_key(None, encrypt=ca.encrypt, what=f"the new key {file}")
    key = generate_key()
    write_secret(file, key_to_pem(key, passphrase), force=False)
    return key


def device_at(
    paths: DevicePaths, ca_file: Path, ca: Authority, above: list[x509.Certificate], now: datetime, tell: Tell
) -> tuple[list[x509.Certificate], PrivateKey]:
    """Return the chain and key of the device, made when they are not there."""
    if paths.chain.exists():
        chain, key = read_chain(paths.chain), read_key(paths.key, None, KEY_VARIABLE)
        _check(chain[0], key, paths, ca.certificate, now)
        tell("Device certificate is there already", f"{paths.chain}, until {chain[0].not_valid_after_utc:%-d %b %Y}")
        return chain, key
    with IssuedIndex.locked(ca_file) as index:
        subject = distinguished_name(paths.name)
        if subject.rfc4514_string() in index.live_subjects(now):
            raise CommandError(
                f"{paths.name} has a certificate of this CA that is still good, but not in {paths.chain}; put it there,"
                f" or revoke it: {this_program()} pki revoke {shlex.quote(paths.name)} --ca"
                f" {shlex.quote(str(ca_file))}"
            )
        key = _device_key(paths.key)
        validity = Validity.of_days(DEVICE_DAYS, at=now)
        end = min(validity.not_after, ca.certificate.not_valid_after_utc)
        certificate = issue_device_for(ca, subject, key.public_key(), Validity(validity.not_before, end))
        write_public(paths.chain, chain_to_pem([certificate, *above]), force=False)
        index.add([Issued.of(certificate)])
    tell("Device certificate made", f"{paths.chain}, its key in {paths.key}")
    return [certificate, *above], key


def _device_key(file: Path) -> PrivateKey:
    if file.exists():
        return read_key(file, None, KEY_VARIABLE)
    key = generate_key()
    write_secret(file, key_to_pem(key), force=False)
    return key


def _check(leaf: x509.Certificate, key: PrivateKey, paths: DevicePaths, ca: x509.Certificate, now: datetime) -> None:
    if leaf.public_key() != key.public_key():
        raise CommandError(f"{paths.key} is not the key of the certificate in {paths.chain}", EXIT_USAGE)
    if common_name_of(leaf) != paths.name:
        raise CommandError(
            f"{paths.chain} is the certificate of {common_name_of(leaf)}, not of {paths.name}", EXIT_USAGE
        )
    if len(ordered(leaf, [ca])) == 1:
        raise CommandError(f"{paths.chain} was not issued by this CA, {common_name_of(ca)}", EXIT_USAGE)
    if leaf.not_valid_after_utc <= now:
        raise CommandError(
            f"{paths.chain} expired on {leaf.not_valid_after_utc:%Y-%m-%d}; make a new one:"
            f" {this_program()} pki device {shlex.quote(paths.name)} --force --another"
        )


def write_server_ca(paths: DevicePaths, server_ca: Path | None, tell: Tell) -> Path | None:
    """Put the server's CA where the device looks for it; None when it is one that every computer trusts."""
    if server_ca is None:
        tell("No server CA needed", "the platform's certificate is from a CA that this computer trusts")
        return None
    content = chain_to_pem(read_chain(server_ca))
    if paths.server_ca.exists():
        if read_chain(paths.server_ca) != read_chain(server_ca):
            raise CommandError(f"{paths.server_ca} is there already, and another one than {server_ca}", EXIT_USAGE)
    else:
        write_public(paths.server_ca, content, force=False)
        tell("Server CA copied", str(paths.server_ca))
    return paths.server_ca


def write_stores(
    paths: DevicePaths, key: PrivateKey, chain: list[x509.Certificate], passphrase_file: Path | None, tell: Tell
) -> Path | None:
    """Make the key store and the trust store; returns the file with their passphrase when there is one."""
    passphrase = given(passphrase_file, STORE_VARIABLE)
    if passphrase is None:
        passphrase_file = paths.store_passphrase
        if not passphrase_file.exists():
            secret = secrets.token_urlsafe(STORE_PASSPHRASE_BYTES)
            write_secret(passphrase_file, f"{secret}\n".encode(), force=False)
        passphrase = given(passphrase_file, STORE_VARIABLE) or ""
    if paths.keystore.exists():
        _check_store(paths.keystore, chain[0], passphrase)
    else:
        write_secret(paths.keystore, make_keystore(key, chain, passphrase), force=False)
        tell("Key store made", f"{paths.keystore}, for Java")
    if paths.server_ca.exists() and not paths.truststore.exists():
        trusted = {"servercertificate": read_chain(paths.server_ca)[0]}
        write_public(paths.truststore, make_truststore(trusted, passphrase), force=False)
        tell("Trust store made", f"{paths.truststore}, for Java")
    return passphrase_file


def _check_store(file: Path, leaf: x509.Certificate, passphrase: str) -> None:
    try:
        is_of_device = read_store(content_of(file), passphrase).chain[:1] == [leaf]
    except PkiError as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None
    if not is_of_device:
        raise CommandError(f"{file} holds another certificate of the device; move it away to have it made again")


def write_settings(
    paths: DevicePaths, place: Mapping[str, str], server_ca: Path | None, passphrase_file: Path | None, tell: Tell
) -> None:
    """Write where the platform is and where the files are, for shells and most programs to read.

    They hold no secret, and are always renewed. What is not there is empty.
    """
    files = {
        "DEVICE_CHAIN": paths.chain,
        "DEVICE_KEY": paths.key,
        "DEVICE_SERVER_CA": server_ca,
        "DEVICE_KEYSTORE": paths.keystore,
        "DEVICE_TRUSTSTORE": paths.truststore if server_ca is not None else None,
        "DEVICE_STORE_PASSPHRASE_FILE": passphrase_file,
    }
    settings = {"DEVICE_NAME": paths.name, **place}
    settings |= {name: str(file.absolute()) if file is not None else "" for name, file in files.items()}
    lines = "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())
    is_new = not paths.settings.exists() or content_of(paths.settings).decode(errors="replace") != lines
    if is_new:
        write_public(paths.settings, lines.encode(), force=True)
        tell("Settings written", str(paths.settings))
