"""``certinel admin device …``: the devices of a tenant, with the certificates they connect with."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
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
from certinel.cli.admin.trusted_certificates import SHORT_DIGITS, SOON, fingerprint_of
from certinel.cli.node_client import NodeAnswerError, path
from certinel.cli.terminal import EXIT_FAILURE, CommandError, this_program
from certinel.services.clock import SystemClock

app = typer.Typer(help="Devices and their certificates; registration of many from a file.", no_args_is_help=True)

ALL: Final = "/certinel/devices"
REVOCATIONS: Final = "/certinel/revocations"
NOT_FOUND: Final = 404

DeviceId = Annotated[
    str, typer.Argument(help="The id of the device: its common name.", autocompletion=completion.devices)
]


@verb(
    app,
    "list",
    "device list --search pump-",
    "device list --expires-within 30",
    "device list --trusted-certificate 'Plant CA' --not-connected --json",
)
def list_devices(
    node: Node,
    *,
    search: Annotated[
        str | None,
        typer.Option(help="How the id, the name or a certificate's fingerprint begins; or a certificate's serial."),
    ] = None,
    connected: Annotated[
        bool | None, typer.Option("--connected/--not-connected", help="Only those that are connected, or are not.")
    ] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only those that are let in, or are not.")
    ] = None,
    expires_within: Annotated[
        int | None, typer.Option(min=0, help="Only those whose certificate ends within so many days, or has ended.")
    ] = None,
    trusted_certificate: Annotated[
        str | None,
        typer.Option(
            help="Only those that were let in by this one: its fingerprint or name.",
            autocompletion=completion.trusted_certificates,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="The first so many; 0 lists all.")] = 0,
) -> None:
    """List the devices, by id."""
    query: dict[str, Any] = {
        "search": search,
        "connected": _boolean(connected),
        "enabled": _boolean(enabled),
        "expiresWithinDays": expires_within,
        "trustedCertificate": fingerprint_of(node, trusted_certificate) if trusted_certificate is not None else None,
    }
    show_list(node, node.rest.pages(ALL, "devices", query, limit=limit or None), _COLUMNS, "There are no such devices.")


@verb(app, "show", "device show pump-7")
def show_device(node: Node, device: DeviceId) -> None:
    """Show one device with its certificates and its latest attempts to connect."""
    show_one(node, node.rest.get(_one(device)), _rows)


@verb(app, "enable")
def enable_device(node: Node, device: DeviceId) -> None:
    """Let a device in again."""
    done(node, f"device {device} enabled", node.rest.put(_one(device), {"enabled": True}))


@verb(app, "disable", "device disable pump-7 --yes")
def disable_device(node: Node, device: DeviceId, yes: Yes = False) -> None:
    """Keep a device out: its session and its tokens end at once."""
    confirm(f"Disable {device}? It is disconnected and kept out.", yes=yes)
    done(node, f"device {device} disabled", node.rest.put(_one(device), {"enabled": False}))


@verb(app, "delete", "device delete pump-7")
def delete_device(node: Node, device: DeviceId, yes: Yes = False) -> None:
    """Remove a device with its user, its object and its data.

    Where registration is automatic it comes back when it connects: disable it, or revoke its certificate, instead.
    """
    confirm(f"Delete {device} with its data, for good?", yes=yes)
    node.rest.delete(_one(device))
    done(node, f"device {device} deleted")


@verb(app, "revoke", "device revoke pump-7", "device revoke pump-7 --all --yes")
def revoke_device(
    node: Node,
    device: DeviceId,
    every: Annotated[
        bool, typer.Option("--all", help="Every certificate it was let in with, not only the last one.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Revoke the certificate that a device connects with. This cannot be undone; the device itself stays."""
    found = node.rest.get(_one(device))
    certificates = found["certificates"] if every else [one for one in [found.get("certificate")] if one]
    if not certificates:
        raise CommandError(f"no certificate of {device} is known: it has not connected with one yet", EXIT_FAILURE)
    names = ", ".join(f"{one['serialNumberHex']} of {one['issuer']}" for one in certificates)
    confirm(f"Revoke {names}, for good?", yes=yes)
    answers = [_revoke(node, one) for one in certificates]
    if node.as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
        return
    done(node, f"revoked: {names}")
    note_if_unchecked(answers[-1])


