"""Commands that are imported when they are called: what the command line can do is listed in no time."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group
from typing_extensions import override

Command = TyperCommand | TyperGroup


class DeferredCommand(TyperCommand):
    """Known by its name and its sentence; everything else is in ``place``, as ``package.module:name``.

    What is found there is the function of one command, or the Typer of a group of them.
    """

    def __init__(self, name: str, summary: str, place: str) -> None:
        super().__init__(name, help=summary)
        self._place = place

    @override
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.load().make_context(info_name, args, parent, **extra)

    def load(self) -> Command:
        """Import the command itself."""
        module, _, attribute = self._place.partition(":")
        return _command_of(getattr(import_module(module), attribute), self.name)


def _command_of(found: typer.Typer | Callable[..., Any], name: str | None) -> Command:
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return cast("TyperCommand", get_command(alone))
