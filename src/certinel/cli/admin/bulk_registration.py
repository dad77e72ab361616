"""``certinel admin device register``: many devices from a table, sent in parts, so that it may be of any size."""

import csv
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from certinel.cli.admin.asking import Node, verb
from certinel.cli.admin.devices import app
from certinel.cli.admin.printing import Column, Member, print_done, print_json, show_list
from certinel.cli.terminal import EXIT_FAILURE, EXIT_USAGE, CommandError
from certinel.domain.device_table import DeviceTable, EncodingFinder, TableRow, UnusableTableError

PATH: Final = "/devicecontrol/bulkNewDeviceRequests"
STANDARD_INPUT: Final = "-"
ROWS_AT_ONCE: Final = 2000
"""Of one request: the progress is seen, and what is interrupted loses little."""
PIECE_BYTES: Final = 1 << 16
COUNTS: Final = ("numberOfAll", "numberOfCreated", "numberOfFailed", "numberOfSuccessful")
_LINE: Final = re.compile(r"^Line (\d+)\b")
LISTS: Final = ("credentialUpdatedList", "failedCreationList")


@dataclass(slots=True)
class Result:
    """What became of the rows so far, in the words of the REST interface."""

    answer: dict[str, Any] = field(default_factory=lambda: {**dict.fromkeys(COUNTS, 0), **{name: [] for name in LISTS}})
    failed: list[Member] = field(default_factory=list)
    """The failed rows with the line of the file where each begins."""

    def add(self, part: Member, rows: Sequence[TableRow], id_column: int) -> None:
        """Count the answer to one part; raises ``KeyError`` or ``TypeError`` when it is none."""
        places = _places(rows)
        for one in part["failedCreationList"]:
            one["failureReason"] = _LINE.sub(lambda found: _in_file(found, places), one["failureReason"])
        for name in (*COUNTS, *LISTS):
            self.answer[name] += part[name]
        lines: dict[str, list[int]] = {}
        for row in rows:
            name = row.cells[id_column].strip() if id_column < len(row.cells) else ""
            lines.setdefault(name, []).append(row.line)
        for one in part["failedCreationList"]:
            found = lines.get(one["deviceId"])
            self.failed.append({**one, "row": found.pop(0) if found else None})


@verb(app, "register", "device register fleet.csv", "device register - < fleet.csv")
def register_devices(
    node: Node,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a line of headings: ID, AUTH_TYPE, NAME, TYPE, PATH, …; separated by tabs, semicolons or "
            "commas; - is standard input."
        ),
    ],
) -> None:
    """Register every device of a file. Devices that exist are updated, so the same file can be sent again.

    Rows that are wrong are listed with their reason, keep no other row from being registered, and end the command
    with 1. A file that is no table of devices is refused before anything is sent.
    """
    with _opened(file) as content:
        try:
            encoding, count = _checked(content)
            result = _send_all(node, content, encoding, count)
        except UnusableTableError as error:
            raise CommandError(f"{file}: {error} ({error.code})") from None
    if node.as_json:
        print_json(result.answer)
    else:
        _report(node, result)
    if result.answer["numberOfFailed"]:
        raise typer.Exit(EXIT_FAILURE)


def _checked(content: BinaryIO) -> tuple[str, int]:
    """Read the whole file once: how it is encoded, and how many devices there are."""
    finder = EncodingFinder()
    while piece := content.read(PIECE_BYTES):
        finder.feed(piece)
    encoding = finder.encoding()
    with _table(content, encoding) as table:
        return encoding, sum(1 for _ in table.rows(most=None))


def _send_all(node: Node, content: BinaryIO, encoding: str, count: int) -> Result:
    result, sent = Result(), 0
    with _table(content, encoding) as table, _progress() as progress:
        task = progress.add_task("devices", total=count)
        id_column = next((at for at, name in enumerate(table.headings) if name.lower() == "id"), 0)
        rows = table.rows(most=None)
        # A file without devices is sent as well: what is wrong with it is for the node to say.
        while (part := list(islice(rows, ROWS_AT_ONCE))) or not sent:
            try:
                answer = node.rest.upload("POST", PATH, "devices.csv", _csv(table.headings, part), "text/csv")
                result.add(answer, part, id_column)
            except (KeyError, TypeError):
                raise node.rest.unknown_answer() from None
            except CommandError as error:
                if not sent:
                    raise
                done = f"; {sent} of {count} devices were sent, and the same file can be sent again"
                raise CommandError(f"{error}{done}", error.exit_code) from None
            sent += len(part) or 1
            progress.update(task, completed=sent)
    return result


def _places(rows: Sequence[TableRow]) -> dict[int, int]:
    """Return at which line of the file a line of the part is, where a row begins; the headings are the first."""
    places, line = {}, 2
    for row in rows:
        places[line] = row.line
        line += 1 + sum(len(cell.splitlines()) - 1 for cell in row.cells if len(cell.splitlines()) > 1)
    return places


def _in_file(found: re.Match[str], places: Mapping[int, int]) -> str:
    return f"Line {places.get(int(found[1]), found[1])}"


def _csv(headings: Sequence[str], rows: Sequence[TableRow]) -> bytes:
    written = StringIO()
    writer = csv.writer(written, delimiter="\t", lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(row.cells for row in rows)
    return written.getvalue().encode()


@contextmanager
def _table(content: BinaryIO, encoding: str) -> Iterator[DeviceTable]:
    content.seek(0)
    text = TextIOWrapper(content, encoding, newline="")
    try:
        yield DeviceTable(text)
    finally:
        text.detach()


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """Open a file that is read twice; standard input is kept on the disk meanwhile."""
    try:
        if str(file) == STANDARD_INPUT:
            with tempfile.TemporaryFile() as kept:
                shutil.copyfileobj(sys.stdin.buffer, kept)
                kept.seek(0)
                yield kept
        else:
            with file.open("rb") as opened:
                yield opened
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}", EXIT_USAGE) from None


def _progress() -> Progress:
    """Return a bar on standard error, where a person sees it; nothing is drawn where nobody looks."""
    screen = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )


def _report(node: Node, result: Result) -> None:
    answer = result.answer
    updated = len(answer["credentialUpdatedList"])
    print_done(
        f"{answer['numberOfSuccessful']} of {answer['numberOfAll']} devices are registered",
        {"new": str(answer["numberOfCreated"]), "updated": str(updated), "failed": str(answer["numberOfFailed"])},
    )
    if result.failed:
        typer.echo()
        show_list(node, [result.failed], _COLUMNS, "")


_COLUMNS: Final = (
    Column("line", lambda one: str(one["row"] or "-"), is_number=True),
    Column("device", lambda one: one["deviceId"] or "-"),
    Column("why it was not registered", lambda one: one["failureReason"]),
)
