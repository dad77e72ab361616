"""``certinel pki revoke`` and ``crl``: which certificates of a CA are no longer good."""

import shlex
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from certinel.cli.pki.files import KEY_SUFFIX, CaFile, CaKeyFile, content_of, read_authority, read_chain, write_public
from certinel.cli.pki.issued import Issued, IssuedIndex
from certinel.cli.pki.secrets_given import CaPassphraseFile
from certinel.cli.terminal import EXIT_USAGE, CommandError, console, this_program
from certinel.pki.chain import ordered
from certinel.pki.crl import RevokedEntry, crl_in, make_crl
from certinel.services.clock import SystemClock

CRL_DAYS = 30


class Reason(StrEnum):
    """Why a certificate is revoked, as revocation lists say it (RFC 5280, 5.3.1)."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"


def revoke(
    which: Annotated[
        str, typer.Argument(help="Certificate file, common name, or serial number in hexadecimal digits.")
    ],
    ca: CaFile = Path("ca.pem"),
    reason: Annotated[Reason, typer.Option(help="Why.")] = Reason.UNSPECIFIED,
) -> None:
    """Note in the CA's index that a certificate is no longer good; `crl` then puts it on the list.

    By common name, every certificate of that device which is still good is meant. A file may hold a certificate
    that another program has issued with this CA.
    """
    at = SystemClock().now()
    with IssuedIndex.locked(ca) as index:
        meant = _meant(which, ca, index, at)
        serials = {one.serial for one in meant}
        others = [one for one in index.entries if one.serial not in serials]
        index.save([*others, *(one.revoked(at, reason) for one in meant)])
    for one in meant:
        console.print(f"✓ Revoked: {one.subject}, serial {one.serial}", markup=False)
    key = "" if ca.with_suffix(KEY_SUFFIX).exists() else " --ca-key KEY"
    console.print(f"  Now make the list: {this_program()} pki crl --ca {shlex.quote(str(ca))}{key}", markup=False)


def crl(
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    out: Annotated[Path | None, typer.Option(help="The list; by default the CA's name ending .crl.")] = None,
    days: Annotated[int, typer.Option(help="How long the list is good.")] = CRL_DAYS,
    ca_passphrase_file: CaPassphraseFile = None,
) -> None:
    """Make the CA's revocation list of what was revoked, in PEM; the one before it is replaced, and nothing else."""
    issuer, _ = read_authority(ca, ca_key, ca_passphrase_file)
    file = out or ca.with_suffix(".crl")
    _refuse_what_is_no_list(file)
    at = SystemClock().now()
    with IssuedIndex.locked(ca) as index:
        entries = [
            RevokedEntry(int(one.serial, 16), datetime.fromisoformat(one.revoked_at), x509.ReasonFlags(one.reason))
            for one in index.entries
            if one.revoked_at is not None
        ]
        number = int(at.timestamp() * 1000)  # grows from list to list without being kept
        write_public(file, make_crl(issuer, entries, number=number, at=at, days=days), force=True)
    console.print(f"✓ Revocation list made: {file}, {len(entries)} certificates on it, good for {days} days")


def _refuse_what_is_no_list(file: Path) -> None:
    """Refuse to write over a key or a certificate; a device or a pipe is nothing that could be lost."""
    if file.is_file() and crl_in(content_of(file)) is None:
        raise CommandError(f"{file} is there already, and no revocation list", EXIT_USAGE)


def _meant(which: str, ca: Path, index: IssuedIndex, at: datetime) -> list[Issued]:
    file = Path(which)
    if file.is_file():
        certificate = read_chain(file)[0]
        if len(ordered(certificate, read_chain(ca)[:1])) == 1:
            raise CommandError(f"{file}: this CA has not issued it", EXIT_USAGE)
        found = [Issued.of(certificate)]
    else:
        serial = which.lower().replace(":", "").removeprefix("0x").lstrip("0")
        named = [one for one in index.entries if _common_name(one) == which]
        live = [one for one in named if one.is_live(at)]
        found = live or named or [one for one in index.entries if one.serial == serial]
    revoked = {one.serial for one in index.entries if one.revoked_at is not None}
    if not found:
        raise CommandError(f"{which}: neither a file, nor a certificate that this CA's index knows", EXIT_USAGE)
    if all(one.serial in revoked for one in found):
        raise CommandError(f"{which} is revoked already", EXIT_USAGE)
    return found


def _common_name(issued: Issued) -> str:
    name = x509.Name.from_rfc4514_string(issued.subject)
    attributes = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""
