"""What is printed: lists as tables, one thing as names and values, what was done as one line; or REST's own JSON."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from certinel.cli.admin.asking import Node
from certinel.cli.terminal import console
from certinel.domain.errors import MAX_SHOWN_CHARACTERS, shown

Member = dict[str, Any]
Cell = str | Text

MIN_WIDTH: Final = 8
"""Below it a column is not made narrower; a terminal that is too narrow even for that breaks the lines itself."""
GAP: Final = 2
UNBOUNDED: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    cell: Callable[[Member], Cell]
    is_number: bool = False


def show_list(node: Node, pages: Iterable[Sequence[Member]], columns: Sequence[Column], nothing: str) -> None:
    """Print all members as they come, page by page; ``nothing`` says it when there are none."""
    if node.as_json:
        _print_array(member for page in pages for member in page)
        return
    try:
        print_tables(pages, columns, nothing)
    except (KeyError, TypeError, AttributeError):
        raise node.rest.unknown_answer() from None


def show_one(node: Node, answer: Any, rows: Callable[[Member], Mapping[str, Cell]]) -> None:
    """Print one thing, by name and value."""
    if node.as_json:
        print_json(answer)
        return
    try:
        print_rows(rows(answer))
    except (KeyError, TypeError, AttributeError):
        raise node.rest.unknown_answer() from None


def done(node: Node, sentence: str, answer: Any = None, rows: Mapping[str, Cell] | None = None) -> None:
    """Say what was done; in JSON only what the node answered, which can be nothing."""
    if node.as_json:
        if answer is not None:
            print_json(answer)
        return
    print_done(sentence, rows)


def print_done(sentence: str, rows: Mapping[str, Cell] | None = None) -> None:
    """Say what was done, and facts about it."""
    _print(Text.assemble(("✓ ", "bold green"), shown(sentence)))
    if rows:
        print_rows(rows)


def print_json(answer: Any) -> None:
    """Print an answer as JSON."""
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_rows(rows: Mapping[str, Cell]) -> None:
    """Print names and values beside each other."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(Text(f"  {name}", "dim"), text(value))
    _print(table)


def _print(what: RenderableType) -> None:
    """Print folded as the terminal wants it; for a program that reads it, every row on one line, as long as it is."""
    if console.is_terminal:
        console.print(what, soft_wrap=False)
        return
    written = StringIO()
    Console(file=written, width=UNBOUNDED, color_system=None).print(what)
    for line in written.getvalue().splitlines():
        typer.echo(line.rstrip())


def text(value: Cell) -> Text:
    """Return a cell that cannot deceive: strangers choose the names in their certificates."""
    return value if isinstance(value, Text) else Text("\n".join(map(_whole, value.split("\n"))))


def _whole(line: str) -> str:
    """Return all of a line that is longer than what a sentence shows of one fact."""
    pieces = range(0, len(line), MAX_SHOWN_CHARACTERS)
    return "".join(shown(line[start : start + MAX_SHOWN_CHARACTERS]) for start in pieces)


def state(is_good: bool, good: str, bad: str) -> Text:
    """Return one of two words in its colour."""
    return Text(good, "green") if is_good else Text(bad, "yellow")


def moment(value: Any) -> str:
    """Write a time of the REST interface for people; to the second."""
    return str(value).replace("T", " ").partition(".")[0].removesuffix("Z") if value else "-"


def day(value: Any) -> str:
    """Write the day of a time of the REST interface."""
    return str(value).partition("T")[0] if value else "-"


def _print_array(members: Iterable[Member]) -> None:
    """Print an array while it comes in: it may be larger than memory."""
    is_empty = True
    for member in members:
        typer.echo("[" if is_empty else ",")
        lines = json.dumps(member, indent=2, ensure_ascii=False).split("\n")
        typer.echo("\n".join(f"  {line}" for line in lines), nl=False)
        is_empty = False
    typer.echo("[]" if is_empty else "\n]")


def print_tables(pages: Iterable[Sequence[Member]], columns: Sequence[Column], nothing: str) -> None:
    """Print a table whose first page decides on the widths of all."""
    widths: list[int] = []
    for page in pages:
        if not page:
            continue
        rows = [[text(column.cell(member)) for column in columns] for member in page]
        is_first = not widths
        widths = widths or _widths(columns, rows)
        table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim", show_header=is_first)
        for column, width in zip(columns, widths, strict=True):
            table.add_column(
                column.title, width=width, overflow="fold", justify="right" if column.is_number else "left"
            )
        for row in rows:
            table.add_row(*row)
        _print(table)
    if not widths:
        _print(Text(nothing))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> list[int]:
    """Return as much as the cells need; in a terminal, the widest columns give way until all fit."""
    widths = [
        max(len(column.title), *(max(map(len, row[index].plain.split("\n"))) for row in rows))
        for index, column in enumerate(columns)
    ]
    available = console.width - GAP * len(columns)
    while console.is_terminal and sum(widths) > available and max(widths) > MIN_WIDTH:
        widths[widths.index(max(widths))] -= 1
    return widths
