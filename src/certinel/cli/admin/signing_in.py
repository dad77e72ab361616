"""Getting a token for a name and a password."""

import base64
import getpass
import json
import warnings
from typing import Any

import typer

from certinel.cli.admin.saved_logins import SavedLogin
from certinel.cli.node_client import NodeAddress, NodeClient
from certinel.cli.terminal import EXIT_USAGE, CommandError, this_program


def ask_password(user: str) -> str:
    """Ask the person at the terminal; what is typed is not shown. Without a terminal, standard input has to say it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", getpass.GetPassWarning)
        try:
            answer: str = typer.prompt(f"Password of {user}", hide_input=True, err=True)
        except typer.Abort:
            raise CommandError(
                f"nobody is signed in: {this_program()} admin login, or give --password", EXIT_USAGE
            ) from None
    return answer


def signed_in(url: str, user: str, password: str, server_ca: str | None) -> SavedLogin:
    """Sign in; raises ``CommandError`` when the node does not let the user in."""
    tenant, slash, name = user.partition("/")
    fields = {"grant_type": "PASSWORD", "username": name if slash else user, "password": password}
    with NodeClient(NodeAddress(url.rstrip("/"), user, server_ca=server_ca)) as client:
        answer = client.form("/tenant/oauth/token", {"tenant_id": tenant if slash else None}, fields)
    try:
        token = str(answer["access_token"])
        claims = _claims_of(token)
        return SavedLogin(
            url=client.url,
            tenant=str(claims["ten"]),
            user_name=str(claims["sub"]),
            token=token,
            expires=int(claims["exp"]),
            server_ca=server_ca,
        )
    except (KeyError, ValueError, TypeError, IndexError):
        raise client.unknown_answer() from None


def _claims_of(token: str) -> dict[str, Any]:
    """Read what a token says; whether it is genuine is for the node to know."""
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims
