"""``certinel admin login``, ``logout``, ``whoami`` and ``platform``: who asks, and where."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from certinel.cli.admin import saved_logins
from certinel.cli.admin.asking import DEFAULT_URL, DEFAULT_USER, AsJson, Node, ServerCa
from certinel.cli.admin.completion import saved_names
from certinel.cli.admin.printing import (
    Cell,
    Column,
    Member,
    done,
    print_done,
    print_json,
    print_tables,
    show_one,
    state,
)
from certinel.cli.admin.questions import NewPasswordFile, new_password
from certinel.cli.admin.saved_logins import SavedLogin
from certinel.cli.admin.signing_in import ask_password, signed_in
from certinel.cli.node_client import NodeAddress, NodeClient
from certinel.cli.terminal import EXIT_USAGE, CommandError, this_program
from certinel.services.clock import SystemClock

USUAL_PORTS: Final = (None, 443, 8443)

platforms = typer.Typer(help="Saved logins: list them, choose the one in use.", no_args_is_help=True)

LoginName = Annotated[str | None, typer.Argument(help="The name of a saved login.", autocompletion=saved_names)]


def login(
    url: Annotated[str, typer.Option(envvar="CERTINEL_URL", help="Where the node's REST interface is.")] = DEFAULT_URL,
    user: Annotated[str, typer.Option(envvar="CERTINEL_USER", help="Who signs in, as TENANT/NAME.")] = DEFAULT_USER,
    password: Annotated[
        str | None, typer.Option(envvar="CERTINEL_PASSWORD", help="Asked for if missing; it is never kept.")
    ] = None,
    ca: ServerCa = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the login is called; else as the host in the URL.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign in to a platform; the commands that follow use this login.

    What is kept, readable for you alone, is the token, never the password, and the CA of the node's certificate. When
    the token has ended, the next command asks for the password again.
    """
    server_ca = _pem_of(ca)
    secret = password if password is not None else ask_password(user)
    made = signed_in(url, user, secret, server_ca)
    called = name or _name_of(url)
    logins = saved_logins.load()
    before = logins.by_name.get(called)
    saved_logins.save(logins.with_login(called, made))
    if as_json:
        print_json(_facts(called, made, is_current=True))
        return
    rows: dict[str, Cell] = {
        "login": called,
        "url": made.url,
        "until": f"{datetime.fromtimestamp(made.expires, UTC):%Y-%m-%d %H:%M} UTC",
    }
    if before is not None and before.user != made.user:
        rows["in place of"] = f"{before.user}; give logins different names with --name to have both"
    print_done(f"signed in as {made.user}", rows)


def logout(
    name: LoginName = None,
    everywhere: Annotated[bool, typer.Option("--all", help="End all saved logins.")] = False,
) -> None:
    """End a saved login, the one in use unless a name is given: here, and its token on the node."""
    logins = saved_logins.load()
    names = sorted(logins.by_name) if everywhere else [name or logins.current or ""]
    if names in ([], [""]):
        raise CommandError("nobody is signed in", EXIT_USAGE)
    for one in names:
        ended = logins.named(one)
        logins = logins.without(one)
        saved_logins.save(logins)
        _end(one, ended)


def change_own_password(node: Node, new_password_file: NewPasswordFile = None) -> None:
    """Give yourself another password. Everything signed in with the old one ends; the login in use is renewed."""
    address, name = node.address
    user = address.user
    current = address.password if address.password is not None else ask_password(user)
    new = new_password(user, new_password_file, generate=False)
    node.rest.put("/user/currentUser/password", {"currentUserPassword": current, "newPassword": new.text})
    if name is not None:
        logins = saved_logins.load()
        login = logins.named(name)
        again = signed_in(login.url, user, new.text, login.server_ca)
        saved_logins.save(replace(logins, by_name={**logins.by_name, name: again}))
    done(node, f"{user} has another password")


def whoami(node: Node) -> None:
    """Show who asks, with groups and roles, as the node knows it."""
    answer = node.rest.get("/user/currentUser")
    show_one(node, answer, lambda user: _identity(user, node))


def _identity(user: Member, node: Node) -> Mapping[str, Cell]:
    groups = [one["group"]["name"] for one in user["groups"]["references"]]
    roles = [one["name"] for one in user["effectiveRoles"]]
    return {
        "user": f"{node.tenant}/{user['userName']}",
        "node": node.rest.url,
        "groups": ", ".join(groups) or "none",
        "roles": ", ".join(roles) or "none",
    }


@platforms.command("list")
def list_platforms(as_json: AsJson = False) -> None:
    """List the saved logins; the one in use has a mark."""
    logins = saved_logins.load()
    found = [_facts(name, one, is_current=name == logins.current) for name, one in sorted(logins.by_name.items())]
    if as_json:
        print_json(found)
        return
    print_tables([found], _COLUMNS, f"Nobody is signed in: {this_program()} admin login")


@platforms.command("use")
def use_platform(
    name: Annotated[str, typer.Argument(help="The name of a saved login.", autocompletion=saved_names)],
) -> None:
    """Make a saved login the one that commands use."""
    logins = saved_logins.load()
    chosen = logins.named(name)
    saved_logins.save(replace(logins, current=name))
    print_done(f"{name} is in use: {chosen.user} at {chosen.url}")


def _until(one: Member) -> Cell:
    until = datetime.fromisoformat(one["until"])
    return state(until > SystemClock().now(), f"{until:%Y-%m-%d %H:%M}", "ended")


_COLUMNS: Final = (
    Column("", lambda one: "*" if one["current"] else ""),
    Column("login", lambda one: str(one["name"])),
    Column("user", lambda one: str(one["user"])),
    Column("url", lambda one: str(one["url"])),
    Column("until (UTC)", _until),
)


def _facts(name: str, login: SavedLogin, *, is_current: bool) -> dict[str, Any]:
    until = datetime.fromtimestamp(login.expires, UTC).isoformat()
    return {"name": name, "url": login.url, "user": login.user, "until": until, "current": is_current}


def _pem_of(ca: Path | None) -> str | None:
    try:
        return ca.read_text(encoding="ascii") if ca is not None else None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not PEM"
        raise CommandError(f"{ca}: {reason}", EXIT_USAGE) from None


def _name_of(url: str) -> str:
    """Name a login by its host, and by its port where that is unusual."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise CommandError(f"{url}: not the address of a node, as {DEFAULT_URL}", EXIT_USAGE)
    return host if port in USUAL_PORTS else f"{host}:{port}"


def _end(name: str, login: SavedLogin) -> None:
    """Tell the node that the token has ended; whether it hears that or not, the token is no longer kept."""
    address = NodeAddress(login.url, login.user, server_ca=login.server_ca, token=login.token)
    try:
        with NodeClient(address) as client:
            client.post("/user/logout")
    except CommandError as error:
        print_done(f"{name} is forgotten here", {"not ended there": str(error)})
    else:
        print_done(f"{login.user} is signed out of {name}")
