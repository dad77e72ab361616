"""``certinel admin attempts``: who has tried to connect, and how it ended."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from certinel.cli.admin.asking import Node
from certinel.cli.admin.moments import queried
from certinel.cli.admin.printing import Cell, Column, Member, show_list

_SHOWN_AT_MOST = 2000
"""The largest page of the REST interface."""


class Wanted(StrEnum):
    """Which attempts are listed."""

    ALL = "all"
    REFUSED = "refused"
    ADMITTED = "admitted"


def attempts(
    node: Node,
    *,
    code: Annotated[str | None, typer.Option(help="Those that ended with this code, as trust/disabled.")] = None,
    device: Annotated[str | None, typer.Option(help="Those of this device.")] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(help="Those with this device certificate: its SHA-1 or SHA-256, with or without colons."),
    ] = None,
    trusted: Annotated[
        str | None,
        typer.Option(help="Those under this trusted certificate: its SHA-1, with or without colons."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Not older than this: 30m, 2h, 7d, or 2026-11-23 or 2026-11-23T12:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Not newer than this, written the same way.")] = None,
    outcome: Annotated[Wanted, typer.Option(help="How they ended.")] = Wanted.ALL,
    limit: Annotated[int, typer.Option(min=1, max=_SHOWN_AT_MOST, help="The latest so many.")] = 50,
    details: Annotated[bool, typer.Option("--details", help="Say what was wrong and what to do about it.")] = False,
) -> None:
    """List who has tried to connect to your tenant, and how it ended; the latest first.

    What no tenant has a claim to is listed for users of the management tenant. Ends with 0, with 2 when the node
    cannot be asked.
    """
    query: dict[str, Any] = {
        "code": code,
        "device": device,
        "fingerprint": fingerprint,
        "trustedCertificate": trusted,
        "dateFrom": queried(since),
        "dateTo": queried(until),
        "outcome": outcome.name if outcome is not Wanted.ALL else None,
    }
    pages = node.rest.pages("/certinel/connectionAttempts", "connectionAttempts", query, limit=limit)
    show_list(node, pages, [*_COLUMNS, _DETAILS] if details else _COLUMNS, "There are no such attempts.")


def _details(one: Member) -> Cell:
    remedy = str(one.get("remedy", ""))
    return f"{one['sentence']} → {remedy}" if remedy else str(one["sentence"])


_COLUMNS = (
    Column("last time (UTC)", lambda one: str(one["lastTime"]).replace("T", " ").removesuffix("Z")),
    Column("times", lambda one: str(one["count"]), is_number=True),
    Column("code", lambda one: Text(str(one["code"]), "green" if one["outcome"] == "ADMITTED" else "red")),
    Column("device", lambda one: "(various)" if one["summary"] else str(one.get("device", "-"))),
    Column("address", lambda one: str(one.get("remoteAddress", "-"))),
)
_DETAILS = Column("what was wrong, and what to do", _details)
