"""``certinel admin tenant …``: the tenants of the platform, for users of the management tenant."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from certinel.cli.admin import completion
from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.printing import Cell, Column, Member, done, moment, show_list, show_one, state
from certinel.cli.admin.questions import Generate, NewPasswordFile, Yes, confirm, new_password, print_generated
from certinel.cli.node_client import path
from certinel.cli.terminal import EXIT_USAGE, CommandError

app = typer.Typer(help="Tenants, for users of the management tenant.", no_args_is_help=True)

ALL: Final = "/tenant/tenants"

TenantId = Annotated[str, typer.Argument(help="The id of the tenant.", autocompletion=completion.tenants)]
Domain = Annotated[str | None, typer.Option(help="A host name that is this tenant's own.")]
Company = Annotated[str | None, typer.Option(help="Whose tenant it is.")]
MaxDevices = Annotated[int | None, typer.Option(min=0, help="How many devices it may have; 0 for any number.")]
MaxUsers = Annotated[int | None, typer.Option(min=0, help="How many people may be users; 0 for any number.")]
AdminEmail = Annotated[str | None, typer.Option(help="Where the administrator is reached.")]


@verb(app, "list", "tenant list", "tenant list --company 'Example Pumps'")
def list_tenants(
    node: Node,
    company: Annotated[str | None, typer.Option(help="Only those of this company.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only the one of this domain.")] = None,
) -> None:
    """List the tenants."""
    show_list(node, node.rest.pages(ALL, "tenants", {"company": company, "domain": domain}), _COLUMNS, "No tenants.")


@verb(app, "show")
def show_tenant(node: Node, tenant: TenantId) -> None:
    """Show one tenant."""
    show_one(node, node.rest.get(path("tenant", "tenants", tenant)), _rows)


@verb(app, "create", "tenant create --id t2000 --company 'Example Pumps' --admin-name admin --generate")
def create_tenant(
    node: Node,
    *,
    tenant: Annotated[str | None, typer.Option("--id", help="The id; without one, the platform chooses it.")] = None,
    admin_name: Annotated[str, typer.Option(help="The name of its first administrator.")] = "admin",
    domain: Domain = None,
    company: Company = None,
    admin_email: AdminEmail = None,
    max_devices: MaxDevices = None,
    max_users: MaxUsers = None,
    new_password_file: NewPasswordFile = None,
    generate: Generate = False,
) -> None:
    """Make a tenant with its first administrator, whose password is made up, read from a file, or asked for."""
    password = new_password(f"{tenant or 'the new tenant'}/{admin_name}", new_password_file, generate=generate)
    body: dict[str, Any] = {
        "id": tenant,
        "domain": domain,
        "company": company,
        "adminName": admin_name,
        "adminPass": password.text,
        "adminEmail": admin_email,
        "maxDevices": max_devices,
        "maxUsers": max_users,
    }
    made = node.rest.post(ALL, {name: value for name, value in body.items() if value is not None})
    done(node, f"tenant {made['id']} made", made, _rows(made))
    print_generated(node, f"{made['id']}/{admin_name}", password)


@verb(app, "update", "tenant update t2000 --domain pumps.example.com")
def update_tenant(
    node: Node,
    tenant: TenantId,
    *,
    domain: Domain = None,
    company: Company = None,
    admin_email: AdminEmail = None,
    max_devices: MaxDevices = None,
    max_users: MaxUsers = None,
) -> None:
    """Change what is known of a tenant, and its limits; what is not given stays as it is."""
    body = {"domain": domain, "company": company, "adminEmail": admin_email}
    limits = {"maxDevices": max_devices, "maxUsers": max_users}
    given = {name: value for name, value in (body | limits).items() if value is not None}
    if not given:
        options = "--domain, --company, --admin-email, --max-devices, --max-users"
        raise CommandError(f"nothing to change was given: {options}", EXIT_USAGE)
    changed = node.rest.put(path("tenant", "tenants", tenant), given)
    done(node, f"tenant {tenant} changed", changed, _rows(changed))


@verb(app, "suspend", "tenant suspend t2000 --yes")
def suspend_tenant(node: Node, tenant: TenantId, yes: Yes = False) -> None:
    """Keep the users and devices of a tenant out, at once; nothing is lost."""
    confirm(f"Suspend {tenant}? Its users and devices are disconnected and kept out.", yes=yes)
    _set_status(node, tenant, "SUSPENDED", "suspended")


@verb(app, "resume")
def resume_tenant(node: Node, tenant: TenantId) -> None:
    """Let the users and devices of a suspended tenant in again."""
    _set_status(node, tenant, "ACTIVE", "resumed")


@verb(app, "delete", "tenant delete t2000")
def delete_tenant(node: Node, tenant: TenantId, yes: Yes = False) -> None:
    """Remove a tenant with everything that belongs to it. Its audit log stays, and its id is not given again."""
    confirm(f"Delete {tenant} with its users, devices and data, for good?", yes=yes)
    node.rest.delete(path("tenant", "tenants", tenant))
    done(node, f"tenant {tenant} deleted")


def _set_status(node: Node, tenant: str, status: str, word: str) -> None:
    changed = node.rest.put(path("tenant", "tenants", tenant), {"status": status})
    done(node, f"tenant {tenant} {word}", changed)


def _status(tenant: Member) -> Cell:
    return state(tenant["status"] == "ACTIVE", "active", str(tenant["status"]).lower())


_COLUMNS: Final = (
    Column("tenant", lambda one: one["id"]),
    Column("status", _status),
    Column("domain", lambda one: one["domain"]),
    Column("company", lambda one: one.get("company", "-")),
    Column("administrator", lambda one: one.get("adminName", "-")),
    Column("made (UTC)", lambda one: moment(one["creationTime"])),
)


def _rows(tenant: Member) -> Mapping[str, Cell]:
    return {
        "tenant": tenant["id"],
        "status": _status(tenant),
        "domain": tenant["domain"],
        "company": tenant.get("company", "-"),
        "administrator": tenant.get("adminName", "-"),
        "e-mail": tenant.get("adminEmail", "-"),
        "most devices": str(tenant.get("maxDevices") or "any number"),
        "most users": str(tenant.get("maxUsers") or "any number"),
        "made": f"{moment(tenant['creationTime'])} UTC",
    }
