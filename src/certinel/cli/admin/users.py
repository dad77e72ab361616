"""``certinel admin user …``: the people of a tenant, and the users that its devices act as."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Cell, Column, Member, done, show_list, show_one, state
from certinel.cli.admin.questions import Generate, NewPasswordFile, Yes, confirm, new_password, print_generated
from certinel.cli.node_client import path
from certinel.cli.terminal import EXIT_USAGE, CommandError

app = typer.Typer(help="Users of your tenant: people, and what devices act as.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(help="The name of the user.", autocompletion=completion.users)]
Email = Annotated[str | None, typer.Option(help="Mail address.")]
FirstName = Annotated[str | None, typer.Option(help="First name.")]
LastName = Annotated[str | None, typer.Option(help="Last name.")]
Phone = Annotated[str | None, typer.Option(help="Telephone number.")]


@verb(app, "list", "user list --prefix ann", "user list --devices --json")
def list_users(
    node: Node,
    prefix: Annotated[str | None, typer.Option(help="Only those whose names begin so.")] = None,
    devices: Annotated[bool, typer.Option("--devices", help="Only the users of devices.")] = False,
) -> None:
    """List the users, by name."""
    query = {"username": prefix, "onlyDevices": "true" if devices else None}
    show_list(node, node.rest.pages(path("user", node.tenant, "users"), "users", query), COLUMNS, "No such users.")


@verb(app, "show")
def show_user(node: Node, name: UserName) -> None:
    """Show one user with its groups and roles."""
    show_one(node, node.rest.get(one(node, name)), _rows)


@verb(app, "create", "user create ann --group admins", "user create reader --group readers --generate")
def create_user(
    node: Node,
    *,
    name: Annotated[str, typer.Argument(help="The name of the new user.")],
    group: Annotated[
        list[str] | None, typer.Option(help="A group to be in. Repeatable.", autocompletion=completion.groups)
    ] = None,
    email: Email = None,
    first_name: FirstName = None,
    last_name: LastName = None,
    phone: Phone = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Keep the user out until it is enabled.")] = False,
    new_password_file: NewPasswordFile = None,
    generate: Generate = False,
) -> None:
    """Add a person; the password is made up, read from a file, or asked for."""
    for wanted in group or []:  # an unknown group is found before there is half a user
        node.rest.get(path("user", node.tenant, "groups", wanted))
    password = new_password(name, new_password_file, generate=generate)
    profile = {"email": email, "firstName": first_name, "lastName": last_name, "phone": phone}
    body = {"userName": name, "password": password.text, "enabled": not disabled, **profile}
    made = node.rest.post(path("user", node.tenant, "users"), body)
    for wanted in group or []:
        made = add_to_group(node, wanted, name)
    done(node, f"user {name} made", made, _rows(made))
    print_generated(node, name, password)


@verb(app, "update", "user update ann --email ann@example.com")
def update_user(
    node: Node,
    name: UserName,
    *,
    email: Email = None,
    first_name: FirstName = None,
    last_name: LastName = None,
    phone: Phone = None,
) -> None:
    """Change what is known of a person; what is not given stays as it is."""
    profile = {"email": email, "firstName": first_name, "lastName": last_name, "phone": phone}
    given = {key: value for key, value in profile.items() if value is not None}
    if not given:
        raise CommandError("nothing to change was given: --email, --first-name, --last-name, --phone", EXIT_USAGE)
    changed = node.rest.put(one(node, name), given)
    done(node, f"user {name} changed", changed, _rows(changed))


@verb(app, "enable")
def enable_user(node: Node, name: UserName) -> None:
    """Let a user in again."""
    done(node, f"user {name} enabled", node.rest.put(one(node, name), {"enabled": True}))


@verb(app, "disable")
def disable_user(node: Node, name: UserName, yes: Yes = False) -> None:
    """Keep a user out: its sessions and tokens end at once."""
    confirm(f"Disable {name}? What it is signed in to ends at once.", yes=yes)
    done(node, f"user {name} disabled", node.rest.put(one(node, name), {"enabled": False}))


@verb(app, "password", "user password ann", "user password ann --new-password-file - < secret")
def set_password(
    node: Node, name: UserName, new_password_file: NewPasswordFile = None, generate: Generate = False
) -> None:
    """Give a person another password, which ends everything signed in with the old one."""
    password = new_password(name, new_password_file, generate=generate)
    changed = node.rest.put(one(node, name) + "/password", {"newPassword": password.text})
    done(node, f"user {name} has another password", changed)
    print_generated(node, name, password)


@verb(app, "delete")
def delete_user(node: Node, name: UserName, yes: Yes = False) -> None:
    """Remove a user. A device that registers itself comes back when it connects."""
    confirm(f"Delete the user {name}?", yes=yes)
    node.rest.delete(one(node, name))
    done(node, f"user {name} deleted")


def one(node: Node, name: str) -> str:
    """Return where the user is."""
    return path("user", node.tenant, "users", name)


def add_to_group(node: Node, group: str, name: str) -> Member:
    """Make a user a member and return the user."""
    answer = node.rest.post(path("user", node.tenant, "groups", group, "users"), {"user": {"id": name}})
    try:
        member: Member = answer["user"]
    except (KeyError, TypeError):
        raise node.rest.unknown_answer() from None
    return member


def groups_of(user: Member) -> list[str]:
    """Return the names of the groups that a user is in."""
    return [one["group"]["name"] for one in user["groups"]["references"]]


def roles_of(user: Member) -> list[str]:
    """Return the roles that a user has through its groups."""
    groups = (one["group"] for one in user["groups"]["references"])
    return sorted({role["role"]["name"] for group in groups for role in group["roles"]["references"]})


COLUMNS: Final = (
    Column("user", lambda user: user["userName"]),
    Column("state", lambda user: state(user["enabled"], "enabled", "disabled")),
    Column("groups", lambda user: ", ".join(groups_of(user)) or "-"),
)


def _rows(user: Member) -> Mapping[str, Cell]:
    return {
        "user": user["userName"],
        "name": " ".join(filter(None, (user.get("firstName"), user.get("lastName")))) or "-",
        "e-mail": user.get("email") or "-",
        "phone": user.get("phone") or "-",
        "state": state(user["enabled"], "enabled", "disabled"),
        "groups": ", ".join(groups_of(user)) or "none",
        "roles": ", ".join(roles_of(user)) or "none",
    }
