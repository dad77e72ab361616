"""Reading tables of devices, whatever saved them."""

import codecs
import contextlib
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certinel.domain.device_table import (
    MAX_COLUMNS,
    MAX_FIELD_CHARACTERS,
    MAX_LINE_CHARACTERS,
    DeviceTable,
    EncodingFinder,
    UnusableTableError,
)


def rows_of(text: str) -> list[tuple[str, ...]]:
    return [row.cells for row in DeviceTable(text.splitlines(keepends=True)).rows()]


def encoding_of(pieces: Iterable[bytes]) -> str:
    finder = EncodingFinder()
    for piece in pieces:
        finder.feed(piece)
    return finder.encoding()


@given(st.lists(st.text(alphabet=st.sampled_from('a";,\t\n\r\0ä '), max_size=20), max_size=20))
def test_any_text_is_a_table_or_unusable(lines: list[str]) -> None:
    with contextlib.suppress(UnusableTableError):
        for row in DeviceTable(lines).rows():
            assert any(cell.strip() for cell in row.cells)


@given(st.binary(max_size=50), st.integers(1, 7))
@example("ä".encode(), 1)
@example("ä".encode("cp1252"), 1)
@example(b"\xc3", 1)
def test_pieces_of_any_size_have_the_encoding_of_the_whole(content: bytes, size: int) -> None:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    try:
        whole = encoding_of([content])
    except UnusableTableError:
        with pytest.raises(UnusableTableError):
            encoding_of(pieces)
    else:
        assert encoding_of(pieces) == whole
        assert isinstance(content.decode(whole), str)


def test_half_a_character_at_the_end_is_not_utf_8() -> None:
    assert encoding_of([b"ID\n\xc3"]) == "cp1252"


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_utf_16_is_refused_by_name(mark: bytes) -> None:
    with pytest.raises(UnusableTableError, match="UTF-16"):
        encoding_of([mark])


def test_separator_is_the_one_most_frequent_in_the_first_line() -> None:
    assert DeviceTable(["ID;a,b;c\n"]).headings == ("ID", "a,b", "c")
    assert DeviceTable(["ID,a;b,c\n"]).headings == ("ID", "a;b", "c")
    assert DeviceTable(["ID\ta;b\tc\n"]).headings == ("ID", "a;b", "c")


def test_separators_inside_quotes_do_not_count() -> None:
    assert DeviceTable(['"a,b,c,d";"ID"\n']).headings == ("a,b,c,d", "ID")


def test_headings_are_trimmed() -> None:
    assert DeviceTable([' ID ; "NAME" \n']).headings[0] == "ID"


def test_quoted_fields_hold_separators_quotes_and_line_ends() -> None:
    assert rows_of('ID;NAME\nx;"a;""b""\nc"\n') == [("x", 'a;"b"\nc')]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line(end: str) -> None:
    assert rows_of(f"ID;NAME{end}x;y{end}{end}z;w") == [("x", "y"), ("z", "w")]


def test_rows_know_their_lines() -> None:
    table = DeviceTable('\nID;NAME\n\na;"1\n2"\nb;3\n'.splitlines(keepends=True))
    assert [row.line for row in table.rows()] == [4, 6]


def test_quote_that_is_never_closed_ends_at_the_limit_of_a_field() -> None:
    table = DeviceTable(["ID;NAME\n", 'a;"\n', *["b;c\n"] * 100_000])
    with pytest.raises(UnusableTableError, match="Line 2"):
        list(table.rows())


def test_too_long_a_field_is_named_by_line_and_column() -> None:
    table = DeviceTable(["ID;NAME\n", "a;" + "x" * (MAX_FIELD_CHARACTERS + 1)])
    with pytest.raises(UnusableTableError, match="Line 2, column 2"):
        list(table.rows())


def test_too_long_a_line_is_not_read() -> None:
    with pytest.raises(UnusableTableError, match="Line 1 has more than"):
        DeviceTable(["x" * (MAX_LINE_CHARACTERS + 1)])


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(UnusableTableError, match="columns"):
        DeviceTable([";".join(["ID"] * (MAX_COLUMNS + 1))])


@pytest.mark.parametrize("lines", [[], ["\n", " \r\n"]])
def test_nothing_is_no_table(lines: list[str]) -> None:
    with pytest.raises(UnusableTableError, match="CSV file contained empty dataset"):
        DeviceTable(lines)