def note_if_unchecked(revoked: Member) -> None:
    """Say so when revocations do not count, since a switch is off."""
    if not revoked.get("offlineCheckEnabled", True):
        typer.echo(
            "  It counts only while the list is checked, which is off: "
            f"{this_program()} admin option set configuration crl.offline.check.enabled true",
            err=True,
        )


def _revoke(node: Node, certificate: Member) -> Member:
    try:
        revoked: Member = node.rest.post(REVOCATIONS, {"fingerprint": certificate["fingerprint"]})
    except NodeAnswerError as error:  # only certificates of devices that fetched a token are kept whole
        if error.status != NOT_FOUND:
            raise
        name = {"serialNumberInHex": certificate["serialNumberHex"], "issuer": certificate["issuer"]}
        revoked = node.rest.post(REVOCATIONS, name)
    return revoked


def _one(device: str) -> str:
    return ALL + path(device)


def _boolean(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _state(device: Member) -> Cell:
    if not device["enabled"]:
        return Text("disabled", "yellow")
    return state(device["connected"], "connected", "away")


def _expiry(device: Member) -> Cell:
    certificate = device.get("certificate")
    if certificate is None:
        return "-"
    left = datetime.fromisoformat(certificate["notAfter"]) - SystemClock().now()
    style = "red" if left <= timedelta(0) else "yellow" if left < SOON else ""
    return Text(day(certificate["notAfter"]), style)


_COLUMNS: Final = (
    Column("device", lambda device: device["id"]),
    Column("state", _state),
    Column("last seen (UTC)", lambda device: moment(device.get("lastSeen"))),
    Column("certificate", lambda device: device.get("certificate", {}).get("fingerprint", "-")[:SHORT_DIGITS]),
    Column("valid to", _expiry),
)


def _rows(device: Member) -> Mapping[str, Cell]:
    thing = device.get("managedObject", {})
    rows: dict[str, Cell] = {
        "device": device["id"],
        "state": _state(device),
        "connected since": moment(device.get("connectedSince")),
        "last seen": moment(device.get("lastSeen")),
        "registered": moment(device["registrationTime"]),
        "object": " ".join(filter(None, (thing.get("id", "-"), thing.get("name")))),
        "type": thing.get("type", "-"),
    }
    for certificate in device["certificates"]:
        is_current = certificate["current"]
        rows["certificate" if is_current else f"earlier {certificate['serialNumberHex']}"] = _certificate(certificate)
    rows["latest attempts"] = Text("\n").join(_attempts(device["lastConnections"])) or "none"
    return rows


def _certificate(certificate: Member) -> str:
    trusted = certificate.get("trustedCertificate")
    lines = [
        certificate["subject"],
        f"serial {certificate['serialNumberHex']} of {certificate['issuer']}",
        f"SHA-1 {certificate['fingerprint']}",
        f"valid {day(certificate['notBefore'])} to {day(certificate['notAfter'])}",
        f"seen {moment(certificate['firstSeen'])} to {moment(certificate['lastSeen'])}",
    ]
    return "\n".join([*lines, f"let in by {trusted[:SHORT_DIGITS]}"] if trusted else lines)


def _attempts(attempts: list[Member]) -> Iterator[Text]:
    for one in attempts:
        times = f" ({one['count']} times)" if one["count"] > 1 else ""
        style = "green" if one["outcome"] == "ADMITTED" else "red"
        yield Text.assemble(f"{moment(one['lastTime'])}  ", (str(one["code"]), style), times)
