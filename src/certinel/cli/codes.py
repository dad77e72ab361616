"""``certinel codes``: what the refusal codes mean, without a network and without the pages."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from certinel.cli.terminal import EXIT_USAGE, CommandError, console
from certinel.domain.causes import CAUSES
from certinel.domain.errors import EXPLANATIONS, Code


def codes(
    code: Annotated[str | None, typer.Argument(help="Only this one, as chain/too-long; without it, all.")] = None,
) -> None:
    """Explain the codes with which connections are refused: what is wrong, what usually causes it, what to do.

    Words in braces stand for the facts of a case, which the log and the connection attempts have.
    """
    if code is None:
        console.print(_listed(), soft_wrap=False)
    elif code in set(Code):
        console.print(_explained(Code(code)), soft_wrap=False)
    else:
        near = [one for one in Code if code.rpartition("/")[2] in one]
        hint = f"; perhaps {', '.join(near)}" if near else ""
        raise CommandError(f"there is no refusal code {code}{hint}", EXIT_USAGE)


def _listed() -> Table:
    table = Table("code", "what is wrong", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for code in Code:
        table.add_row(Text(code), Text(EXPLANATIONS[code].sentence))
    return table


def _explained(code: Code) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, words in (
        ("code", str(code)),
        ("what is wrong", EXPLANATIONS[code].sentence),
        ("causes", CAUSES[code].replace("`", "")),
        ("what to do", EXPLANATIONS[code].remedy),
    ):
        table.add_row(Text(name, "dim"), Text(words))
    return table
