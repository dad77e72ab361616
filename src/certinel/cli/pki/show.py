"""``certinel pki show``: what is in a certificate, a chain, a store or a revocation list."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rich.text import Text

from certinel.cli.chain_file import read_certificates
from certinel.cli.pki.files import content_of
from certinel.cli.pki.keytool import JKS_MAGIC, keytool, passphrase_option
from certinel.cli.pki.outcome import AsJson, print_rows
from certinel.cli.pki.secrets_given import STORE_VARIABLE, StorePassphraseFile, asked, given
from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.domain.certificate_fields import exact, fields_of, findings
from certinel.domain.der import SEQUENCE
from certinel.domain.errors import shown
from certinel.domain.pem import all_der
from certinel.pki.crl import crl_in
from certinel.pki.errors import NotAStoreError, WrongPassphraseError
from certinel.pki.keystore import Store, read_store
from certinel.services.clock import SystemClock

NOT_SHOWN = {
    b"PRIVATE KEY-----": "a private key is in it, which is never shown",
    b"-----BEGIN CERTIFICATE REQUEST-----": "it is a signing request, of which `certinel pki sign` makes a certificate",
}
CERTIFICATE_MARK = b"-----BEGIN CERTIFICATE-----"
ALIAS_MARK = "Alias name: "
SHOWN_REVOKED = 50
"""Lines of a revocation list that are printed; --json has them all."""


def show(
    file: Annotated[
        Path, typer.Argument(help="Certificate, chain or revocation list in PEM or DER, PKCS#12, JKS (with keytool).")
    ],
    store_passphrase_file: StorePassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every field of every certificate in a file, and what is wrong with it as a trusted or a device certificate.

    Private keys are never shown.
    """
    content = content_of(file)
    crl = crl_in(content)
    if crl is not None:
        _show_crl(crl, as_json=as_json)
        return
    entries = _entries(file, content, store_passphrase_file)
    at = SystemClock().now()
    read = [(label, _facts(der, file)) for label, der in entries]
    if as_json:
        answers = [{"entry": label, **fields_of(one), "findings": findings(one, at)} for label, one in read]
        typer.echo(json.dumps(answers, indent=2, ensure_ascii=False))
        return
    for number, (label, one) in enumerate(read, 1):
        if number > 1:
            console.print()
        heading = f"Certificate {number} of {len(read)}" + (f": {label}" if label else "")
        console.print(Text(shown(heading), "bold"))
        print_rows(fields_of(one))
        for words in findings(one, at):
            is_fault = not words.startswith("good")
            console.print(Text(f"  {'✗' if is_fault else '✓'} {words}", "red" if is_fault else "green"))


def _facts(der: bytes, file: Path) -> Certificate:
    try:
        return Certificate.parse(der)
    except MalformedCertificateError as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None


def _entries(file: Path, content: bytes, passphrase_file: Path | None) -> Sequence[tuple[str, bytes]]:
    """Return the certificates of a file with what their place in it is called."""
    if content.startswith(JKS_MAGIC):
        passphrase = given(passphrase_file, STORE_VARIABLE) or asked(str(file))
        kind = ("-storetype", "JKS", *passphrase_option("storepass"))
        return _listed(keytool("-list", "-rfc", "-keystore", file, *kind, passphrase=passphrase))
    if content[:1] == bytes([SEQUENCE]) and not _is_certificate(content):
        return _of_store(_opened(file, content, passphrase_file))
    if content[:1] == bytes([SEQUENCE]):
        return [("", content)]
    if CERTIFICATE_MARK not in content:
        for mark, words in NOT_SHOWN.items():
            if mark in content:
                raise CommandError(f"{file}: {words}", EXIT_USAGE)
    return [("", der) for der in read_certificates(file)]


def _listed(entries: str) -> list[tuple[str, bytes]]:
    """Return the certificates that keytool lists, by the entry that each is in."""
    return [
        (f"entry {alias.strip()}", der)
        for part in entries.split(ALIAS_MARK)[1:]
        for alias, _, rest in [part.partition("\n")]
        for der in all_der(rest)
    ]


def _is_certificate(content: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(content)
    except ValueError:
        return False
    return True


def _opened(file: Path, content: bytes, passphrase_file: Path | None) -> Store:
    passphrase = given(passphrase_file, STORE_VARIABLE)
    try:
        return read_store(content, passphrase if passphrase is not None else asked(str(file)))
    except (NotAStoreError, WrongPassphraseError) as error:
        raise CommandError(f"{file}: {error}", EXIT_USAGE) from None


def _of_store(store: Store) -> list[tuple[str, bytes]]:
    chain = [(f"entry {store.key_alias}, beside its private key", store.chain[:1]), ("above it", store.chain[1:])]
    found = [(label, one.public_bytes(Encoding.DER)) for label, part in chain for one in part]
    trusted = store.trusted.items()
    return found + [(f"entry {alias}, trusted", one.public_bytes(Encoding.DER)) for alias, one in trusted]


def _show_crl(crl: x509.CertificateRevocationList, *, as_json: bool) -> None:
    rows = {
        "Issuer": crl.issuer.rfc4514_string(),
        "Made": exact(crl.last_update_utc),
        "Next one": exact(crl.next_update_utc) if crl.next_update_utc is not None else "not said",
        "Signature algorithm": crl.signature_algorithm_oid._name,  # noqa: SLF001 - the only name that cryptography has
        "Revoked certificates": str(len(crl)),
    }
    revoked = [{"serial": f"{one.serial_number:x}", "revokedAt": one.revocation_date_utc.isoformat()} for one in crl]
    if as_json:
        answer: dict[str, Any] = {**rows, "revoked": revoked}
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    console.print(Text("Revocation list", "bold"))
    print_rows(rows)
    for one in revoked[:SHOWN_REVOKED]:
        console.print(f"  {one['serial']}  revoked {one['revokedAt']}", markup=False)
    if len(revoked) > SHOWN_REVOKED:
        console.print(f"  … and {len(revoked) - SHOWN_REVOKED} more; --json lists all")
