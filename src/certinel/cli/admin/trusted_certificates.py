"""``certinel admin trusted-certificate …``: the CAs whose devices a tenant lets in."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import (
    Cell,
    Column,
    Member,
    day,
    done,
    moment,
    print_json,
    show_list,
    show_one,
    state,
)
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.node_client import path
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError, this_program
from certinel.services.clock import SystemClock

app = typer.Typer(
    help="Trusted certificates: the CAs whose devices are let in.",
    no_args_is_help=True,
)

FINGERPRINT_DIGITS: Final = 40
SHORT_DIGITS: Final = 12
"""Of a fingerprint in a table; so many tell certificates apart, and every command takes them."""
MIN_DIGITS: Final = 4
COUNTED_AT_MOST: Final = 1000
"""Devices that are counted before something is asked; `rehearse` lists all."""
NAMED_AT_MOST: Final = 5
SOON: Final = timedelta(days=90)

Reference = Annotated[
    str,
    typer.Argument(
        metavar="CERTIFICATE",
        help="Its fingerprint (SHA-1), the first digits of it, or its name.",
        autocompletion=completion.trusted_certificates,
    ),
]
OfTenant = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        help="Whose certificate it is, for users of the management tenant; then give the whole fingerprint.",
        autocompletion=completion.tenants,
    ),
]


class Status(StrEnum):
    """Whether a trusted certificate counts."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class Change(StrEnum):
    """What could become of a trusted certificate."""

    DISABLE = "disable"
    DELETE = "delete"
    EXPIRE = "expire"


class Switch(StrEnum):
    """Whether devices register themselves."""

    ON = "on"
    OFF = "off"


@verb(app, "list")
def list_certificates(node: Node) -> None:
    """List the trusted certificates, in the order of their upload."""
    pages = node.rest.pages(all_of(node.tenant), "certificates")
    upload = f"{this_program()} admin trusted-certificate upload ca.pem"
    show_list(node, pages, _COLUMNS, f"Nobody is trusted yet: {upload}")


@verb(app, "show", "trusted-certificate show 'Plant CA'", "trusted-certificate show 4fd8df03 --json")
def show_certificate(node: Node, certificate: Reference, tenant: OfTenant = None) -> None:
    """Show one trusted certificate with everything that is known of it."""
    show_one(node, node.rest.get(where(node, certificate, tenant)), certificate_rows)


@verb(
    app,
    "upload",
    "trusted-certificate upload ca.pem --auto-registration",
    "trusted-certificate upload ca.pem --key ca.key",
    "trusted-certificate upload plant-*.der --status disabled",
)
def upload_certificates(
    node: Node,
    *,
    files: Annotated[
        list[Path], typer.Argument(help="PEM with anything around it, or DER; every certificate in them is uploaded.")
    ],
    name: Annotated[str | None, typer.Option(help="Free text, for a single certificate; else its common name.")] = None,
    auto_registration: Annotated[
        bool, typer.Option("--auto-registration", help="Let devices register themselves by connecting.")
    ] = False,
    status: Annotated[Status, typer.Option(help="Whether its devices are let in.")] = Status.ENABLED,
    key: Annotated[
        Path | None, typer.Option(help="Its private key, to prove possession at once; for a single certificate.")
    ] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="First line: passphrase of the key.")] = None,
) -> None:
    """Trust CA certificates: devices with certificates issued by them may connect. Several are taken all or none."""
    from certinel.cli.admin.possession import prove_with

    uploads = list(_uploads(files, name, auto_registration=auto_registration, status=status))
    if len(uploads) > 1:
        if name is not None or key is not None:
            raise CommandError(
                f"--name and --key go with a single certificate, and there are {len(uploads)}", EXIT_USAGE
            )
        stored = node.rest.post(all_of(node.tenant) + "/bulk", {"certificates": uploads})
        if node.as_json:
            print_json(stored)
        else:
            show_list(node, [stored["certificates"]], _COLUMNS, "")
        return
    stored = node.rest.post(all_of(node.tenant), uploads[0])
    if key is not None:
        stored = prove_with(node, stored, key, passphrase_file)
    done(node, f"{stored['name']} is trusted", stored, certificate_rows(stored))


