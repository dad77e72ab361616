"""``certinel admin revocation …``: what a tenant has revoked itself."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.devices import REVOCATIONS, note_if_unchecked
from certinel.cli.admin.printing import Column, Member, done, moment, print_done, print_json, show_list
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.admin.trusted_certificates import LOSING
from certinel.cli.terminal import EXIT_USAGE, CommandError
from certinel.domain.errors import shown

app = typer.Typer(help="Certificates that your tenant has revoked.", no_args_is_help=True)

SERIALS: Final = "/tenant/trusted-certificates/settings/crl"
SHOWN_DEVICES: Final = 5

CsvFile = Annotated[
    Path | None, typer.Option("--file", help="CSV: a line of headings, then serial number and perhaps date.")
]


@verb(app, "list")
def list_revocations(node: Node) -> None:
    """List what your tenant has revoked, the latest first."""
    show_list(node, node.rest.pages(REVOCATIONS, "revocations"), _COLUMNS, "Nothing is revoked.")


@verb(
    app,
    "add",
    "revocation add 4fd8df0378f2cafd5e322c1aaa8b87300704e9a5",
    "revocation add --certificate pump-7.pem",
    "revocation add --serial 1000 --issuer 'CN=Plant CA'",
)
def add_revocation(
    node: Node,
    *,
    fingerprint: Annotated[
        str | None, typer.Argument(help="SHA-1 or SHA-256 of a certificate that the platform has seen.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="The certificate itself: PEM or DER.")] = None,
    serial: Annotated[str | None, typer.Option(help="Its serial number, in hexadecimal.")] = None,
    issuer: Annotated[
        str | None, typer.Option(help="With --serial: the name of its CA. Without it, whoever issued such a serial.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="Since when, as 2026-11-23T12:00:00Z; else now.")] = None,
    yes: Yes = False,
) -> None:
    """Revoke one certificate: by fingerprint, itself, or by its serial number. This cannot be undone.

    CAs give out the same serial numbers: every known certificate with one that stands alone is shown first.
    """
    if sum(one is not None for one in (fingerprint, certificate, serial)) != 1:
        raise CommandError("give one of: a fingerprint, --certificate, --serial", EXIT_USAGE)
    if serial is not None and issuer is None:
        _show_hits(node, [serial], None)
        confirm(f"Revoke the serial number {serial}, whoever issued it, for good?", yes=yes)
        body: dict[str, Any] = {"serialNumberInHex": serial, "revocationDate": date}
        node.rest.put(SERIALS, {"crls": [{name: value for name, value in body.items() if value is not None}]})
        done(node, f"{serial} revoked, whoever issued it")
        return
    confirm(f"Revoke {fingerprint or certificate or f'{serial} of {issuer}'}, for good?", yes=yes)
    body = {
        "fingerprint": fingerprint,
        "certInPemFormat": _pem(certificate) if certificate is not None else None,
        "serialNumberInHex": serial,
        "issuer": issuer,
        "revocationDate": date,
    }
    revoked = node.rest.post(REVOCATIONS, {name: value for name, value in body.items() if value is not None})
    if node.as_json:
        print_json(revoked)
        return
    for one in revoked["revocations"]:
        print_done(f"{one['serialNumberInHex']} of {one.get('issuer', 'whoever issued it')} revoked")
    note_if_unchecked(revoked)


@verb(app, "import", "revocation import stolen.csv")
def import_revocations(
    node: Node,
    file: Annotated[Path, typer.Argument(help="CSV: a line of headings, then serial number and perhaps date.")],
    yes: Yes = False,
) -> None:
    """Revoke the serial numbers of a file, whoever issued the certificates. This cannot be undone.

    Every known certificate that has one of them is shown first.
    """
    from certinel.cli.pki.files import content_of

    content = content_of(file)
    _show_hits(node, None, file)
    confirm(f"Revoke the serial numbers in {file}, whoever issued them, for good?", yes=yes)
    node.rest.upload("PUT", SERIALS, file.name, content, "text/csv")
    done(node, f"the serial numbers in {file} are revoked")


@verb(app, "rehearse", "revocation rehearse 1000 1001", "revocation rehearse --file stolen.csv --devices")
def rehearse_revocation(
    node: Node,
    serials: Annotated[list[str] | None, typer.Argument(help="Serial numbers, in hexadecimal.")] = None,
    file: CsvFile = None,
    devices: Annotated[
        bool, typer.Option("--devices", help="Show the devices that would lose access instead of the certificates.")
    ] = False,
) -> None:
    """Show what revoking these serial numbers would hit, and change nothing."""
    if devices:
        show_list(node, _losing(node, serials, file), LOSING, "No device would lose access.")
        return
    answer = _sent(node, f"{REVOCATIONS}/rehearsal", serials, file)
    if node.as_json:
        print_json(answer)
        return
    show_list(node, [answer["certificates"]], _HIT, "No certificate that is known here has one of these serials.")


@verb(app, "download", "revocation download --output t1000.crl")
def download_list(
    node: Node,
    output: Annotated[Path, typer.Option(help="Where the signed list goes, in DER.")],
    issuer: Annotated[
        Path | None, typer.Option(help="Write the certificate that verifies it here too, in DER.")
    ] = None,
) -> None:
    """Download what your tenant has revoked as a signed revocation list (RFC 5280)."""
    from certinel.cli.pki.files import write_public

    write_public(output, node.rest.file(SERIALS), force=True)
    rows = {"list": str(output)}
    if issuer is not None:
        write_public(issuer, node.rest.file(f"{REVOCATIONS}/issuer"), force=True)
        rows["issuer"] = str(issuer)
    print_done("downloaded", rows)


def _show_hits(node: Node, serials: list[str] | None, file: Path | None) -> None:
    """Say on standard error which known certificates serial numbers without an issuer hit, with ``--yes`` too."""
    answer = _sent(node, f"{REVOCATIONS}/rehearsal", serials, file)
    try:
        hits = [
            f"  {one['subject']}, issued by {one['issuer']}: {_what(one)} ({_who(one)})"
            for one in answer["certificates"]
        ]
        more = answer["certificateCount"] - len(hits)
    except (KeyError, TypeError, AttributeError):
        raise node.rest.unknown_answer() from None
    typer.echo("Known certificates that are hit:" if hits else "No certificate that is known here is hit.", err=True)
    for line in hits:
        typer.echo(shown(line), err=True)
    if more > 0:
        typer.echo(f"  and {more} more", err=True)


def _losing(node: Node, serials: list[str] | None, file: Path | None) -> Any:
    """Yield the devices that would lose access, page by page; the same body is sent for each."""
    where: str | None = "/certinel/rehearsals/revocations"
    while where is not None:
        answer = _sent(node, where, serials, file)
        yield answer["devices"]
        following = answer.get("next")
        where = following.removeprefix(following.partition("/certinel/")[0]) if following else None


def _sent(node: Node, where: str, serials: list[str] | None, file: Path | None) -> Any:
    if (file is None) == (not serials):
        raise CommandError("give serial numbers, or --file", EXIT_USAGE)
    if file is None:
        return node.rest.post(where, {"crls": [{"serialNumberInHex": one} for one in serials or []]})
    from certinel.cli.pki.files import content_of

    return node.rest.upload("POST", where, file.name, content_of(file), "text/csv")


def _pem(file: Path) -> str:
    from certinel.cli.chain_file import read_certificates
    from certinel.domain.pem import armoured

    return armoured(read_certificates(file)[0])


def _who(one: Member) -> str:
    more = one["deviceCount"] - SHOWN_DEVICES
    names = ", ".join(one["devices"][:SHOWN_DEVICES])
    return f"{names} and {more} more" if more > 0 else names or "-"


def _what(one: Member) -> Text:
    if one["trusted"]:
        return Text("a trusted certificate", "red")
    return Text("a device" if one["deviceCertificate"] else "a CA above devices")


_COLUMNS: Final = (
    Column("serial", lambda one: one["serialNumberInHex"]),
    Column("issuer", lambda one: one.get("issuer", "(whoever)")),
    Column("since (UTC)", lambda one: moment(one["revocationDate"])),
)
_HIT: Final = (
    Column("serial", lambda one: one["serialNumberInHex"]),
    Column("certificate", lambda one: one["subject"]),
    Column("issuer", lambda one: one["issuer"]),
    Column("it is", _what),
    Column("devices", _who),
)
