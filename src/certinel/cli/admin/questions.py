"""What a person is asked before something is lost, and for secrets that are to be set."""

import secrets
import string
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from certinel.cli.admin.asking import Node
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError

STANDARD_INPUT: Final = "-"
GENERATED_CHARACTERS: Final = 24
"""142 random bits that need no quoting."""

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")]
NewPasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--new-password-file",
        help="First line: the new password; - is standard input. Without it, it is asked for.",
    ),
]
Generate = Annotated[bool, typer.Option("--generate", help="Make up the new password, and print it once.")]


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that is to be set."""

    text: str = field(repr=False)
    was_generated: bool = False


def confirm(question: str, *, yes: bool) -> None:
    """Go on only when the person says so; without a terminal, ``--yes`` has to have said it.

    Asked on standard error, so that what a command prints stays what it prints.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Nobody can answer here; --yes does it without asking", EXIT_USAGE)
    if not typer.confirm(question, err=True):
        raise CommandError("nothing was changed", EXIT_FAILURE)


def new_password(of: str, file: Path | None, *, generate: bool) -> NewPassword:
    """Return the password to set: made up, from a file, or asked for twice."""
    if generate:
        return NewPassword(generated(), was_generated=True)
    if file is not None:
        return NewPassword(first_line(file))
    typed: str = typer.prompt(f"New password of {of}", hide_input=True, err=True, confirmation_prompt=True)
    return NewPassword(typed)


def generated() -> str:
    """Make up a password."""
    characters = string.ascii_letters + string.digits
    return "".join(secrets.choice(characters) for _ in range(GENERATED_CHARACTERS))


def first_line(file: Path) -> str:
    """Return the first line of a file, of which ``-`` is standard input."""
    try:
        if str(file) == STANDARD_INPUT:
            line = sys.stdin.readline()
        else:
            with file.open(encoding="utf-8") as opened:
                line = opened.readline()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise CommandError(f"{file}: {reason}", EXIT_USAGE) from None
    secret = line.rstrip("\r\n")
    if not secret:
        raise CommandError(f"{file}: its first line is empty, and no password", EXIT_USAGE)
    return secret


def print_generated(node: Node, of: str, password: NewPassword) -> None:
    """Print a password that was made up: on standard error, so that JSON stays JSON."""
    if password.was_generated:
        typer.echo(f"  password of {of}: {password.text}  (shown only now)", err=node.as_json)