@verb(app, "enable")
def enable_certificate(node: Node, certificate: Reference, tenant: OfTenant = None) -> None:
    """Let the devices of a trusted certificate in."""
    _change(node, where(node, certificate, tenant), {"status": "ENABLED"}, "enabled")


@verb(app, "disable", "trusted-certificate disable 'Plant CA'")
def disable_certificate(node: Node, certificate: Reference, tenant: OfTenant = None, yes: Yes = False) -> None:
    """Keep the devices of a trusted certificate out; those that are connected are disconnected at once."""
    place = where(node, certificate, tenant)
    label = _label(node, place)
    if not yes:
        _show_who_loses_access(node, place, Change.DISABLE, is_own=tenant is None)
    confirm(f"Disable {label}? Its devices are disconnected and kept out.", yes=yes)
    _change(node, place, {"status": "DISABLED"}, "disabled")


@verb(app, "rename", "trusted-certificate rename 4fd8df03 'Plant CA, hall 3'")
def rename_certificate(
    node: Node,
    certificate: Reference,
    name: Annotated[str, typer.Argument(help="The new name: free text.")],
    tenant: OfTenant = None,
) -> None:
    """Give a trusted certificate another name."""
    _change(node, where(node, certificate, tenant), {"name": name}, "its new name")


@verb(app, "auto-registration", "trusted-certificate auto-registration 'Plant CA' on")
def set_auto_registration(
    node: Node,
    certificate: Reference,
    switch: Annotated[Switch, typer.Argument(help="Whether devices register themselves by connecting.")],
    tenant: OfTenant = None,
) -> None:
    """Let devices of a trusted certificate register themselves by connecting, or not."""
    body = {"autoRegistrationEnabled": switch is Switch.ON}
    _change(node, where(node, certificate, tenant), body, f"auto registration {switch}")


@verb(app, "delete", "trusted-certificate delete 4fd8df03", "trusted-certificate delete 'Old CA' --yes")
def delete_certificate(node: Node, certificate: Reference, tenant: OfTenant = None, yes: Yes = False) -> None:
    """Stop trusting a certificate; its devices are disconnected and kept out."""
    place = where(node, certificate, tenant)
    label = _label(node, place)
    if not yes:
        _show_who_loses_access(node, place, Change.DELETE, is_own=tenant is None)
    confirm(f"Delete {label}? Its devices are disconnected and kept out.", yes=yes)
    node.rest.delete(place)
    done(node, f"{label} deleted")


@verb(app, "rehearse", "trusted-certificate rehearse 'Plant CA' disable")
def rehearse_change(
    node: Node,
    certificate: Reference,
    change: Annotated[Change, typer.Argument(help="What would become of it.")],
) -> None:
    """List the devices that would lose access if a trusted certificate were disabled, deleted or expired."""
    pages = _losing(node, fingerprint_of(node, certificate), change)
    show_list(node, pages, LOSING, "No device would lose access.")


def all_of(tenant: str) -> str:
    """Return where the trusted certificates of a tenant are."""
    return path("tenant", "tenants", tenant, "trusted-certificates")


def where(node: Node, reference: str, tenant: str | None = None) -> str:
    """Return where the certificate is that somebody means."""
    if tenant is not None:
        return all_of(tenant) + path(_digits(reference))
    return all_of(node.tenant) + path(fingerprint_of(node, reference))


def fingerprint_of(node: Node, reference: str) -> str:
    """Return the fingerprint of the one certificate of the caller's tenant that ``reference`` means."""
    digits = _digits(reference)
    if len(digits) == FINGERPRINT_DIGITS and _is_hexadecimal(digits):
        return digits
    named, begun = [], []
    for page in node.rest.pages(all_of(node.tenant), "certificates"):
        named += [one["fingerprint"] for one in page if one["name"] == reference]
        if len(digits) >= MIN_DIGITS:
            begun += [one["fingerprint"] for one in page if one["fingerprint"].startswith(digits)]
    found: list[str] = named or begun
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"there is no trusted certificate {reference}", EXIT_FAILURE)
    raise CommandError(f"{reference} can mean {len(found)} certificates: {', '.join(found)}", EXIT_USAGE)


