"""Paths and methods as clients send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from certinel.api.paths import SegmentConvertor, canonical_path, effective_method
from certinel.api.problems import MalformedPathError


def test_encoded_slash_stays_inside_its_segment() -> None:
    assert canonical_path(b"/identity/externalIds/c8y_Serial/a%2Fb") == "/identity/externalIds/c8y_Serial/a%2Fb"


def test_plain_and_encoded_colon_are_the_same_path() -> None:
    assert canonical_path(b"/x/urn:a") == canonical_path(b"/x/urn%3Aa")


@pytest.mark.parametrize("path", [b"/tenant/options", b"/tenant/options/"])
def test_trailing_slash_is_dropped(path: bytes) -> None:
    assert canonical_path(path) == "/tenant/options"


def test_root_stays_the_root() -> None:
    assert canonical_path(b"/") == "/"


@pytest.mark.parametrize("path", [b"/a%00b", b"/%ff", b"/\xff"])
def test_path_that_is_no_text_is_malformed(path: bytes) -> None:
    with pytest.raises(MalformedPathError):
        canonical_path(path)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_segment_comes_back_decoded(value: str) -> None:
    convertor = SegmentConvertor()
    path = canonical_path(b"/x/" + convertor.to_string(value).encode())
    assert convertor.convert(path.removeprefix("/x/")) == value


@given(st.binary())
def test_any_bytes_give_a_path_or_a_malformed_path(raw: bytes) -> None:
    try:
        path = canonical_path(b"/" + raw)
    except MalformedPathError:
        return
    assert path.isascii()


@pytest.mark.parametrize(
    ("method", "header", "meant"),
    [
        ("HEAD", None, "GET"),
        ("POST", "PUT", "PUT"),
        ("POST", "put", "PUT"),
        ("POST", "DELETE", "POST"),
        ("GET", "PUT", "GET"),
        ("DELETE", None, "DELETE"),
    ],
)
def test_method_that_is_meant(method: str, header: str | None, meant: str) -> None:
    headers = Headers({} if header is None else {"X-HTTP-METHOD": header})
    assert effective_method(method, headers) == meant
