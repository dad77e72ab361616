"""What is listed of commands that are not imported yet is what they say themselves."""

import pytest

from certinel.cli import COMMANDS
from certinel.cli.deferred import DeferredCommand


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_command_is_listed_with_the_first_line_of_its_help(command: DeferredCommand) -> None:
    assert command.help == (command.load().help or "").partition("\n")[0]
