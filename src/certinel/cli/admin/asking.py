"""How a command gets to its node: the options that all commands have, and the saved login."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from certinel.cli.admin import saved_logins
from certinel.cli.admin.saved_logins import SavedLogin
from certinel.cli.admin.signing_in import ask_password, signed_in
from certinel.cli.node_client import NodeAddress, NodeClient
from certinel.cli.terminal import EXIT_USAGE, CommandError, this_program
from certinel.services.clock import SystemClock

DEFAULT_URL: Final = "https://localhost:8443"
DEFAULT_USER: Final = "t1000/admin"
WHICH_NODE: Final = "Which node, and who asks"

Platform = Annotated[
    str | None,
    typer.Option(envvar="CERTINEL_PLATFORM", help="A saved login, by its name.", rich_help_panel=WHICH_NODE),
]
Url = Annotated[
    str | None,
    typer.Option(
        envvar="CERTINEL_URL",
        help=f"Where the node's REST interface is; else that of the login in use, else {DEFAULT_URL}.",
        rich_help_panel=WHICH_NODE,
    ),
]
User = Annotated[
    str | None,
    typer.Option(
        envvar="CERTINEL_USER",
        help=f"Who asks, as TENANT/NAME; else who is signed in, else {DEFAULT_USER}.",
        rich_help_panel=WHICH_NODE,
    ),
]
Password = Annotated[
    str | None,
    typer.Option(
        envvar="CERTINEL_PASSWORD",
        help="Of that user, for scripts; better in the environment. Without it and without a login, it is asked for.",
        rich_help_panel=WHICH_NODE,
    ),
]
ServerCa = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        envvar="CERTINEL_CA",
        help="CA of the node's own certificate, as server-ca.pem; else that of the login.",
        rich_help_panel=WHICH_NODE,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as REST gives it.")]

Verb = TypeVar("Verb", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Choice:
    """What the options say about the node and who asks."""

    platform: str | None = None
    url: str | None = None
    user: str | None = None
    password: str | None = None
    server_ca: Path | None = None

    def address(self) -> tuple[NodeAddress, str | None]:
        """Return whom to ask and as whom, and the name of the saved login that says so.

        A password wins over all logins. Without one, a saved login that fits; without that, the password is asked for.
        """
        url = self.url or DEFAULT_URL
        user = self.user or DEFAULT_USER
        found = None if self.password is not None and self.platform is None else self._login()
        if found is None:
            password = self.password if self.password is not None else ask_password(user)
            return NodeAddress(url.rstrip("/"), user, password, self.server_ca or self._known_ca(url)), None
        name, login = found
        ca = self.server_ca or login.server_ca
        return NodeAddress(login.url, login.user, server_ca=ca, token=login.token), name

    def _login(self) -> tuple[str, SavedLogin] | None:
        logins = saved_logins.load()
        if self.platform is not None:
            return self.platform, logins.named(self.platform)
        return logins.meant(self.url, self.user)

    def _known_ca(self, url: str) -> str | None:
        found = saved_logins.load().meant(url, None)
        return found[1].server_ca if found is not None else None


class Node:
    """The node that a command asks, and how it answers the person."""

    def __init__(self, choice: Choice, *, as_json: bool = False) -> None:
        self.as_json = as_json
        """Whether answers are printed as REST gives them."""
        self._choice = choice
        self._rest: NodeClient | None = None

    @property
    def rest(self) -> NodeClient:
        """The node's REST interface; who asks is found out with the first call."""
        if self._rest is None:
            self._rest = self._connected()
        return self._rest

    @cached_property
    def address(self) -> tuple[NodeAddress, str | None]:
        """Where the node is and who asks, and the name of the saved login that says so."""
        return self._choice.address()

    def close(self) -> None:
        """Close the connection to the node, if there is one."""
        if self._rest is not None:
            self._rest.close()

    def _connected(self) -> NodeClient:
        address, name = self.address
        if name is None:
            return NodeClient(address)
        login = saved_logins.load().named(name)
        if login.expires <= SystemClock().now().timestamp():
            address = replace(address, token=_renewed(name, login))
        return NodeClient(address, renew=lambda: _renewed(name, login))

    @cached_property
    def tenant(self) -> str:
        """The id of the tenant of who asks."""
        try:
            return str(self.rest.get("/tenant/currentTenant")["name"])
        except (KeyError, TypeError):
            raise self.rest.unknown_answer() from None


def _renewed(name: str, login: SavedLogin) -> str:
    """Sign in again; the password is asked for, since it was never kept."""
    if not sys.stdin.isatty():
        raise CommandError(f"the login {name} has ended; sign in again: {this_program()} admin login", EXIT_USAGE)
    typer.echo(f"The login {name} ({login.url}) has ended.", err=True)
    again = signed_in(login.url, login.user, ask_password(login.user), login.server_ca)
    logins = saved_logins.load()
    saved_logins.save(replace(logins, by_name={**logins.by_name, name: again}))
    return again.token


def which_node(
    *,
    platform: Platform = None,
    url: Url = None,
    user: User = None,
    password: Password = None,
    ca: ServerCa = None,
    as_json: AsJson = False,
) -> Node:
    """Return the node that these options say; its parameters are the options that every command has."""
    return Node(Choice(platform, url, user, password, ca), as_json=as_json)


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """Return ``command``, whose first parameter is a node, as typer calls it: with the options that say which."""
    own = inspect.signature(which_node, eval_str=True).parameters
    _node, *parameters = inspect.signature(command, eval_str=True).parameters.values()
    options = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*parameters, *own.values())]

    @wraps(command)
    def asked(**given: Any) -> None:
        node = which_node(**{name: given.pop(name) for name in own})
        try:
            command(node, **given)
        finally:
            node.close()

    asked.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # inspect's own way to say it
    asked.__annotations__ = {one.name: one.annotation for one in options}
    return asked


def verb(app: typer.Typer, name: str, *examples: str) -> Callable[[Verb], Verb]:
    """Make a function that takes a node into the command ``name`` of ``app``, with examples at the end of its help."""

    def register(command: Verb) -> Verb:
        app.command(name, epilog=examples_text(*examples) if examples else None)(asking(command))
        return command

    return register


def examples_text(*examples: str) -> str:
    """Return examples as the last lines of a help text."""
    return "\n\n".join(("Examples:", *(f"  certinel admin {example}" for example in examples)))
