"""``certinel admin group …``: groups, which give their members roles. They are the same in every tenant."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Cell, Column, Member, done, show_list, show_one
from certinel.cli.admin.questions import Yes, confirm
from certinel.cli.admin.users import COLUMNS as USER_COLUMNS
from certinel.cli.admin.users import UserName, add_to_group
from certinel.cli.node_client import path

app = typer.Typer(help="Groups: their roles and their members.", no_args_is_help=True)

GroupName = Annotated[str, typer.Argument(help="The name of the group.", autocompletion=completion.groups)]


@verb(app, "list")
def list_groups(node: Node) -> None:
    """List the groups, and how many roles each gives."""
    show_list(node, node.rest.pages(path("user", node.tenant, "groups"), "groups"), _COLUMNS, "No groups.")


@verb(app, "show")
def show_group(node: Node, group: GroupName) -> None:
    """Show one group with its roles."""
    show_one(node, node.rest.get(path("user", node.tenant, "groups", group)), _rows)


@verb(app, "members", "group members admins")
def list_members(node: Node, group: GroupName) -> None:
    """List the members of a group."""
    pages = node.rest.pages(path("user", node.tenant, "groups", group, "users"), "references")
    columns = [Column(one.title, lambda member, cell=one.cell: cell(member["user"])) for one in USER_COLUMNS]  # type: ignore[misc]
    show_list(node, pages, columns, "It has no members.")


@verb(app, "add", "group add admins ann")
def add_member(node: Node, group: GroupName, name: UserName) -> None:
    """Make a person a member of a group. Nobody can give more rights than they hold."""
    done(node, f"{name} is in the group {group}", add_to_group(node, group, name))


@verb(app, "remove", "group remove admins ann")
def remove_member(node: Node, group: GroupName, name: UserName, yes: Yes = False) -> None:
    """Take a person out of a group."""
    confirm(f"Take {name} out of the group {group}?", yes=yes)
    node.rest.delete(path("user", node.tenant, "groups", group, "users", name))
    done(node, f"{name} is no longer in the group {group}")


def _roles(group: Member) -> list[str]:
    return [one["role"]["name"] for one in group["roles"]["references"]]


_COLUMNS: Final = (
    Column("group", lambda group: group["name"]),
    Column("roles", lambda group: str(len(_roles(group))), is_number=True),
)


def _rows(group: Member) -> Mapping[str, Cell]:
    return {"group": group["name"], "roles": ", ".join(_roles(group)) or "none"}
