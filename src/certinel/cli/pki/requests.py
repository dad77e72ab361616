"""``certinel pki csr`` and ``sign``: a key that stays where it was made, and a certificate for it."""

from pathlib import Path
from typing import Annotated

import typer

from certinel.cli.pki.authorities import Name, PathLength
from certinel.cli.pki.devices import DEVICE_DAYS
from certinel.cli.pki.files import (
    CaFile,
    CaKeyFile,
    Force,
    content_of,
    key_file_of,
    read_authority,
    read_key,
    refuse_existing,
    write_public,
    write_secret,
)
from certinel.cli.pki.issued import Issued, IssuedIndex
from certinel.cli.pki.outcome import AsJson, report
from certinel.cli.pki.secrets_given import (
    KEY_VARIABLE,
    CaPassphraseFile,
    Encrypt,
    PassphraseFile,
    for_new_key,
)
from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.pki.authority import Validity, issue_device_for, issue_intermediate_for, subject_of
from certinel.pki.chain import chain_to_pem
from certinel.pki.keys import KeyType, generate_key, key_to_pem
from certinel.pki.request import make_request, read_request
from certinel.services.clock import SystemClock


def csr(  # noqa: PLR0917 - typer calls it by name
    name: Name,
    out: Annotated[Path, typer.Option(help="Where the request goes; a new key goes beside it, ending .key.")] = Path(
        "device.csr"
    ),
    key: Annotated[Path | None, typer.Option(help="Use this key instead of a new one.")] = None,
    key_type: Annotated[KeyType, typer.Option(help="Kind of the new key.")] = KeyType.EC_P256,
    organization: Annotated[str | None, typer.Option(help="O of the subject.")] = None,
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
) -> None:
    """Make a certificate signing request, with a new key or one that is there."""
    subject = subject_of(name, organization)
    refuse_existing(out, force=force)
    if key is not None:
        private_key = read_key(key, passphrase_file, KEY_VARIABLE)
    else:
        key_file = key_file_of(out)
        refuse_existing(key_file, force=force)
        passphrase = for_new_key(passphrase_file, encrypt=encrypt, what=f"the new key {key_file}")
        private_key = generate_key(key_type)
        write_secret(key_file, key_to_pem(private_key, passphrase), force=force)
        console.print(f"✓ Key made: {key_file} (only you can read it)", markup=False)
    write_public(out, make_request(subject, private_key), force=force)
    console.print(f"✓ Request for {subject.rfc4514_string()} made: {out}", markup=False)


def sign(  # noqa: PLR0917 - typer calls it by name
    request: Annotated[Path, typer.Argument(help="The request, in PEM or DER; - is standard input.")],
    out: Annotated[Path, typer.Option(help="Where the certificate and those above it go.")],
    ca: CaFile = Path("ca.pem"),
    ca_key: CaKeyFile = None,
    days: Annotated[int, typer.Option(help="How long the certificate is valid.")] = DEVICE_DAYS,
    as_ca: Annotated[bool, typer.Option("--as-ca", help="Make an intermediate CA instead of a device.")] = False,
    pathlen: PathLength = None,
    ca_passphrase_file: CaPassphraseFile = None,
    another: Annotated[
        bool, typer.Option("--another", help="Also for a subject that has a certificate which is still good.")
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Issue the certificate that a request asks for. Extensions in the request are ignored; the subject is kept."""
    refuse_existing(out, force=force)
    issuer, above = read_authority(ca, ca_key, ca_passphrase_file)
    subject, public_key = read_request(content_of(request))
    at = SystemClock().now()
    validity = Validity.of_days(days, at=at)
    with IssuedIndex.locked(ca) as index:
        if not another and subject.rfc4514_string() in index.live_subjects(at):
            raise CommandError(
                f"{subject.rfc4514_string()} has a certificate that is still good; revoke it, or make --another",
                EXIT_USAGE,
            )
        if as_ca:
            certificate = issue_intermediate_for(issuer, subject, public_key, validity, path_length=pathlen)
        else:
            certificate = issue_device_for(issuer, subject, public_key, validity)
        write_public(out, chain_to_pem([certificate, *above]), force=force)
        index.add([Issued.of(certificate)])
    report("Certificate", [certificate, *above], out, None, as_json=as_json)
