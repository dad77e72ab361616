"""Passphrases: from a file, the environment or a prompt; never from the command line, where others see them."""

import getpass
import os
import warnings
from pathlib import Path
from typing import Annotated

import typer

from certinel.cli.terminal import EXIT_USAGE, CommandError

KEY_VARIABLE = "CERTINEL_PASSPHRASE"
CA_VARIABLE = "CERTINEL_CA_PASSPHRASE"
STORE_VARIABLE = "CERTINEL_STORE_PASSPHRASE"

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help=f"First line: passphrase of the key. Else {KEY_VARIABLE} of the environment, else asked for if needed."
    ),
]
CaPassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help=f"First line: passphrase of the CA's key. Else {CA_VARIABLE} of the environment, else asked for if needed."
    ),
]
StorePassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help=f"First line: passphrase of the store. Else {STORE_VARIABLE} of the environment, else asked for."
    ),
]
Encrypt = Annotated[bool, typer.Option("--encrypt", help="Encrypt the new key; given with --passphrase-file anyway.")]


def given(file: Path | None, variable: str) -> str | None:
    """Return the passphrase that a file or else the environment gives, or None."""
    if file is None:
        return os.environ.get(variable) or None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise CommandError(f"{file}: {reason}", EXIT_USAGE) from None
    if not lines or not lines[0]:
        raise CommandError(f"{file}: its first line is empty, and no passphrase", EXIT_USAGE)
    return lines[0]


def asked(what: str, *, twice: bool = False) -> str:
    """Ask the person at the terminal, or read a line of standard input; twice for a new one."""
    with warnings.catch_warnings(action="ignore", category=getpass.GetPassWarning):  # there is no terminal: known
        try:
            answer: str = typer.prompt(f"Passphrase of {what}", hide_input=True, err=True, confirmation_prompt=twice)
        except typer.Abort:
            raise CommandError(f"no passphrase was given for {what}", EXIT_USAGE) from None
    return answer


def for_new_key(file: Path | None, *, encrypt: bool, what: str) -> str | None:
    """Return with what a new key is encrypted, or None when it is not to be."""
    if file is None and not encrypt:
        return None
    return given(file, KEY_VARIABLE) or asked(what, twice=True)


def of_store(file: Path | None, store: Path, *, is_new: bool) -> str:
    """Return the passphrase of a store."""
    return given(file, STORE_VARIABLE) or asked(str(store), twice=is_new)
