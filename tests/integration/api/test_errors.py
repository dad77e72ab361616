"""Every failure has the contract's shape and tells nothing of the inside."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from certinel.api.json_body import MAX_BODY_BYTES
from integration.api.conftest import ON_ONE_ENGINE, TENANT, Site

pytestmark = ON_ONE_ENGINE

LIST = f"/tenant/tenants/{TENANT}/trusted-certificates"


def assert_shape(response: httpx.Response, status: int, error: str | None = None) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == ("application/vnd.com.nsn.cumulocity.error+json;ver=0.9;charset=UTF-8")
    body = response.json()
    assert set(body) == {"error", "message", "info"}
    assert body["message"]
    assert body["info"] == "https://www.cumulocity.com/guides/reference-guide/#error_reporting"
    if error is not None:
        assert body["error"] == error


@pytest.mark.parametrize("path", ["/", "/nothing", "/tenant", "/tenant/options/a/b/c", "//", "/tenant%2Foptions"])
async def test_unknown_path_is_not_found(site: Site, path: str) -> None:
    assert_shape(await site.nobody.get(path), 404)


async def test_unknown_method_names_those_that_there_are(site: Site) -> None:
    response = await site.nobody.patch(LIST)
    assert_shape(response, 405)
    assert response.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/%00", "/%ff", "/tenant/options/a/%00", "/tenant/options?pageSize=%00"])
async def test_what_is_no_text_is_a_bad_request(site: Site, path: str) -> None:
    assert_shape(await site.admin.get(path), 400)


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/xml"])
async def test_body_that_is_not_json_is_unsupported(site: Site, content_type: str) -> None:
    response = await site.admin.post(LIST, content=b"x", headers={"content-type": content_type})
    assert_shape(response, 415)


async def test_body_that_says_it_is_too_large_is_not_read(site: Site) -> None:
    headers = {"content-length": str(MAX_BODY_BYTES + 1)}
    assert_shape(await site.admin.post(LIST, content=b"{}", headers=headers), 413)


async def test_body_that_turns_out_too_large_is_not_read_on(site: Site) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 65536

    assert_shape(await site.admin.post(LIST, content=endless()), 413)
    assert sent <= MAX_BODY_BYTES // 65536 + 2


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"nul", b'{"a": NaN}', b'{"a": "\n"}', b"[" * 100_000, b'{"name": "\\u0000"}']
)
async def test_malformed_json_is_a_bad_request(site: Site, body: bytes) -> None:
    assert_shape(await site.admin.post(LIST, content=body), 400)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b"{}"])
async def test_json_of_another_form_is_unprocessable(site: Site, body: bytes) -> None:
    assert_shape(await site.admin.post(LIST, content=body), 422, "tenants/Unprocessable Entity")


async def test_unexpected_error_tells_only_where_to_look(site: Site) -> None:
    async with site.platform.database.transaction() as tx:
        await tx.execute(text("DROP TABLE tenant_option"))
    response = await site.admin.get("/tenant/options")
    assert_shape(response, 500, "general/Internal Server Error")
    assert "tenant_option" not in response.text
    assert response.headers["x-request-id"] in response.json()["message"]


async def test_node_with_its_database_is_ready(site: Site) -> None:
    assert (await site.nobody.get("/health/ready")).json() == {"status": "UP"}


@contextmanager
def folder_in_place_of(file: str) -> Iterator[None]:
    """A path that no database can be opened at."""
    path = Path(file)
    path.unlink()
    path.mkdir()
    yield
    path.rmdir()
    path.touch()


async def test_node_without_its_database_lives_but_is_not_ready(site: Site) -> None:
    await site.platform.database.close()
    with folder_in_place_of(site.platform.database.place):
        assert_shape(await site.nobody.get("/health/ready"), 503)
        assert (await site.nobody.get("/health")).status_code == 200


async def test_database_that_cannot_be_reached_is_no_fault_of_the_caller(site: Site) -> None:
    await site.platform.database.close()
    with folder_in_place_of(site.platform.database.place):
        response = await site.admin.get("/tenant/options")
    assert_shape(response, 503, "general/Service Unavailable")
    assert site.platform.database.place not in response.text
