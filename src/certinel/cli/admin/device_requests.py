"""``certinel admin device-request …``: devices that are expected and get a password of their own."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Cell, Column, Member, done, moment, print_json, show_list, show_one
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.node_client import path
from certinel.cli.terminal import EXIT_FAILURE

app = typer.Typer(
    help="Devices that are expected and get a password. Devices with certificates need no request.",
    no_args_is_help=True,
)

ALL: Final = "/devicecontrol/newDeviceRequests"

DeviceId = Annotated[str, typer.Argument(help="The id of the device.")]


@verb(app, "list")
def list_requests(node: Node) -> None:
    """List the devices that are expected, and whether they have asked."""
    show_list(node, node.rest.pages(ALL, "newDeviceRequests"), _COLUMNS, "No device is expected.")


@verb(app, "show")
def show_request(node: Node, device: DeviceId) -> None:
    """Show one device that is expected."""
    show_one(node, node.rest.get(ALL + path(device)), _rows)


@verb(app, "create", "device-request create pump-7 --type pump")
def create_request(
    node: Node,
    device: DeviceId,
    name: Annotated[str | None, typer.Option(help="What its object is called.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="The type of its object.")] = None,
    group: Annotated[str | None, typer.Option(help="The number of the group that it will be in.")] = None,
) -> None:
    """Expect a device: it asks for credentials, somebody accepts it, and it collects them."""
    body = {"id": device, "name": name, "type": kind, "groupId": group}
    made = node.rest.post(ALL, {key: value for key, value in body.items() if value is not None})
    done(node, f"device {device} is expected", made, _rows(made))


@verb(app, "accept", "device-request accept pump-7")
def accept_request(
    node: Node,
    device: DeviceId,
    security_token: Annotated[str | None, typer.Option(help="The token that the device gave, if it did.")] = None,
) -> None:
    """Accept a device that has asked for credentials."""
    body = {"status": "ACCEPTED", "securityToken": security_token}
    given = {key: value for key, value in body.items() if value is not None}
    done(node, f"device {device} accepted", node.rest.put(ALL + path(device), given))


@verb(app, "accept-all")
def accept_requests(node: Node, yes: Yes = False) -> None:
    """Accept every device that has asked for credentials; ends with 1 when one of them was not accepted."""
    confirm("Accept every device that has asked for credentials?", yes=yes)
    outcomes = node.rest.post(f"{ALL}/acceptAll")
    if node.as_json:
        print_json(outcomes)
    else:
        show_list(node, [outcomes], _OUTCOMES, "No device has asked.")
    if not all(one["successful"] for one in outcomes):
        raise typer.Exit(EXIT_FAILURE)


@verb(app, "delete")
def delete_request(node: Node, device: DeviceId, yes: Yes = False) -> None:
    """Expect a device no longer; a device that is registered stays so."""
    confirm(f"Expect {device} no longer?", yes=yes)
    node.rest.delete(ALL + path(device))
    done(node, f"device {device} is no longer expected")


def _status(request: Member) -> str:
    return str(request["status"]).lower().replace("_", " ")


_COLUMNS: Final = (
    Column("device", lambda request: request["id"]),
    Column("status", _status),
    Column("type", lambda request: request.get("type", "-")),
    Column("asked for by", lambda request: request["owner"]),
    Column("since (UTC)", lambda request: moment(request["creationTime"])),
)
_OUTCOMES: Final = (
    Column("device", lambda outcome: outcome["id"]),
    Column("outcome", lambda outcome: "accepted" if outcome["successful"] else outcome.get("error", "not accepted")),
)


def _rows(request: Member) -> Mapping[str, Cell]:
    return {
        "device": request["id"],
        "status": _status(request),
        "name": request.get("name", "-"),
        "type": request.get("type", "-"),
        "group": request.get("groupId", "-"),
        "asked for by": request["owner"],
        "since": f"{moment(request['creationTime'])} UTC",
    }
