"""``certinel admin …``: a running node, asked and changed over REST; in an emergency, a data directory."""

import typer

from certinel.cli.admin import (
    audit_records,
    bulk_registration,
    device_requests,
    devices,
    features,
    groups,
    login,
    possession,
    revocation_lists,
    revocations,
    signing_keys,
    tenant_options,
    tenants,
    trusted_certificates,
    users,
)
from certinel.cli.admin.asking import examples_text, verb
from certinel.cli.admin.connection_attempts import attempts
from certinel.cli.admin.reset_password import reset_password

__all__ = ["app", "bulk_registration", "possession"]

app = typer.Typer(
    help="Ask and change a running node over REST.\n\n"
    "Begin with: certinel admin login --url https://HOST:8443 --ca server-ca.pem\n\n"
    "Commands end with 0 when it is done, with 1 when the node refuses or some of it failed, and with 2 when they "
    "are used wrongly, nobody is signed in, or the node cannot be reached.",
    no_args_is_help=True,
)
app.command(
    epilog=examples_text(
        "login --url https://plant.example.com:8443 --ca server-ca.pem",
        "login --user management/admin --name platform",
    )
)(login.login)
app.command()(login.logout)
verb(app, "whoami")(login.whoami)
verb(app, "password", "password", "password --new-password-file - < secret")(login.change_own_password)
app.add_typer(login.platforms, name="platform")
app.add_typer(tenants.app, name="tenant")
app.add_typer(users.app, name="user")
app.add_typer(groups.app, name="group")
app.add_typer(trusted_certificates.app, name="trusted-certificate")
app.add_typer(devices.app, name="device")
app.add_typer(device_requests.app, name="device-request")
app.add_typer(revocations.app, name="revocation")
app.add_typer(revocation_lists.app, name="revocation-list")
app.add_typer(tenant_options.app, name="option")
app.add_typer(features.app, name="feature")
app.add_typer(audit_records.app, name="audit")
app.add_typer(signing_keys.app, name="signing-key")
verb(app, "attempts")(attempts)
app.command(epilog=examples_text("reset-password --data-dir certinel-data", "reset-password --tenant management"))(
    reset_password
)
