"""The command line: one module a group of commands; each parses, calls and prints."""

import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from certinel.cli import admin, pki
from certinel.cli.check import check
from certinel.cli.demo import demo
from certinel.cli.explain import explain
from certinel.cli.serve import serve
from certinel.cli.terminal import EXIT_FAILURE, CommandError, complain

app = typer.Typer(
    name="certinel",
    help="Device identity for MQTT fleets: a certificate is all a device needs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(demo)
app.command()(check)
app.command()(explain)
app.add_typer(admin.app, name="admin")
app.add_typer(pki.app, name="pki")


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
