"""``certinel admin revocation-list …``: the lists of CAs, which a tenant uploads; the platform fetches none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Cell, Column, Member, done, moment, print_done, show_list, show_one, state
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.node_client import path

app = typer.Typer(help="Revocation lists of your CAs, as you have uploaded them.", no_args_is_help=True)

ALL: Final = "/certinel/revocationLists"

ListNumber = Annotated[
    str, typer.Argument(metavar="ID", help="The number of the list, as `revocation-list list` says.")
]


@verb(app, "list")
def list_lists(node: Node) -> None:
    """List the uploaded revocation lists."""
    show_list(node, node.rest.pages(ALL, "revocationLists"), _COLUMNS, "No revocation list is uploaded.")


@verb(app, "show")
def show_list_facts(node: Node, number: ListNumber) -> None:
    """Show one uploaded list."""
    show_one(node, node.rest.get(ALL + path(number)), _rows)


@verb(app, "upload", "revocation-list upload plant-ca.crl")
def upload_list(
    node: Node, file: Annotated[Path, typer.Argument(help="The list in DER or PEM; - is standard input.")]
) -> None:
    """Upload the current, complete list of a CA, in place of the one before. It counts at once."""
    from certinel.cli.pki.files import content_of

    stored = node.rest.send("POST", ALL, content_of(file), "application/pkix-crl")
    done(node, f"the list of {stored['issuer']} counts", stored, _rows(stored))


@verb(app, "download", "revocation-list download 3 --output plant-ca.crl")
def download_list(
    node: Node, number: ListNumber, output: Annotated[Path, typer.Option(help="Where the list goes, in DER.")]
) -> None:
    """Download a list as it was uploaded."""
    from certinel.cli.pki.files import write_public

    write_public(output, node.rest.file(f"{ALL}{path(number)}/file"), force=True)
    print_done("downloaded", {"list": str(output)})


@verb(app, "delete", "revocation-list delete 3")
def delete_list(node: Node, number: ListNumber, yes: Yes = False) -> None:
    """Forget a list: what only it names is no longer revoked."""
    confirm(f"Forget the revocation list {number}? What only it names is no longer revoked.", yes=yes)
    node.rest.delete(ALL + path(number))
    done(node, f"the revocation list {number} is forgotten")


def _state(one: Member) -> Text:
    return state(one["current"], "current", "overdue")


_COLUMNS: Final = (
    Column("id", lambda one: one["id"], is_number=True),
    Column("issuer", lambda one: one["issuer"]),
    Column("entries", lambda one: str(one["entryCount"]), is_number=True),
    Column("state", _state),
    Column("next due (UTC)", lambda one: moment(one["nextUpdate"])),
)


def _rows(one: Member) -> Mapping[str, Cell]:
    return {
        "id": one["id"],
        "issuer": one["issuer"],
        "number": one.get("number", "-"),
        "entries": str(one["entryCount"]),
        "state": _state(one),
        "of": f"{moment(one['thisUpdate'])} UTC",
        "next due": f"{moment(one['nextUpdate'])} UTC",
        "uploaded": f"{moment(one['uploadedAt'])} UTC",
    }
