"""``certinel admin feature …``: features that a tenant switches on or off."""

from typing import Annotated, Final

import typer

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Column, done, show_list, state
from certinel.cli.node_client import path

app = typer.Typer(help="Features that your tenant switches on or off.", no_args_is_help=True)

ALL: Final = "/features"

Key = Annotated[str, typer.Argument(help="The key of the feature.", autocompletion=completion.features)]
OfTenant = Annotated[
    str | None,
    typer.Option(
        "--tenant", help="Of this tenant, for users of the management tenant.", autocompletion=completion.tenants
    ),
]


@verb(app, "list")
def list_features(node: Node) -> None:
    """List the features as they are for your tenant."""
    show_list(node, [node.rest.get(ALL)], _COLUMNS, "There are none.")


@verb(app, "enable", "feature enable KEY", "feature enable KEY --tenant t2000")
def enable_feature(node: Node, key: Key, tenant: OfTenant = None) -> None:
    """Switch a feature on."""
    done(node, f"{key} is on", node.rest.put(_switch(key, tenant), {"active": True}))


@verb(app, "disable")
def disable_feature(node: Node, key: Key, tenant: OfTenant = None) -> None:
    """Switch a feature off."""
    done(node, f"{key} is off", node.rest.put(_switch(key, tenant), {"active": False}))


@verb(app, "reset")
def reset_feature(node: Node, key: Key, tenant: OfTenant = None) -> None:
    """Let the platform's own choice hold again."""
    node.rest.delete(_switch(key, tenant))
    done(node, f"{key} is as the platform has it")


def _switch(key: str, tenant: str | None) -> str:
    return ALL + path(key, "by-tenant") + (path(tenant) if tenant is not None else "")


_COLUMNS: Final = (
    Column("feature", lambda one: one["key"]),
    Column("state", lambda one: state(one["active"], "on", "off")),
    Column("chosen by", lambda one: "the tenant" if one["strategy"] == "TENANT" else "the platform"),
    Column("phase", lambda one: str(one["phase"]).lower().replace("_", " ")),
)
