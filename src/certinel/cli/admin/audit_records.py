"""``certinel admin audit …``: what was changed in a tenant, when and by whom."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.moments import queried
from certinel.cli.admin.printing import Cell, Column, Member, moment, show_list, show_one
from certinel.cli.node_client import path

app = typer.Typer(help="The audit log of your tenant.", no_args_is_help=True)

Since = Annotated[
    str | None, typer.Option(help="Not older than this: 30m, 2h, 7d, or 2026-11-23 or 2026-11-23T12:00Z.")
]
Until = Annotated[str | None, typer.Option(help="Not newer than this, written the same way.")]


@verb(app, "list", "audit list --since 7d", "audit list --by ann --limit 1000 --json")
def list_records(
    node: Node,
    *,
    kind: Annotated[str | None, typer.Option("--type", help="Only of this type, as TrustedCertificates.")] = None,
    by: Annotated[str | None, typer.Option(help="Only what this user did.")] = None,
    source: Annotated[str | None, typer.Option(help="Only what was done to this: a fingerprint, a user, …")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=0, help="The latest so many; 0 lists all.")] = 50,
) -> None:
    """List what was changed, the latest first."""
    query = {"type": kind, "user": by, "source": source, "dateFrom": queried(since), "dateTo": queried(until)}
    pages = node.rest.pages("/audit/auditRecords", "auditRecords", query, limit=limit or None)
    show_list(node, pages, _COLUMNS, "There are no such records.")


@verb(app, "show", "audit show 17")
def show_record(node: Node, number: Annotated[int, typer.Argument(min=1, help="The number of the record.")]) -> None:
    """Show one record with everything that it says."""
    show_one(node, node.rest.get(path("audit", "auditRecords", str(number))), _rows)


def _change(change: Member) -> str:
    if "previousValue" not in change and "newValue" not in change:
        return f"{change['attribute']} changed"
    return f"{change['attribute']}: {change.get('previousValue', 'none')} → {change.get('newValue', 'none')}"


def _changes(record: Member) -> str:
    """Return what changed; of several attributes the names only, which leaves room for the rest of the row."""
    changes = record["changes"]
    return ", ".join(_change(one) if len(changes) == 1 else one["attribute"] for one in changes)


_COLUMNS: Final = (
    Column("no.", lambda record: record["id"], is_number=True),
    Column("time (UTC)", lambda record: moment(record["time"])),
    Column("user", lambda record: record["user"]),
    Column("what was done", lambda record: record["activity"]),
    Column("changes", _changes),
)


def _rows(record: Member) -> Mapping[str, Cell]:
    return {
        "number": record["id"],
        "time": f"{moment(record['time'])} UTC",
        "recorded": f"{moment(record['creationTime'])} UTC",
        "user": f"{record['user']} ({str(record['userKind']).lower()})",
        "type": record["type"],
        "source": record["source"]["id"],
        "severity": str(record["severity"]).lower(),
        "activity": record["activity"],
        "text": "\n".join(line.strip() for line in record["text"].split("\n")),
        "changes": "\n".join(map(_change, record["changes"])) or "none",
        "reported by": record.get("reportedBy", "the platform itself"),
        "hash": record["hash"],
    }
