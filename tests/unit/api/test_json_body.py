"""Strict JSON that databases can store."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.api.json_body import MAX_DEPTH, check_media_type, parse_json
from certinel.api.problems import MalformedBodyError, UnsupportedBodyError


def test_raw_line_break_in_a_string_is_named() -> None:
    body = b'{"name": "a",\n "certInPemFormat": "-----BEGIN CERTIFICATE-----\nMIIB"}'
    with pytest.raises(MalformedBodyError, match=r"raw line break inside a string at line 2"):
        parse_json(body)


def test_carriage_return_in_a_string_is_named() -> None:
    with pytest.raises(MalformedBodyError, match="raw line break"):
        parse_json(b'{"a": "b\r\nc"}')


def test_other_control_character_is_not_called_a_line_break() -> None:
    with pytest.raises(MalformedBodyError, match=r"^(?!.*line break)"):
        parse_json(b'{"a": "b\x01"}')


def test_empty_body_is_named() -> None:
    with pytest.raises(MalformedBodyError, match="empty"):
        parse_json(b"")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[NaN]",
        b"[-Infinity]",
        b"[1e999]",
        b"[" + b"1" * 5000 + b"]",
        b'["\\u0000"]',
        b'{"\\u0000": 1}',
        b'["\\ud800"]',
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"{} {}",
    ],
)
def test_what_cannot_be_stored_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse_json(body)


def test_deepest_allowed_body_is_read() -> None:
    parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_byte_order_mark_is_no_part_of_the_body() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@given(st.binary())
def test_any_bytes_are_read_or_malformed(body: bytes) -> None:
    try:
        value = parse_json(body)
    except MalformedBodyError:
        return
    json.dumps(value, allow_nan=False).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=20,
)


@given(json_values)
def test_storable_json_comes_back(value: object) -> None:
    body = json.dumps(value, allow_nan=False)
    if "\\u0000" in body or "\\ud" in body:
        return
    assert parse_json(body.encode()) == value


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/vnd.com.nsn.cumulocity.managedObject+json;ver=0.9;charset=UTF-8;",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ],
)
def test_bodies_that_may_hold_json_are_read(content_type: str) -> None:
    check_media_type(content_type)


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/xml", "TEXT/HTML"])
def test_bodies_that_say_they_are_something_else_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedBodyError):
        check_media_type(content_type)
