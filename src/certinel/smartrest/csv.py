"""The rows of SmartREST: text to fields and fields to text.

What a row means is *not* known here, and a field is text: see ``message_ids`` and ``values``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

_BLANKS = " \t\r"
_NEEDS_QUOTES = frozenset('",\n\r\t')
_LEADING_BLANKS = re.compile(r"[ \t\r]*")
_UNQUOTED = re.compile(r"[^,\n]*")
_END_OF_FIELD = re.compile(r"[ \t\r]*(?:[,\n]|\Z)")


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that cannot be read, with its first field where that much is known."""

    message_id: str


Row: TypeAlias = list[str] | MalformedRow


def rows(text: str) -> Iterator[Row]:
    """Yield the rows of ``text`` in order; blank rows are left out.

    Rows end with LF or CRLF outside quotes. Unquoted fields are trimmed, quoted ones are kept to the letter.
    A quote that is never closed spoils the rest of the text: what follows was meant as part of that field, so
    it must not run as rows of its own. Any other fault spoils its own row only.
    """
    found = _quoted_rows(text) if '"' in text else _plain_rows(text)
    if "\0" in text:  # no storage engine of ours keeps NUL in text
        found = _without_nul(found)
    return found


def encode_row(fields: Iterable[str]) -> str:
    r"""Return one row without its line end: quotes only where needed, ``\"`` for a quote, a raw LF for a line end."""
    encoded = [_encode_field(field) for field in fields]
    return '""' if encoded == [""] else ",".join(encoded)


def _plain_rows(text: str) -> Iterator[Row]:
    for line in text.split("\n"):
        if line.strip(_BLANKS):
            yield [field.strip(_BLANKS) for field in line.split(",")]


def _without_nul(found: Iterator[Row]) -> Iterator[Row]:
    for row in found:
        if isinstance(row, MalformedRow):
            yield MalformedRow(row.message_id.replace("\0", ""))
        elif any("\0" in field for field in row):
            yield MalformedRow(row[0].replace("\0", ""))
        else:
            yield row


def _quoted_rows(text: str) -> Iterator[Row]:
    position = 0
    while position < len(text):
        reader = _RowReader(text, position)
        row = reader.read()
        position = reader.position
        if row != [""] or reader.saw_quotes:
            yield row


class _FaultError(Exception):
    """A row broke off; the reader stands where the next row begins."""


class _RowReader:
    """Reads one row of a text that holds quotes, in one pass without looking back."""

    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self.position = position
        self.saw_quotes = False

    def read(self) -> Row:
        """Return the row at ``position`` and move to the next one."""
        fields: list[str] = []
        try:
            more = True
            while more:
                fields.append(self._read_field())
                more = self._text.startswith(",", self.position)
                self.position += 1  # the comma, the LF, or one past the end
        except _FaultError:
            return MalformedRow(fields[0] if fields else "")
        return fields

    def _read_field(self) -> str:
        start = _end_of(_LEADING_BLANKS, self._text, self.position)
        if self._text.startswith('"', start):
            self.saw_quotes = True
            return self._read_quoted(start + 1)
        end = _end_of(_UNQUOTED, self._text, self.position)
        field = self._text[self.position : end]
        self.position = end
        if '"' in field:
            self._give_up()
        return field.strip(_BLANKS)

    def _read_quoted(self, start: int) -> str:
        content, end = _Quoted(self._text, start).read()
        if end < 0:
            self.position = len(self._text)
            raise _FaultError
        self.position = _end_of(_LEADING_BLANKS, self._text, end)
        if not _ends_field(self._text, self.position):
            self._give_up()
        return content

    def _give_up(self) -> None:
        end_of_row = self._text.find("\n", self.position)
        self.position = len(self._text) if end_of_row < 0 else end_of_row + 1
        raise _FaultError


class _Quoted:
    r"""Reads the inside of a quoted field, whichever way its writer escapes quotes.

    Some writers put ``\"`` for a quote, some ``""``. To the second kind a backslash is a letter like any other,
    so ``\""`` is a quote and the end of the field to the one, and a backslash and a quote to the other. The first
    escape in a field tells which kind wrote it. A backslash that stands before no quote is always a letter.
    """

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = start
        self._pieces: list[str] = []
        self._doubles_quotes: bool | None = None

    def read(self) -> tuple[str, int]:
        """Return the content and the position after the closing quote, which is -1 when there is none."""
        text, start = self._text, self._start
        while (quote := text.find('"', start)) >= 0:
            backslashes = self._backslashes_before(quote, start)
            if backslashes % 2 and self._is_escaped_by_backslash(quote):
                self._doubles_quotes = bool(self._doubles_quotes)
                self._keep(start, quote, backslashes - backslashes // 2, '"')
                start = quote + 1
            elif text.startswith('"', quote + 1):
                if self._doubles_quotes is None:
                    self._doubles_quotes = True
                self._keep(start, quote, 0 if self._doubles_quotes else backslashes // 2, '"')
                start = quote + 2
            else:
                self._keep(start, quote, 0 if self._doubles_quotes else backslashes // 2, "")
                return "".join(self._pieces), quote + 1
        return "", -1

    def _keep(self, start: int, quote: int, escapes: int, then: str) -> None:
        self._pieces.append(self._text[start : quote - escapes])
        self._pieces.append(then)

    def _backslashes_before(self, quote: int, start: int) -> int:
        before = self._text[start:quote]
        return len(before) - len(before.rstrip("\\"))

    def _is_escaped_by_backslash(self, quote: int) -> bool:
        text = self._text
        if text.startswith('"', quote + 1):  # \""
            return self._doubles_quotes is False or (not self._doubles_quotes and _ends_field(text, quote + 2))
        if self._doubles_quotes:  # a closing quote here must end the field; else the writer mixes both ways
            return not _ends_field(text, quote + 1)
        return True


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _ends_field(text: str, position: int) -> bool:
    return _END_OF_FIELD.match(text, position) is not None


def _encode_field(field: str) -> str:
    if not field:
        return ""
    if _NEEDS_QUOTES.isdisjoint(field) and field[0] != " " and field[-1] != " ":
        return field
    pieces = field.split('"')
    # Backslashes right before a quote are doubled, so that they do not escape it.
    return '"' + '\\"'.join(piece + _trailing_backslashes(piece) for piece in pieces) + '"'


def _trailing_backslashes(piece: str) -> str:
    return piece[len(piece.rstrip("\\")) :]
