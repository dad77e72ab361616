"""Forms with files: whatever is sent is read, or refused as no form."""

import gc
import warnings
from typing import Any

import httpx
import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from certinel.api.multipart_body import is_form, parts_of
from certinel.api.problems import MalformedBodyError


def request_with(content_type: str) -> Request:
    headers = [(b"content-type", content_type.encode("latin-1"))]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers})


async def parts_sent(**sent: Any) -> dict[str, bytes]:
    request = httpx.Request("POST", "https://localhost", **sent)
    return dict(await parts_of(request_with(request.headers["content-type"]), request.read()))


async def test_files_and_fields_are_parts_alike() -> None:
    sent = {"file": ("chain.pem", b"-----BEGIN"), "tenantId": (None, "t1000")}
    assert await parts_sent(files=sent) == {"file": b"-----BEGIN", "tenantId": b"t1000"}


async def test_first_of_several_parts_of_one_name_counts() -> None:
    assert await parts_sent(files=[("file", b"one"), ("file", b"two")]) == {"file": b"one"}


async def test_too_many_parts_are_refused() -> None:
    with pytest.raises(MalformedBodyError):
        await parts_sent(files=[("file", b"x")] * 17)


async def test_form_that_ends_inside_its_last_file_leaves_no_file_open() -> None:
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nno end'
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert await parts_of(request_with("multipart/form-data; boundary=x"), cut) == {}
        gc.collect()
    assert warned == []


@pytest.mark.parametrize(
    ("content_type", "is_one"),
    [
        ("multipart/form-data; boundary=x", True),
        ("Multipart/Form-Data", True),
        ("application/json", False),
        ("", False),
    ],
)
def test_form_is_known_by_its_media_type(content_type: str, is_one: bool) -> None:
    assert is_form(request_with(content_type)) == is_one


@given(
    st.sampled_from(["; boundary=x", "", "; boundary=", "; boundary=x; charset=hex", "; boundary=\xff", "; charset=é"]),
    st.lists(
        st.binary(max_size=20)
        | st.sampled_from(
            [b"--x\r\n", b"--x--", b"\r\n\r\n", b'Content-Disposition: form-data; name="file"', b'; filename="a"']
        ),
        max_size=12,
    ),
)
async def test_any_bytes_are_a_form_or_refused(parameters: str, pieces: list[bytes]) -> None:
    request = request_with("multipart/form-data" + parameters)
    try:
        parts = await parts_of(request, b"".join(pieces))
    except MalformedBodyError:
        return
    assert all(isinstance(content, bytes) for content in parts.values())