def certificate_rows(one: Member) -> Mapping[str, Cell]:
    """Return what is shown of one certificate."""
    rows: dict[str, Cell] = {
        "name": one["name"],
        "fingerprint": one["fingerprint"],
        "status": _status(one),
        "auto registration": "on" if one["autoRegistrationEnabled"] else "off",
        "possession": _proof(one),
        "subject": one["subject"],
        "issuer": one["issuer"],
        "serial": f"{int(one['serialNumber']):x}",
        "valid": Text.assemble(f"{moment(one['notBefore'])} to ", _expiry(one, moment(one["notAfter"])), " UTC"),
        "algorithm": one["algorithmName"],
    }
    if "proofOfPossessionVerificationCodeUsableUntil" in one and not one["proofOfPossessionValid"]:
        rows["code usable until"] = f"{moment(one['proofOfPossessionVerificationCodeUsableUntil'])} UTC"
    if "proofOfPossessionWarning" in one:
        rows["note"] = one["proofOfPossessionWarning"]
    return rows


def _uploads(
    files: Sequence[Path], name: str | None, *, auto_registration: bool, status: Status
) -> Iterator[dict[str, Any]]:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    from certinel.cli.chain_file import read_certificates
    from certinel.domain.pem import armoured

    for file in files:
        for der in read_certificates(file):
            try:
                names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            except ValueError:  # the node says what is wrong with it
                names = []
            yield {
                "name": name or (str(names[0].value) if names else file.stem),
                "status": status.name,
                "autoRegistrationEnabled": auto_registration,
                "certInPemFormat": armoured(der),
            }


def _change(node: Node, place: str, body: Mapping[str, Any], word: str) -> None:
    changed = node.rest.put(place, body)
    done(node, f"{changed['name']}: {word}", changed)


def _label(node: Node, place: str) -> str:
    found = node.rest.get(place)
    return f"{found['name']} ({found['fingerprint'][:SHORT_DIGITS]})"


def _losing(node: Node, fingerprint: str, change: Change, *, limit: int | None = None) -> Iterator[list[Member]]:
    where_asked = f"/certinel/rehearsals/trustedCertificates/{fingerprint}"
    return node.rest.pages(where_asked, "devices", {"change": change.name}, limit=limit)


def _show_who_loses_access(node: Node, place: str, change: Change, *, is_own: bool) -> None:
    """Say on standard error what is about to happen; of another tenant's devices nothing is known."""
    if not is_own or not sys.stdin.isatty():
        return
    fingerprint = place.rpartition("/")[2]
    names = [one["device"] for page in _losing(node, fingerprint, change, limit=COUNTED_AT_MOST) for one in page]
    if not names:
        typer.echo("No device that is known would lose access.", err=True)
        return
    count = f"{COUNTED_AT_MOST} or more" if len(names) >= COUNTED_AT_MOST else str(len(names))
    shown = ", ".join(names[:NAMED_AT_MOST]) + (", …" if len(names) > NAMED_AT_MOST else "")
    typer.echo(f"Would lose access: {count} device{'' if len(names) == 1 else 's'} ({shown})", err=True)


def _digits(reference: str) -> str:
    return reference.replace(":", "").lower()


def _is_hexadecimal(text: str) -> bool:
    return all(digit in "0123456789abcdef" for digit in text)


def _status(one: Member) -> Text:
    return state(one["status"] == Status.ENABLED.name, "enabled", "disabled")


def _proof(one: Member) -> Text:
    return state(one["proofOfPossessionValid"], "proven", "not proven")


def _expiry(one: Member, words: str) -> Text:
    left = datetime.fromisoformat(one["notAfter"]) - SystemClock().now()
    if left <= timedelta(0):
        return Text(f"{words} expired", "red")
    return Text(words, "yellow" if left < SOON else "")


LOSING: Final = (
    Column("device", lambda one: one["device"]),
    Column("would be refused with", lambda one: one["code"]),
)
_COLUMNS: Final = (
    Column("fingerprint", lambda one: one["fingerprint"][:SHORT_DIGITS]),
    Column("name", lambda one: one["name"]),
    Column("status", _status),
    Column("registration", lambda one: "automatic" if one["autoRegistrationEnabled"] else "before"),
    Column("possession", _proof),
    Column("valid to", lambda one: _expiry(one, day(one["notAfter"]))),
)
