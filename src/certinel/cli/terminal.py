"""What the commands share: how they print, complain and end."""

import sys

from rich.console import Console

EXIT_FAILURE = 1
EXIT_USAGE = 2
"""A wrong setting or option, as shells and typer have it."""

console = Console(highlight=False, soft_wrap=True)


class CommandError(Exception):
    """The command cannot do what it was asked; the message is one line for a person."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def complain(message: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"certinel: {message}\n")
