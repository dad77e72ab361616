"""``certinel admin option …``: what a tenant has set for itself."""

import sys
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import quote

import typer

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Cell, Column, Member, done, show_list, show_one
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.node_client import path
from certinel.cli.terminal import EXIT_USAGE, CommandError

app = typer.Typer(help="Options of your tenant, and what the platform has set.", no_args_is_help=True)

SECRET_PREFIX: Final = "credentials."  # noqa: S105 - the beginning of keys whose values are kept sealed

Category = Annotated[str, typer.Argument(help="As configuration or oauth.internal.")]
Key = Annotated[str, typer.Argument(help="As crl.offline.check.enabled or device-token.lifespan.seconds.")]
OfTenant = Annotated[
    str, typer.Option("--tenant", help="Whose option it is.", autocompletion=completion.tenants, show_default=False)
]


@verb(app, "list", "option list", "option list configuration")
def list_options(
    node: Node, category: Annotated[str | None, typer.Argument(help="Only those of this category.")] = None
) -> None:
    """List the options that are set; secrets read <<Encrypted>>."""
    pages = node.rest.pages("/tenant/options", "options")
    if category is not None:
        pages = ([one for one in page if one.get("category") == category] for page in pages)
    show_list(node, pages, _COLUMNS, "No options are set.")


@verb(app, "get", "option get configuration crl.offline.check.enabled")
def get_option(node: Node, category: Category, key: Key) -> None:
    """Print the value of one option."""
    answer = node.rest.get(path("tenant", "options", category, key))
    if node.as_json:
        show_one(node, answer, _rows)
    else:
        typer.echo(answer["value"])


@verb(
    app,
    "set",
    "option set configuration crl.offline.check.enabled true",
    "option set oauth.internal device-token.lifespan.seconds 600",
    "option set cloud credentials.token < secret.txt",
)
def set_option(
    node: Node,
    category: Category,
    key: Key,
    value: Annotated[
        str | None,
        typer.Argument(help="The value; without it the first line of standard input, so that secrets are not seen."),
    ] = None,
) -> None:
    """Set one option, whether it exists or not. Values of keys that begin with credentials. are kept encrypted."""
    text = value if value is not None else _typed(key)
    changed = node.rest.put(path("tenant", "options", category, key), {"value": text})
    done(node, f"{category}/{key} set", changed)


@verb(app, "fix", "option fix oauth.internal device-token.lifespan.seconds --tenant t2000")
def fix_option(node: Node, category: Category, key: Key, tenant: OfTenant) -> None:
    """Keep a tenant from changing an option; for users of the management tenant."""
    _set_editable(node, category, key, tenant, is_editable=False)


@verb(app, "release", "option release oauth.internal device-token.lifespan.seconds --tenant t2000")
def release_option(node: Node, category: Category, key: Key, tenant: OfTenant) -> None:
    """Let a tenant change an option again; for users of the management tenant."""
    _set_editable(node, category, key, tenant, is_editable=True)


@verb(app, "delete", "option delete configuration crl.offline.check.enabled --yes")
def delete_option(node: Node, category: Category, key: Key, yes: Yes = False) -> None:
    """Remove one option; its default counts from then on."""
    confirm(f"Remove the option {category}/{key}?", yes=yes)
    node.rest.delete(path("tenant", "options", category, key))
    done(node, f"{category}/{key} removed")


@verb(app, "system")
def list_system_options(node: Node) -> None:
    """List what the platform tells every tenant about itself."""
    answer = node.rest.get("/tenant/system/options")
    show_list(node, [answer["options"]], _COLUMNS, "There are none.")


def _set_editable(node: Node, category: str, key: str, tenant: str, *, is_editable: bool) -> None:
    where = path("tenant", "options", category, key, "editable") + f"?targetTenant={quote(tenant, safe='')}"
    changed = node.rest.put(where, {"editable": is_editable})
    done(node, f"{category}/{key} of {tenant} {'can be changed again' if is_editable else 'stays as it is'}", changed)


def _typed(key: str) -> str:
    if sys.stdin.isatty():
        typed: str = typer.prompt(f"Value of {key}", hide_input=key.startswith(SECRET_PREFIX), err=True)
        return typed
    line = sys.stdin.readline()
    if not line:
        raise CommandError("no value was given, nor is there one on standard input", EXIT_USAGE)
    return line.rstrip("\r\n")


_COLUMNS: Final = (
    Column("category", lambda option: option["category"]),
    Column("key", lambda option: option["key"]),
    Column("value", lambda option: option["value"]),
)


def _rows(option: Member) -> Mapping[str, Cell]:
    return {"category": option["category"], "key": option["key"], "value": option["value"]}
