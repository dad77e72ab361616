"""Lists as files for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.responses import Response

from certinel.ui.files import download

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so would be carried out by the program that opens the file; strangers choose some cells."""


def csv_file(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Answer with a CSV file of ``rows``; what could be taken for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return download("\ufeff" + text.getvalue(), "text/csv; charset=utf-8", name, ".csv")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text
