"""The command line: one module a group of commands; each parses, calls and prints."""

import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from certinel.cli.deferred import DeferredCommand
from certinel.cli.terminal import EXIT_FAILURE, CommandError, complain

COMMANDS = (
    DeferredCommand(
        "serve",
        "Run the platform: MQTT over mutual TLS, pages and REST over HTTPS.",
        "certinel.cli.serve:serve",
    ),
    DeferredCommand(
        "demo",
        "Show it: a CA and its proof, a device that registers itself, its data, its token, and one that is refused.",
        "certinel.cli.demo:demo",
    ),
    DeferredCommand(
        "check",
        "Verify the database and the hash chains of the audit log; ends with 1 when something is wrong.",
        "certinel.cli.check:check",
    ),
    DeferredCommand(
        "backup",
        "Write database and keys of a node into one file, which only you can read, while the node runs.",
        "certinel.cli.backup:backup",
    ),
    DeferredCommand(
        "restore",
        "Make the data directory of a node from a backup; when it is damaged, nothing is left of it.",
        "certinel.cli.backup:restore",
    ),
    DeferredCommand(
        "explain",
        "Explain whether a chain of certificates lets a device connect, with the very verdict that a connect gets.",
        "certinel.cli.explain:explain",
    ),
    DeferredCommand(
        "codes",
        "Explain the codes with which connections are refused: what is wrong, what usually causes it, what to do.",
        "certinel.cli.codes:codes",
    ),
    DeferredCommand(
        "onboard",
        "Bring in a CA and the first device: from nothing to a device that connects, in one go.",
        "certinel.cli.onboarding.command:onboard",
    ),
    DeferredCommand(
        "connect",
        "Connect as a device: with its certificate, publish, print a token for REST.",
        "certinel.cli.connect:connect",
    ),
    DeferredCommand(
        "simulate",
        "Put a platform under the load of many devices with real certificates, and report how it went.",
        "certinel.cli.simulate:simulate",
    ),
    DeferredCommand(
        "admin",
        "Ask and change a running node over REST.",
        "certinel.cli.admin:app",
    ),
    DeferredCommand(
        "pki",
        "Make and read keys, CAs, device certificates, stores and revocation lists. Nothing leaves this computer.",
        "certinel.cli.pki:app",
    ),
)
"""Each with the first line of its own help, so that a list of them imports none."""


class _Certinel(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in COMMANDS:
            self.add_command(command)


app = typer.Typer(
    name="certinel",
    help="Device identity for MQTT fleets: a certificate is all a device needs.",
    cls=_Certinel,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"certinel {version('certinel')}")
        raise typer.Exit


@app.callback()
def _everywhere(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run a command; what goes wrong for a reason is one line on standard error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a sentence with ✗ is no reason to fail in a terminal without it
    try:
        app()
    except CommandError as error:
        complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(128 + EXIT_FAILURE + 1)
