"""What only a real connection shows: bytes on the wire, bodies nobody reads, connections that go on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from certinel.api.json_body import MAX_BODY_BYTES
from certinel.api.server import HttpServer
from integration.api.conftest import ON_ONE_ENGINE, TENANT, Site
from support.platforms import ADMIN_PASSWORD

LIST = f"/tenant/tenants/{TENANT}/trusted-certificates"
PATIENCE_SECONDS = 20

pytestmark = ON_ONE_ENGINE


@dataclass
class Wire:
    """One TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, *lines: str, body: bytes = b"") -> None:
        head = "\r\n".join([lines[0], "Host: iot.example.org", *lines[1:], "", ""])
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        status, *headers = raw.decode().rstrip().split("\r\n")
        pairs = (header.partition(": ") for header in headers)
        return int(status.split()[1]), {name.lower(): value for name, _, value in pairs}

    async def answer(self) -> tuple[int, bytes]:
        status, headers = await self.head()
        return status, await self.reader.readexactly(int(headers.get("content-length", "0")))


@pytest.fixture
async def port(site: Site) -> AsyncIterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(
        HttpServer(site.app, site.platform.clock).make_protocol, sock=listening
    )
    yield listening.getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.fixture
async def wire(port: int) -> AsyncIterator[Wire]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    yield wire
    wire.writer.close()
    await wire.writer.wait_closed()


async def test_head_sends_the_length_of_get_and_not_one_byte_of_it(wire: Wire) -> None:
    await wire.ask("GET /health HTTP/1.1")
    _, body = await wire.answer()
    await wire.ask("HEAD /health HTTP/1.1")
    _, headers = await wire.head()
    assert headers["content-length"] == str(len(body))
    await wire.ask("GET /health HTTP/1.1")
    assert await wire.answer() == (200, body)


async def test_body_of_nobody_does_not_spoil_the_connection(wire: Wire) -> None:
    body = b"x" * 300_000
    await wire.ask(f"POST {LIST} HTTP/1.1", f"Content-Length: {len(body)}", body=body)
    assert (await wire.answer())[0] == 401
    await wire.ask("GET /health HTTP/1.1")
    assert (await wire.answer())[0] == 200


async def test_nobody_is_not_asked_for_the_body(wire: Wire) -> None:
    await wire.ask(f"POST {LIST} HTTP/1.1", "Content-Length: 100", "Expect: 100-continue")
    assert (await wire.head())[0] == 401


async def test_body_that_would_be_too_large_is_not_waited_for(wire: Wire) -> None:
    authorization = f"Authorization: {httpx.BasicAuth('t1000/admin', ADMIN_PASSWORD)._auth_header}"
    await wire.ask(f"POST {LIST} HTTP/1.1", authorization, f"Content-Length: {MAX_BODY_BYTES + 1}")
    assert (await wire.head())[0] == 413


@pytest.mark.parametrize("value", ["a/b", "urn:x:y", "Grüße", "50%"])
async def test_encoded_external_id_arrives_as_it_was_meant(site: Site, port: int, value: str) -> None:
    await site.add_object("admin", value)
    encoded = "".join(f"%{byte:02x}" for byte in value.encode())
    auth = httpx.BasicAuth("t1000/admin", ADMIN_PASSWORD)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", auth=auth) as client:
        response = await client.get(f"/identity/externalIds/c8y_Serial/{encoded}")
        assert (response.status_code, response.json()["externalId"]) == (200, value)
        assert response.json()["self"].startswith(f"http://127.0.0.1:{port}/")


async def test_server_does_not_say_what_it_is_made_of(wire: Wire) -> None:
    await wire.ask("GET /nothing HTTP/1.1")
    _, headers = await wire.head()
    assert "server" not in headers
