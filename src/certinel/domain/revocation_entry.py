"""Entries of a tenant's revocation list, as clients write them: JSON and CSV of the contract (rest.md section 4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.revocation import serial_text

MAX_SERIAL_OCTETS: Final = 64
"""RFC 5280, 4.1.2.2 allows 20; some CAs do not keep to it."""
MAX_ROWS: Final = 5000
"""Entries of one CSV file, as the contract has it."""
MAX_LINES: Final = 4 * MAX_ROWS
"""With blank ones; a file of nothing else would take seconds."""

_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", re.ASCII)
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_SEPARATOR: Final = re.compile(r"[,;\t]")
_COLUMNS: Final = 2
"""What stands behind them does not matter."""
_SHOWN_CHARACTERS: Final = 80


class UnacceptableRevocationError(DeviceIdentityError):
    """What is to be revoked cannot be read; the message says which entry and why."""

    code = "revocation-entry/unacceptable"


class UnsupportedDateError(DeviceIdentityError):
    """A date is not of the one form that the contract takes."""

    code = "revocation-entry/unsupported-date"

    def __init__(self) -> None:
        super().__init__("Unsupported date time format, supported format:yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEntry:
    """One certificate that is revoked, or, without an issuer, all that have this serial number."""

    serial: int
    revoked_at: datetime
    issuer: bytes | None = field(default=None, repr=False)
    """DER of the issuer's name."""

    @property
    def serial_text(self) -> str:
        """The serial number in hexadecimal, lower case, without leading zeros."""
        return serial_text(self.serial)

    @classmethod
    def read(cls, serial: str | None, date: str | None, at: datetime) -> Self:
        """Read an entry without issuer; a date that is missing or has not come yet is replaced by ``at``.

        Raises:
            UnacceptableRevocationError: the serial number is missing or is none.
            UnsupportedDateError: the date is not of the contract's form, or there is no such day.
        """
        return cls(serial=read_serial(serial), revoked_at=read_date(date, at))


def read_serial(text: str | None) -> int:
    """Read a serial number: hexadecimal in any case, with or without ``0x``, colons and leading zeros."""
    written = (text or "").strip()
    digits = written.removeprefix("0x").removeprefix("0X").replace(":", "")
    if not digits:
        raise UnacceptableRevocationError("A serial number is missing (serialNumberInHex).")
    if not _HEXADECIMAL.fullmatch(digits):
        raise UnacceptableRevocationError(f"{_shown(written)} is no serial number: hexadecimal digits are expected.")
    significant = digits.lstrip("0")
    if len(significant) > 2 * MAX_SERIAL_OCTETS:
        raise UnacceptableRevocationError(f"{_shown(written)} has more than {MAX_SERIAL_OCTETS} bytes.")
    return int(significant or "0", 16)


def read_date(text: str | None, at: datetime) -> datetime:
    """Read the contract's form of a date; nothing, and a moment after ``at``, become ``at``."""
    written = (text or "").strip()
    if not written:
        return at
    if not _DATE.fullmatch(written):
        raise UnsupportedDateError
    try:
        return min(datetime.fromisoformat(written.removesuffix("Z")).replace(tzinfo=UTC), at)
    except ValueError:
        raise UnsupportedDateError from None


def read_csv(content: bytes, at: datetime) -> Sequence[RevocationEntry]:
    """Read a CSV file: a line of any headings, then a serial number and perhaps a date on each line.

    Columns count by position; line ends, quotes, blank lines and a byte order mark do not matter. A first line that
    begins with a serial number is no heading: nobody's revocation is skipped.

    Raises:
        UnacceptableRevocationError, UnsupportedDateError: naming the line; then no line counts.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnacceptableRevocationError(f"The file is not UTF-8: byte {error.start}.") from None
    lines = _LINE_END.split(text, MAX_LINES)
    if len(lines) > MAX_LINES:
        raise UnacceptableRevocationError(f"The file has more than {MAX_LINES} lines.")
    entries: list[RevocationEntry] = []
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip(' "\t') for cell in _SEPARATOR.split(line, _COLUMNS)]
        if not any(cells) or (number == 1 and not _looks_like_entry(cells)):
            continue
        if len(entries) == MAX_ROWS:
            raise UnacceptableRevocationError(f"The file has more than {MAX_ROWS} entries.")
        try:
            entries.append(RevocationEntry.read(cells[0], cells[1] if len(cells) > 1 else None, at))
        except UnacceptableRevocationError as error:
            raise UnacceptableRevocationError(f"Line {number}: {error}") from None
    return entries


def _looks_like_entry(cells: Sequence[str]) -> bool:
    digits = cells[0].removeprefix("0x").replace(":", "")
    return bool(_HEXADECIMAL.fullmatch(digits)) and any(character.isdigit() for character in digits)


def _shown(text: str) -> str:
    return repr(text[:_SHOWN_CHARACTERS])
