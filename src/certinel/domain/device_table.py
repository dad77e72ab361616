"""Tables of devices as people save them from a spreadsheet: encoding, separator, quotes, headings; no meaning yet.

What cannot be a table at all is an ``UnusableTableError`` with its place. Rows are read one at a time, so that a table
may be larger than memory.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from certinel.domain.errors import DeviceIdentityError

MAX_ROWS: Final = 250_000
"""Devices in one file; ours. What failed is answered row by row, so the answer grows with the file."""
MAX_COLUMNS: Final = 100
MAX_HEADING_CHARACTERS: Final = 256
MAX_FIELD_CHARACTERS: Final = 4000
"""Of one cell; ours. A cell whose quote is never closed ends here too."""
MAX_LINE_CHARACTERS: Final = MAX_COLUMNS * (MAX_FIELD_CHARACTERS + 3)

_SEPARATORS: Final = ("\t", ";", ",")
_QUOTED: Final = re.compile(r'"[^"]*"')
_NOT_IN_CP1252: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnusableTableError(DeviceIdentityError):
    """A file is no table of devices; the message says where and why. None of its rows counts."""

    code = "bulk-registration/unusable-table"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One line of the table below the headings."""

    line: int
    """Where it begins in the file, counted from 1."""
    cells: tuple[str, ...] = field(repr=False)


class EncodingFinder:
    """Finds out how a file is encoded, from its bytes in pieces of any size."""

    def __init__(self) -> None:
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._first = b""
        self._size = 0
        self._not_in_cp1252: int | None = None

    def feed(self, piece: bytes) -> None:
        """Look at the next piece."""
        self._first = (self._first + piece[:2])[:2]
        if self._not_in_cp1252 is None and (found := _NOT_IN_CP1252.search(piece)):
            self._not_in_cp1252 = self._size + found.start()
        self._size += len(piece)
        if self._utf8 is not None:
            self._decode(piece, is_last=False)

    def _decode(self, piece: bytes, *, is_last: bool) -> None:
        try:
            if self._utf8 is not None:
                self._utf8.decode(piece, is_last)
        except UnicodeDecodeError:
            self._utf8 = None

    def encoding(self) -> str:
        """Return Python's name of the encoding: UTF-8 with or without its mark, else that of Windows in the West.

        Raises:
            UnusableTableError: it is neither.
        """
        if self._first in _WIDE_MARKS:
            raise UnusableTableError("The file is UTF-16; save it as UTF-8.")
        self._decode(b"", is_last=True)
        if self._utf8 is not None:
            return "utf-8-sig"
        if self._not_in_cp1252 is not None:
            raise UnusableTableError(f"The file is neither UTF-8 nor Windows-1252: byte {self._not_in_cp1252}.")
        return "cp1252"


class DeviceTable:
    """The headings of a table, and its rows, each read when it is asked for."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Read the headings from ``lines``, which keep their line ends.

        Raises:
            UnusableTableError: there are none, too many, or too long ones.
        """
        self._lines = _checked(lines)
        self._line = 0
        first = self._first_line()
        separator = _separator_of(first)
        self.headings = tuple(cell.strip() for cell in _cells_of(first, separator))
        if len(self.headings) > MAX_COLUMNS:
            raise UnusableTableError(f"Line {self._line}: there are more than {MAX_COLUMNS} columns.")
        for number, heading in enumerate(self.headings, start=1):
            if len(heading) > MAX_HEADING_CHARACTERS:
                raise UnusableTableError(f"Line {self._line}, column {number}: the heading is too long.")
        self._reader = csv.reader(self._lines, delimiter=separator)
        self._lines_before = self._line

    def _first_line(self) -> str:
        for line in self._lines:
            self._line += 1
            if line.strip():
                return line
        raise UnusableTableError("CSV file contained empty dataset")

    def rows(self, *, most: int | None = MAX_ROWS) -> Iterator[TableRow]:
        """Yield the rows in order; blank ones are left out. None as ``most`` takes any number.

        Raises:
            UnusableTableError: a field is too long, or there are too many rows.
        """
        count = 0
        for row in self._read():
            if not any(cell.strip() for cell in row.cells):
                continue
            count += 1
            if most is not None and count > most:
                raise UnusableTableError(f"Line {row.line}: there are more than {most} devices.")
            for number, cell in enumerate(row.cells, start=1):
                if len(cell) > MAX_FIELD_CHARACTERS:
                    place = f"Line {row.line}, column {number}"
                    raise UnusableTableError(f"{place}: the field has more than {MAX_FIELD_CHARACTERS} characters.")
            yield row

    def _read(self) -> Iterator[TableRow]:
        while True:
            line = self._lines_before + self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise UnusableTableError(f"Line {line}: {error}.") from None
            yield TableRow(line, tuple(cells))


def _checked(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise UnusableTableError(f"Line {number} has more than {MAX_LINE_CHARACTERS} characters.")
        yield line


def _separator_of(line: str) -> str:
    """Return the separator that occurs most often outside quotes; of several, the first in the order of the list."""
    counts = Counter(_QUOTED.sub("", line))
    return max(_SEPARATORS, key=lambda separator: counts[separator])


def _cells_of(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error as error:
        raise UnusableTableError(f"The headings cannot be read: {error}.") from None
