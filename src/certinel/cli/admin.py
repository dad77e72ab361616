"""``certinel admin …``: a running node, asked and changed over REST."""

import json
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from certinel.cli.node_client import NodeAddress
from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.services.clock import SystemClock

app = typer.Typer(help="Ask and change a running node over REST.", no_args_is_help=True)

DEFAULT_URL = "https://localhost:8443"

Url = Annotated[str, typer.Option(envvar="CERTINEL_URL", help="Where the node's REST interface is.")]
User = Annotated[str, typer.Option(envvar="CERTINEL_USER", help="Who asks, as TENANT/NAME.")]
Password = Annotated[
    str | None,
    typer.Option(envvar="CERTINEL_PASSWORD", help="Of that user; better in the environment. Asked for if missing."),
]
ServerCa = Annotated[
    Path | None,
    typer.Option("--ca", envvar="CERTINEL_CA", help="CA of the node's own certificate, as server-ca.pem."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as REST gives it.")]

_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN_AT_MOST = 2000
"""The largest page of the REST interface."""


class Wanted(StrEnum):
    """Which attempts are listed."""

    ALL = "all"
    REFUSED = "refused"
    ADMITTED = "admitted"


def node_at(url: str, user: str, password: str | None, ca: Path | None) -> NodeAddress:
    """Return the node to ask; a password that was not given is asked for."""
    secret = password if password is not None else typer.prompt(f"Password of {user}", hide_input=True, err=True)
    return NodeAddress(url, user, secret, ca)


@app.command()
def attempts(  # noqa: PLR0917 - typer calls it by name
    code: Annotated[str | None, typer.Option(help="Those that ended with this code, as trust/disabled.")] = None,
    device: Annotated[str | None, typer.Option(help="Those of this device.")] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(help="Those with this device certificate: its SHA-1 or SHA-256, with or without colons."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Not older than this: 30m, 2h, 7d, or 2026-11-23 or 2026-11-23T12:00Z.")
    ] = None,
    outcome: Annotated[Wanted, typer.Option(help="How they ended.")] = Wanted.ALL,
    limit: Annotated[int, typer.Option(min=1, max=_SHOWN_AT_MOST, help="The latest so many.")] = 50,
    details: Annotated[bool, typer.Option("--details", help="Say what was wrong and what to do about it.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    user: User = "t1000/admin",
    password: Password = None,
    ca: ServerCa = None,
) -> None:
    """List who has tried to connect to your tenant, and how it ended; the latest first.

    What no tenant has a claim to is listed for users of the management tenant. Ends with 0, with 2 when the node
    cannot be asked.
    """
    query: dict[str, Any] = {
        "code": code,
        "device": device,
        "fingerprint": fingerprint,
        "dateFrom": moment_of(since, SystemClock().now()).isoformat() if since is not None else None,
        "outcome": outcome.name if outcome is not Wanted.ALL else None,
        "pageSize": limit,
    }
    given = {name: value for name, value in query.items() if value is not None}
    answer = node_at(url, user, password, ca).get("/certinel/connectionAttempts", given)
    try:
        found: list[dict[str, Any]] = answer["connectionAttempts"]
        if as_json:
            typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        elif not found:
            console.print("There are no such attempts.")
        else:
            console.print(_table(found, details=details), soft_wrap=False)
    except (KeyError, TypeError):
        raise CommandError(f"{url} gives an answer that this version does not know", EXIT_USAGE) from None


def moment_of(text: str, now: datetime) -> datetime:
    """Read ``2h`` as two hours before ``now``, or a date or time, which is UTC unless it says otherwise."""
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CommandError(f"{text}: not a span of time as 2h, or a date as 2026-11-23", EXIT_USAGE) from None


def _table(found: list[dict[str, Any]], *, details: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("last time (UTC)", "times", "code", "device", "address"):
        table.add_column(title, overflow="fold", justify="right" if title == "times" else "left")
    if details:
        table.add_column("what was wrong, and what to do", overflow="fold", ratio=1)
    for one in found:
        cells = [
            Text(str(one["lastTime"]).replace("T", " ").removesuffix("Z")),
            Text(str(one["count"])),
            Text(str(one["code"]), "green" if one["outcome"] == "ADMITTED" else "red"),
            Text("(various)" if one["summary"] else str(one.get("device", "-"))),
            Text(str(one.get("remoteAddress", "-"))),
        ]
        if details:
            remedy = str(one.get("remedy", ""))
            cells.append(Text(f"{one['sentence']} → {remedy}" if remedy else str(one["sentence"])))
        table.add_row(*cells)
    return table
