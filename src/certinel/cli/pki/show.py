"""``certinel pki show``: what is in a certificate, a chain, a store or a revocation list."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from rich.text import Text

from certinel.cli.chain_file import read_certificates
from certinel.cli.pki.extension_words import extension_words
from certinel.cli.pki.files import content_of
from certinel.cli.pki.keytool import JKS_MAGIC, keytool, passphrase_option
from certinel.cli.pki.outcome import AsJson, print_rows
from certinel.cli.pki.secrets_given import STORE_VARIABLE, StorePassphraseFile, asked, given
from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.domain.certificate import Certificate, MalformedCertificateError, common_name_fault
from certinel.domain.certificate_facts import key_text
from certinel.domain.der import SEQUENCE
from certinel.domain.errors import shown
from certinel.domain.pem import all_der, armoured
from certinel.domain.signature import is_signed_by
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft, UnacceptableCertificateError
from certinel.domain.unique_identifiers import unique_identifiers
from certinel.pki.errors import NotAStoreError, WrongPassphraseError
from certinel.pki.keystore import Store, read_store
from certinel.services.clock import SystemClock

CRL_MARK = b"-----BEGIN X509 CRL-----"
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
    crl = _crl_in(content)
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


def fields_of(certificate: Certificate) -> dict[str, str]:
    """Return every field of X.509 version 3 under the name people know it by."""
    issuer_id, subject_id = unique_identifiers(certificate)
    parsed = certificate.parsed
    is_own = is_signed_by(certificate, certificate)
    fields = {
        "Version": str(certificate.version),
        "Serial number": f"{certificate.serial_number:x} ({certificate.serial_number})",
        "Issuer": certificate.issuer_text,
        "Not before": _moment(certificate.not_before),
        "Not after": _moment(certificate.not_after),
        "Subject": certificate.subject_text,
        "Self-signed": "yes" if is_own else "no",
        "Public key algorithm": key_text(certificate),
        "Subject public key": certificate.public_key.hex(),
        "Certificate signature algorithm": certificate.algorithm_name,
        "Certificate signature": parsed.signature.hex(),
        "Issuer unique identifier": issuer_id.hex() if issuer_id is not None else "none",
        "Subject unique identifier": subject_id.hex() if subject_id is not None else "none",
        "SHA-1 fingerprint": certificate.fingerprint,
        "SHA-256 fingerprint": certificate.sha256.hex(),
    }
    return fields | {f"Extension {name}": words for name, words in extension_words(certificate)}


def findings(certificate: Certificate, at: datetime) -> list[str]:
    """Say what keeps the certificate from being a trusted certificate, and from being that of a device."""
    draft = TrustedCertificateDraft(certificate_text=armoured(certificate.der), status=TrustStatus.ENABLED)
    try:
        draft.accepted_certificate(at)
        trusted = "good as trusted certificate"
    except UnacceptableCertificateError as error:
        trusted = f"not as trusted certificate: {str(error).removeprefix('Cannot process certificate data. : ')}"
    fault = _fault_as_device(certificate, at)
    return [trusted, f"not as device certificate: {fault}" if fault else "good as device certificate"]


def _fault_as_device(certificate: Certificate, at: datetime) -> str | None:
    if not certificate.is_valid(at):
        return "it has expired" if at > certificate.not_after else "it is not valid yet"
    if certificate.key_weakness is not None:
        return f"its key: {certificate.key_weakness}"
    if certificate.is_signature_weak:
        return f"it is signed with {certificate.algorithm_name}, which is not safe"
    usages = certificate.extended_key_usage
    purposes = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usages is not None and not purposes & set(usages):
        return "its extended key usage does not allow it to be a client"
    name = common_name_fault(certificate)
    return f"its common name: {name}" if name else None


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
        return [("", der) for der in all_der(keytool("-list", "-rfc", "-keystore", file, *kind, passphrase=passphrase))]
    if content[:1] == bytes([SEQUENCE]) and not _is_certificate(content):
        return _of_store(_opened(file, content, passphrase_file))
    if content[:1] == bytes([SEQUENCE]):
        return [("", content)]
    return [("", der) for der in read_certificates(file)]


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


def _crl_in(content: bytes) -> x509.CertificateRevocationList | None:
    try:
        if CRL_MARK in content:
            return x509.load_pem_x509_crl(content)
        return x509.load_der_x509_crl(content) if content[:1] == bytes([SEQUENCE]) else None
    except ValueError:
        return None


def _show_crl(crl: x509.CertificateRevocationList, *, as_json: bool) -> None:
    rows = {
        "Issuer": crl.issuer.rfc4514_string(),
        "Made": _moment(crl.last_update_utc),
        "Next one": _moment(crl.next_update_utc) if crl.next_update_utc is not None else "not said",
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


def _moment(at: datetime) -> str:
    return f"{at:%-d %b %Y, %H:%M:%S} UTC"
