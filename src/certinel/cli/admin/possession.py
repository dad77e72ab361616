"""``certinel admin trusted-certificate …``: the proof that a tenant holds the key of a trusted certificate."""

from pathlib import Path
from typing import Annotated, Final

import typer

from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Member, done, print_json
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.admin.trusted_certificates import OfTenant, Reference, app, fingerprint_of
from certinel.cli.node_client import path
from certinel.cli.terminal import EXIT_FAILURE, CommandError

CODE: Final = "proofOfPossessionUnsignedVerificationCode"
SIGNATURE: Final = "proofOfPossessionSignedVerificationCode"


@verb(
    app,
    "code",
    "trusted-certificate code 4fd8df03 --output code.txt",
    "trusted-certificate code 4fd8df03 --new",
)
def print_code(
    node: Node,
    certificate: Reference,
    output: Annotated[Path | None, typer.Option(help="Write the code to this file instead.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Make another code; the last one is useless then.")] = False,
) -> None:
    """Print the code that is to be signed with the certificate's key, byte for byte.

    Sign it with: openssl dgst -sha256 -sign ca.key code.txt | openssl base64 -A > signed.txt
    """
    fingerprint = fingerprint_of(node, certificate)
    found = _with_new_code(node, fingerprint) if new else _with_code(node, fingerprint)
    if output is not None:
        from certinel.cli.pki.files import write_public

        write_public(output, found[CODE].encode(), force=True)
        done(node, f"code of {found['name']} written", found, {"file": str(output)})
    elif node.as_json:
        print_json(found)
    else:
        typer.echo(found[CODE], nl=False)


@verb(app, "verify", "trusted-certificate verify 4fd8df03 signed.txt")
def verify_code(
    node: Node,
    certificate: Reference,
    signed: Annotated[Path, typer.Argument(help="File with the signed code in base64; - is standard input.")],
) -> None:
    """Prove possession with a code that was signed elsewhere, as with openssl or on a card."""
    from certinel.cli.pki.files import content_of

    fingerprint = fingerprint_of(node, certificate)
    _report(node, _proven(node, fingerprint, content_of(signed).decode("ascii", "replace")))


@verb(app, "prove", "trusted-certificate prove 'Plant CA' --key ca.key")
def prove(
    node: Node,
    certificate: Reference,
    key: Annotated[Path, typer.Option(help="Private key of the certificate; it is not sent anywhere.")],
    passphrase_file: Annotated[
        Path | None, typer.Option(help="First line: passphrase of the key; else it is asked for if needed.")
    ] = None,
) -> None:
    """Prove possession in one step: get the code, sign it here, send the signature."""
    fingerprint = fingerprint_of(node, certificate)
    _report(node, prove_with(node, _with_code(node, fingerprint), key, passphrase_file))


@verb(app, "confirm", "trusted-certificate confirm 4fd8df0378f2cafd5e322c1aaa8b87300704e9a5 --tenant t1000")
def confirm_possession(
    node: Node,
    certificate: Reference,
    tenant: OfTenant = None,
    yes: Yes = False,
) -> None:
    """Confirm by hand that a tenant holds the key; for users of the management tenant."""
    of = tenant or node.tenant
    fingerprint = certificate if tenant is not None else fingerprint_of(node, certificate)
    confirm(f"Confirm that {of} holds the key of {fingerprint}, without a proof?", yes=yes)
    _report(node, node.rest.post(_proof_of(of, fingerprint) + "/confirmed"))


@verb(app, "withdraw", "trusted-certificate withdraw 'Plant CA'")
def withdraw_proof(node: Node, certificate: Reference, tenant: OfTenant = None, yes: Yes = False) -> None:
    """Take back the proof of a certificate and of all others with its subject and key."""
    of = tenant or node.tenant
    fingerprint = certificate if tenant is not None else fingerprint_of(node, certificate)
    confirm(f"Take back the proof of {fingerprint}?", yes=yes)
    node.rest.delete(_proof_of(of, fingerprint) + "/pop")
    done(node, "the proof is taken back")


def prove_with(node: Node, found: Member, key: Path, passphrase_file: Path | None) -> Member:
    """Sign the code of a certificate and send the signature; a proven one is left as it is."""
    from certinel.cli.pki.files import read_key
    from certinel.cli.pki.secrets_given import KEY_VARIABLE
    from certinel.pki.errors import PkiError
    from certinel.pki.proof import signature_of

    if found["proofOfPossessionValid"]:
        return found
    private = read_key(key, passphrase_file, KEY_VARIABLE)
    try:
        signature = signature_of(found[CODE].encode(), private)
    except PkiError as error:
        raise CommandError(f"{key}: {error}") from None
    return _proven(node, found["fingerprint"], signature)


def _report(node: Node, found: Member) -> None:
    done(node, f"possession of {found['name']} is proven", found)


def _proven(node: Node, fingerprint: str, signature: str) -> Member:
    proven: Member = node.rest.post(_proof_of(node.tenant, fingerprint) + "/pop", {SIGNATURE: signature})
    return proven


def _with_new_code(node: Node, fingerprint: str) -> Member:
    found: Member = node.rest.post(_proof_of(node.tenant, fingerprint) + "/verification-code")
    return found


def _with_code(node: Node, fingerprint: str) -> Member:
    """Return a certificate with a code that can be used, made anew when the last one is too old."""
    from datetime import datetime

    from certinel.services.clock import SystemClock

    found: Member = node.rest.get(path("tenant", "tenants", node.tenant, "trusted-certificates", fingerprint))
    if found["proofOfPossessionValid"]:
        raise CommandError(f"possession of {found['name']} is proven already; --new makes a code anyway", EXIT_FAILURE)
    until = found.get("proofOfPossessionVerificationCodeUsableUntil")
    if CODE not in found or until is None or datetime.fromisoformat(until) <= SystemClock().now():
        return _with_new_code(node, fingerprint)
    return found


def _proof_of(tenant: str, fingerprint: str) -> str:
    return path("tenant", "tenants", tenant, "trusted-certificates-pop", fingerprint)
