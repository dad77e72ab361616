"""Fields as numbers, moments and names."""

import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.smartrest.errors import ArgumentError
from certinel.smartrest.values import fragment, moment, number


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("25", 25),
        ("-3", -3),
        ("+3", 3),
        ("007", 7),
        ("21.5", 21.5),
        ("21.", 21.0),
        (".5", 0.5),
        ("-1.5e-3", -0.0015),
        ("1E+3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", float(2**63)),
    ],
)
def test_numbers(field: str, expected: float) -> None:
    value = number(field)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "field",
    [
        "abc",
        "nan",
        "inf",
        "-inf",
        "1_000",
        "0x10",
        "1,5",
        "1 0",
        "1e",
        "e1",
        ".",
        "+",
        "--1",
        "1e999",
        "٣",
        "1\n",
        "1" * 65,
    ],
)
def test_what_is_no_number(field: str) -> None:
    with pytest.raises(ArgumentError, match=r"^Value is not a NUMBER: "):
        number(field)


@pytest.mark.parametrize(
    "field",
    [
        "2016-06-22T17:03:14.000+02:00",
        "2016-06-22T17:03:14+0200",
        "2016-06-22T17:03:14+02",
        "2016-06-22T15:03:14Z",
        "2016-06-22T15:03:14.000Z",
        "2016-06-22T15:03:14.000000000Z",
        "2016-06-22T10:03:14.0-05:00",
    ],
)
def test_ways_to_write_one_moment(field: str) -> None:
    assert moment(field) == datetime(2016, 6, 22, 15, 3, 14, tzinfo=UTC)
    assert moment(field).utcoffset() == timedelta(0)


def test_seconds_may_be_left_out() -> None:
    assert moment("2016-06-22T15:03Z") == datetime(2016, 6, 22, 15, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "field",
    [
        "yesterday",
        "2016-06-22",
        "2016-06-22T17:03:14",
        "2016-06-22 17:03:14Z",
        "2016-02-30T00:00:00Z",
        "2016-06-22T25:00:00Z",
        "2016-06-22T17:03:14+25:00",
        "20160622T170314Z",
        "2016-W25-3T17:03:14Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1899-12-31T23:59:59Z",
        "٢٠١٦-06-22T17:03:14Z",
    ],
)
def test_what_is_no_moment(field: str) -> None:
    with pytest.raises(ArgumentError, match=r"^Value is not a DATE: "):
        moment(field)


@pytest.mark.parametrize("name", ["id", "self", "source", "time", "type"])
def test_a_fragment_may_not_replace_what_a_measurement_has_itself(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"^Fragment name is reserved: {name}$"):
        fragment(name)


@given(st.one_of(st.text(), st.text(alphabet="0123456789+-.eEnaif_")))
def test_any_text_is_a_finite_number_or_an_argument_error(field: str) -> None:
    with suppress(ArgumentError):
        assert math.isfinite(number(field))


@given(st.one_of(st.text(), st.text(alphabet="0129-:TZ.+"), st.datetimes(timezones=st.timezones()).map(str)))
def test_any_text_is_a_moment_or_an_argument_error(field: str) -> None:
    with suppress(ArgumentError):
        assert moment(field).tzinfo is UTC


@given(st.datetimes(datetime(1900, 1, 1), datetime(9998, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC)))  # noqa: DTZ001 - hypothesis wants naive limits
def test_every_moment_in_range_reads_back(value: datetime) -> None:
    assert moment(value.isoformat()) == value
