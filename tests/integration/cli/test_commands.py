"""The command line is quick to say what it can do: what only a command at work needs is imported when it works."""

import sys

import pytest

from support.commands import run

HEAVY = ("alembic", "fastapi", "httpx", "sqlalchemy", "uvicorn")
MAIN = f"""
import sys
from certinel.cli import app
try:
    app()
finally:
    sys.stderr.write(" ".join(name for name in {HEAVY} if name in sys.modules))
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["serve", "--help"], ["pki", "ca", "--help"]])
def test_help_imports_nothing_that_takes_long(words: list[str]) -> None:
    assert run(sys.executable, "-c", MAIN, *words).succeeded().errors == ""


def test_mistyped_command_is_answered_with_the_nearest() -> None:
    assert "'serve'" in run(sys.executable, "-c", MAIN, "seve").errors
