"""``certinel pki ca`` and ``intermediate``: who can issue."""

from pathlib import Path
from typing import Annotated

import typer

from certinel.cli.pki.files import (
    CaFile,
    CaKeyFile,
    Force,
    key_file_of,
    read_authority,
    refuse_existing,
    write_public,
    write_secret,
)
from certinel.cli.pki.issued import Issued, IssuedIndex
from certinel.cli.pki.outcome import AsJson, report
from certinel.cli.pki.secrets_given import CaPassphraseFile, Encrypt, PassphraseFile, for_new_key
from certinel.pki.authority import Validity, issue_intermediate, make_ca, subject_of
from certinel.pki.chain import chain_to_pem
from certinel.pki.keys import KeyType, generate_key, key_to_pem
from certinel.services.clock import SystemClock

CA_DAYS = 3650
INTERMEDIATE_DAYS = 1825

Name = Annotated[
    str,
    typer.Argument(
        help="Common name, as “Plant CA”, or a whole subject, as “CN=Plant CA,O=Example” or “/O=Example/CN=Plant CA”."
    ),
]
KeyKind = Annotated[
    KeyType, typer.Option(help="Kind of the new key. No platform trusts a CA with Ed25519: that is for other uses.")
]
PathLength = Annotated[
    int | None, typer.Option("--pathlen", min=0, help="How many CAs may stand between this one and a device.")
]


def ca(  # noqa: PLR0917 - typer calls it by name
    name: Name,
    out: Annotated[Path, typer.Option(help="Where the certificate goes; the key goes beside it, ending .key.")] = Path(
        "ca.pem"
    ),
    key_type: KeyKind = KeyType.EC_P256,
    days: Annotated[int, typer.Option(help="How long the certificate is valid.")] = CA_DAYS,
    pathlen: PathLength = None,
    organization: Annotated[str | None, typer.Option(help="O of the subject.")] = None,
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a self-signed CA: what a tenant uploads as trusted certificate, and the key that issues for devices."""
    key_file = key_file_of(out)
    refuse_existing(out, key_file, force=force)
    passphrase = for_new_key(passphrase_file, encrypt=encrypt, what=f"the new key {key_file}")
    validity = Validity.of_days(days, at=SystemClock().now())
    authority = make_ca(subject_of(name, organization), generate_key(key_type), validity, path_length=pathlen)
    write_secret(key_file, key_to_pem(authority.key, passphrase), force=force)
    write_public(out, chain_to_pem([authority.certificate]), force=force)
    IssuedIndex.forget(out)
    report("CA", [authority.certificate], out, key_file, as_json=as_json)


def intermediate(  # noqa: PLR0917 - typer calls it by name
    name: Name,
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    out: Annotated[
        Path, typer.Option(help="Where the certificate and those above it go; the key goes beside it, ending .key.")
    ] = Path("intermediate.pem"),
    key_type: KeyKind = KeyType.EC_P256,
    days: Annotated[int, typer.Option(help="How long the certificate is valid.")] = INTERMEDIATE_DAYS,
    pathlen: PathLength = None,
    organization: Annotated[str | None, typer.Option(help="O of the subject.")] = None,
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    ca_passphrase_file: CaPassphraseFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Make a CA below another one."""
    key_file = key_file_of(out)
    refuse_existing(out, key_file, force=force)
    issuer, above = read_authority(ca, ca_key, ca_passphrase_file)
    passphrase = for_new_key(passphrase_file, encrypt=encrypt, what=f"the new key {key_file}")
    validity = Validity.of_days(days, at=SystemClock().now())
    subject = subject_of(name, organization)
    authority = issue_intermediate(issuer, subject, generate_key(key_type), validity, path_length=pathlen)
    certificates = [authority.certificate, *above]
    with IssuedIndex.locked(ca) as index:
        write_secret(key_file, key_to_pem(authority.key, passphrase), force=force)
        write_public(out, chain_to_pem(certificates), force=force)
        index.add([Issued.of(authority.certificate)])
    report("Intermediate", certificates, out, key_file, as_json=as_json)
