"""What the commands share: how they print, complain and end."""

import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console

EXIT_FAILURE = 1
EXIT_USAGE = 2
"""A wrong setting or option, as shells and typer have it."""

PROGRAM = "certinel"

console = Console(highlight=False, soft_wrap=True)


class CommandError(Exception):
    """The command cannot do what it was asked; the message is one line for a person."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILURE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def this_program() -> str:
    """Return how this program is called from here, for commands that are to be typed; in a clone it has a path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m certinel"
    found = shutil.which(PROGRAM)
    if called.name != PROGRAM or (found is not None and Path(found).resolve() == called.resolve()):
        return PROGRAM
    return shlex.quote(str(called))


def complain(message: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"certinel: {message}\n")
