"""From payloads to requests: static templates and their refusals."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.smartrest import CreateDevice, CreateMeasurement, Rejected, Request, Series, encode_row, parse
from certinel.smartrest.csv import rows
from certinel.smartrest.message_ids import TEMPLATES

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

TEMPERATURE = Series("c8y_Temperature", "T", 21.5, "C")

REQUESTS: list[tuple[str, Request]] = [
    ("100", CreateDevice(None, None)),
    ("100,,", CreateDevice(None, None)),
    ("100,Pump 7", CreateDevice("Pump 7", None)),
    ("100,,pump", CreateDevice(None, "pump")),
    ("100,Pump 7,pump,,,", CreateDevice("Pump 7", "pump")),
    ("200,c8y_Temperature,T,21.5,C", CreateMeasurement("200", "c8y_Temperature", None, (TEMPERATURE,))),
    (
        "200,c8y_Temperature,T,21.5,C,2026-11-23T12:00:00.000Z",
        CreateMeasurement("200", "c8y_Temperature", NOON, (TEMPERATURE,)),
    ),
    (
        "200,c8y_Temperature,T,25",
        CreateMeasurement("200", "c8y_Temperature", None, (Series("c8y_Temperature", "T", 25),)),
    ),
    (
        "200,c8y_Temperature,T,25,,2026-11-23T13:00:00+0100",
        CreateMeasurement("200", "c8y_Temperature", NOON, (Series("c8y_Temperature", "T", 25),)),
    ),
    (
        "201,c8y_Tank,2026-11-23T12:00:00Z,c8y_Level,L,1.5,m,c8y_Flow,F,2",
        CreateMeasurement("201", "c8y_Tank", NOON, (Series("c8y_Level", "L", 1.5, "m"), Series("c8y_Flow", "F", 2))),
    ),
    (
        "201,c8y_Tank,,c8y_Level,L,1.5,,c8y_Flow,F,2,l/s,,,,",
        CreateMeasurement("201", "c8y_Tank", None, (Series("c8y_Level", "L", 1.5), Series("c8y_Flow", "F", 2, "l/s"))),
    ),
    (
        "210,-90,23,2026-11-23T12:00:00Z",
        CreateMeasurement(
            "210",
            "c8y_SignalStrength",
            NOON,
            (Series("c8y_SignalStrength", "rssi", -90, "dBm"), Series("c8y_SignalStrength", "ber", 23, "%")),
        ),
    ),
    (
        "210,,23",
        CreateMeasurement("210", "c8y_SignalStrength", None, (Series("c8y_SignalStrength", "ber", 23, "%"),)),
    ),
    (
        "211,25",
        CreateMeasurement(
            "211", "c8y_TemperatureMeasurement", None, (Series("c8y_TemperatureMeasurement", "T", 25, "C"),)
        ),
    ),
    ("212,65.5", CreateMeasurement("212", "c8y_Battery", None, (Series("c8y_Battery", "level", 65.5, "%"),))),
]

REFUSALS = [
    ("999,foo", "40,999,No static template for this message id"),
    ("300,foo", "40,300,No static template for this message id"),
    ("0200,foo", "40,0200,No static template for this message id"),
    ('200,"c8y_Temperature', "42,200,Malformed Request"),
    ('200,c8y_Temperature,"T"x,1', "42,200,Malformed Request"),
    ('"200', "42,,Malformed Request"),
    (",a", "43,,Invalid message identifier"),
    ('""', "43,,Invalid message identifier"),
    ("abc,1", "43,abc,Invalid message identifier"),
    ("-200,1", "43,-200,Invalid message identifier"),
    ("٢٠٠,1", "43,٢٠٠,Invalid message identifier"),
    ("12345678901", "43,12345678901,Invalid message identifier"),
    ("9" * 100, "43," + "9" * 64 + "...,Invalid message identifier"),
    ("100,a,b,c", "45,100,Wrong number of arguments"),
    ("200", "45,200,Wrong number of arguments"),
    ("200,f,s", "45,200,Wrong number of arguments"),
    ("200,,s,1", "45,200,Wrong number of arguments"),
    ("200,f,,1", "45,200,Wrong number of arguments"),
    ("200,f,s,,C", "45,200,Wrong number of arguments"),
    ("200,f,s,abc", "45,200,Value is not a NUMBER: abc"),
    ('200,f,s,"1,5"', '45,200,"Value is not a NUMBER: 1,5"'),
    ("200,f,s," + "x" * 100, "45,200,Value is not a NUMBER: " + "x" * 64 + "..."),
    ("200,f,s,1,C,now", "45,200,Value is not a DATE: now"),
    ("200,source,s,1", "45,200,Fragment name is reserved: source"),
    ("201,c8y_Tank", "45,201,Wrong number of arguments"),
    ("201,c8y_Tank,,,,", "45,201,Wrong number of arguments"),
    ("201,,,f,s,1", "45,201,Wrong number of arguments"),
    ("201,c8y_Tank,,f,s", "45,201,Wrong number of arguments"),
    ("201,c8y_Tank,,f,s,1,C,,,,,g,s,2", "45,201,Wrong number of arguments"),
    ("201,c8y_Tank,,f,s,1,C,time,s,2", "45,201,Fragment name is reserved: time"),
    ("210", "45,210,Wrong number of arguments"),
    ("211,hot", "45,211,Value is not a NUMBER: hot"),
]


@pytest.mark.parametrize(("row", "expected"), REQUESTS)
def test_requests(row: str, expected: Request) -> None:
    assert parse(row.encode()) == [expected]


@pytest.mark.parametrize(("row", "expected"), REFUSALS)
def test_refusals(row: str, expected: str) -> None:
    (refused,) = parse(row.encode())
    assert isinstance(refused, Rejected)
    assert refused.row() == expected


def test_every_template_is_shown_by_an_example() -> None:
    assert {row.split(",")[0] for row, _ in REQUESTS} == set(TEMPLATES)


def test_rows_are_answered_in_their_order() -> None:
    first, second, third = parse(b"100\n999,x\n211,25\n")
    assert first == CreateDevice(None, None)
    assert second == Rejected.unknown_template("999")
    assert isinstance(third, CreateMeasurement)


def test_an_empty_payload_asks_for_nothing() -> None:
    assert parse(b"") == []
    assert parse(b"\r\n\n") == []


def test_a_payload_that_is_not_utf8_is_refused_as_one() -> None:
    assert [refused.row() for refused in parse(b"100,a\n\xff\xfe\n") if isinstance(refused, Rejected)] == [
        "42,,Malformed Request"
    ]


def test_a_row_with_nul_is_malformed() -> None:
    assert parse(b"200,f\0,s,1") == [Rejected.malformed("200")]


@given(st.one_of(st.binary(), st.text(alphabet='",\\\n\r\0 abs0129.').map(lambda text: ("200," + text).encode())))
def test_any_bytes_are_answered_with_requests_and_bounded_error_lines(payload: bytes) -> None:
    for result in parse(payload):
        if isinstance(result, Rejected):
            assert len(result.row()) < 400
            assert list(rows(result.row())) == [[str(result.code.value), result.message_id, result.text]]


@given(st.text(min_size=1, alphabet=st.characters(exclude_characters="\0", codec="utf-8")))
def test_a_name_arrives_as_it_was_sent(name: str) -> None:
    assert parse(encode_row(["100", name]).encode()) == [CreateDevice(name, None)]
