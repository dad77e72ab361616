"""Serial numbers, dates and CSV files of the contract."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.revocation_entry import (
    MAX_LINES,
    MAX_ROWS,
    RevocationEntry,
    UnacceptableRevocationError,
    UnsupportedDateError,
    read_csv,
    read_date,
    read_serial,
)

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DATE = "2023-01-11T16:12:36.288Z"
READ = datetime(2023, 1, 11, 16, 12, 36, 288_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        ("1000", 0x1000),
        ("8ab34fe5476", 0x8AB34FE5476),
        ("8A:B3:4F:E5:47:06", 0x8AB34FE54706),
        ("0x1953D9222CD", 0x1953D9222CD),
        ("0X0001", 1),
        ("00:0a", 10),
        (" 7f ", 0x7F),
        ("0", 0),
        ("0000", 0),
        ("0" * 500 + "1", 1),
        ("f" * 128, 2**512 - 1),
    ],
)
def test_serial_is_read_as_a_number(text: str, serial: int) -> None:
    assert read_serial(text) == serial


@pytest.mark.parametrize("text", [None, "", "  ", "0x", ":", "xyz", "-1", "1 2", "١", "1" + "0" * 128, "0x0x1", "1.5"])
def test_what_is_no_serial_is_refused(text: str | None) -> None:
    with pytest.raises(UnacceptableRevocationError):
        read_serial(text)


@pytest.mark.parametrize(
    ("text", "date"),
    [(DATE, READ), (None, AT), ("", AT), ("2030-01-01T00:00:00.000Z", AT), ("9999-12-31T23:59:59.999Z", AT)],
)
def test_date_is_read_and_a_future_one_is_now(text: str | None, date: datetime) -> None:
    assert read_date(text, AT) == date


@pytest.mark.parametrize(
    "text",
    [
        "2023-01-11",
        "2023-01-11T16:12:36Z",
        "2023-01-11T16:12:36.28Z",
        "2023-01-11T16:12:36.288+00:00",
        "2023-01-11 16:12:36.288Z",
        "2023-02-30T00:00:00.000Z",
        "2023-01-11T25:00:00.000Z",
        "2023-01-11t16:12:36.288z",
        "11/01/2023",
        "0000-01-01T00:00:00.000Z",
        "yesterday",
    ],
)
def test_date_of_any_other_form_is_refused_in_the_words_of_the_contract(text: str) -> None:
    with pytest.raises(UnsupportedDateError) as refused:
        read_date(text, AT)
    assert str(refused.value) == "Unsupported date time format, supported format:yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"


def entry(serial: int, revoked_at: datetime = AT) -> RevocationEntry:
    return RevocationEntry(serial=serial, revoked_at=revoked_at)


@pytest.mark.parametrize(
    "content",
    [
        f"SERIALNO,DATE\n1000,{DATE}\n1001",
        f"SERIAL NO.,REVOCATION DATE\r\n1000,{DATE}\r\n1001\r\n",
        f"\ufeffSERIAL NO. / REVOCATION DATE\n1000;{DATE}\n1001;\n\n",
        f"whatever\r0x1000 , {DATE} ,more\r10:01,",
        f'"a","b"\n"1000","{DATE}"\n\n,\n"1001"\n',
        f"\n1000,{DATE}\n1001\n",
        f"1000,{DATE}\n1001\n",
    ],
)
def test_csv_is_read_by_position_whatever_its_headings_and_line_ends(content: str) -> None:
    assert read_csv(content.encode(), AT) == [entry(0x1000, READ), entry(0x1001)]


@pytest.mark.parametrize("content", ["", "SERIALNO,DATE", "SERIALNO,DATE\r\n", "\n\n\n"])
def test_csv_without_rows_has_no_entries(content: str) -> None:
    assert read_csv(content.encode(), AT) == []


@pytest.mark.parametrize("content", [b"SERIALNO,DATE\n,2023-01-11T16:12:36.288Z\n", b"H\n1000\nxyz\n", b"H\n\xff\n"])
def test_csv_with_a_row_that_cannot_be_read_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(UnacceptableRevocationError):
        read_csv(content, AT)


def test_fault_in_a_csv_names_its_line() -> None:
    with pytest.raises(UnacceptableRevocationError, match="Line 3: "):
        read_csv(b"H\n1000\nxyz\n", AT)


def test_csv_may_have_five_thousand_rows_and_no_more() -> None:
    rows = "\n".join(f"{number:x}" for number in range(1, MAX_ROWS + 1))
    assert len(read_csv(f"SERIALNO\n{rows}\n".encode(), AT)) == MAX_ROWS
    with pytest.raises(UnacceptableRevocationError, match="5000"):
        read_csv(f"SERIALNO\n{rows}\nffffff\n".encode(), AT)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_csv_has_no_end_of_blank_lines(line_end: str) -> None:
    assert read_csv(line_end.join(["SERIALNO", *[""] * (MAX_LINES - 2), "7f"]).encode(), AT)[0].serial == 0x7F
    with pytest.raises(UnacceptableRevocationError, match="lines"):
        read_csv(line_end.join(["SERIALNO", *[""] * (MAX_LINES - 1), "7f"]).encode(), AT)


@given(st.binary() | st.text(alphabet='0123456789abcdefx:;,"\r\n\t -TZ.').map(str.encode))
def test_any_csv_gives_entries_or_a_refusal(content: bytes) -> None:
    try:
        entries = read_csv(content, AT)
    except (UnacceptableRevocationError, UnsupportedDateError):
        return
    assert all(one.revoked_at <= AT for one in entries)


@given(st.integers(0, 2**160), st.datetimes(datetime(1, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001 - made aware below
def test_what_is_written_is_read_back(serial: int, naive: datetime) -> None:
    date = naive.replace(tzinfo=UTC, microsecond=0) + timedelta(milliseconds=naive.microsecond // 1000)
    text = date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert RevocationEntry.read(f"{serial:X}", text, AT) == entry(serial, date)
