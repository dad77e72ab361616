"""An ASGI application over TLS and over plain TCP, as curl and worse clients see it."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from certinel.api.server import HttpOptions, HttpServer
from certinel.gateway.limits import ListenerOptions
from certinel.gateway.listener import Listener
from certinel.gateway.tls import ServerTls, TlsOptions
from support.clock import START, MovableClock
from support.house import issue, rest_of, until


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it was asked, in pieces if the path says so."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(0.2)
    if scope["path"] == "/echo":
        answer = bytes(body)
    else:
        asked = {key: scope[key] for key in ("scheme", "client", "method", "path", "http_version")}
        answer = json.dumps(asked | {"body_bytes": len(body)}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for start in range(0, max(len(answer), 1), 100_000):
        await send({"type": "http.response.body", "body": answer[start : start + 100_000], "more_body": True})
    await send({"type": "http.response.body"})


@dataclass
class Web:
    """The application behind two ports."""

    service: HttpServer
    https: Listener
    http: Listener
    authority: str

    def url(self, scheme: str) -> str:
        return f"{scheme}://localhost:{(self.https if scheme == 'https' else self.http).port}"

    async def curl(self, *arguments: str, send: bytes = b"") -> bytes:
        process = await asyncio.create_subprocess_exec(
            "curl", "-sS", "-4", "--max-time", "20", "--cacert", self.authority, *arguments,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate(send)
        return printed


@pytest.fixture
async def web(tmp_path) -> AsyncIterator[Web]:
    server = issue("localhost")
    certificate, key = server.write(tmp_path, "server")
    service = HttpServer(
        echo, MovableClock(START), HttpOptions(keep_alive_seconds=5, stall_seconds=0.1, max_head_bytes=8192)
    )
    options = ListenerOptions(linger_seconds=0.2)
    tls = ServerTls(TlsOptions(certificate=certificate, key=key, ask_client_certificate=False))
    https = Listener(service.make_protocol, tls=tls, options=options)
    http = Listener(service.make_protocol, tls=None, options=options)
    await https.start("127.0.0.1", 0)
    await http.start("127.0.0.1", 0)
    yield Web(service, https, http, str(certificate))
    await asyncio.gather(https.close(0), http.close(0))
    await service.stop()


SCHEMES = pytest.mark.parametrize("scheme", ["https", "http"])


@SCHEMES
async def test_the_application_sees_scheme_and_client_as_they_are(web: Web, scheme: str) -> None:
    printed = await web.curl(
        "-H", "X-Forwarded-For: 192.0.2.1", "--local-port", "20000-60000", web.url(scheme) + "/a%20b"
    )
    asked = json.loads(printed)
    assert asked["scheme"] == scheme
    assert asked["client"][0] == "127.0.0.1"
    assert 20000 <= asked["client"][1] <= 60000
    assert (asked["method"], asked["path"]) == ("GET", "/a b")


@SCHEMES
async def test_a_connection_serves_several_requests(web: Web, scheme: str) -> None:
    url = web.url(scheme)
    printed = await web.curl(
        "-w", "%{num_connects}\n", "-o", "/dev/null", url, "-o", "/dev/null", url, "-o", "/dev/null", url
    )
    assert printed.split() == [b"1", b"0", b"0"]


@SCHEMES
@pytest.mark.parametrize("options", [[], ["-H", "Transfer-Encoding: chunked"]])
async def test_large_bodies_come_back_whole(web: Web, scheme: str, options: list[str]) -> None:
    body = bytes(range(250)) * 12_000
    printed = await web.curl("--data-binary", "@-", *options, web.url(scheme) + "/echo", send=body)
    assert printed == body


@SCHEMES
async def test_responses_carry_the_clocks_date_and_no_server(web: Web, scheme: str) -> None:
    printed = (await web.curl("-i", web.url(scheme))).decode()
    headers = dict(line.lower().split(": ", 1) for line in printed.split("\r\n\r\n")[0].split("\r\n")[1:])
    date: datetime = parsedate_to_datetime(headers["date"])
    assert date == START.replace(microsecond=0)
    assert "server" not in headers


async def test_http_1_0_and_no_keep_alive_end_the_connection(web: Web) -> None:
    assert json.loads(await web.curl("--http1.0", web.url("https")))["http_version"] == "1.0"
    assert b"connection: close" in await web.curl("-i", "-H", "Connection: close", web.url("https"))


async def test_plain_http_on_the_tls_port_gets_nothing(web: Web) -> None:
    assert b"curl: (" in await web.curl(f"http://localhost:{web.https.port}")


async def raw(web: Web, *parts: bytes, pause: float = 0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.http.port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause)
    try:
        return await rest_of(reader)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"y" * 90_000,
        b"GET /" + b"z" * 9000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 3000 + b"\r\n",
    ],
)
async def test_a_head_too_large_is_refused(web: Web, head: bytes) -> None:
    assert (await raw(web, head)).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


@pytest.mark.parametrize(
    "nonsense", [b"\x00\x01\x02\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
async def test_nonsense_is_a_bad_request(web: Web, nonsense: bytes) -> None:
    assert (await raw(web, nonsense)).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_head_that_dawdles_is_cut(web: Web) -> None:
    assert (await raw(web, b"GET / HTTP/1.1\r\n", b"a: b\r\n")).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_stops_is_cut(web: Web) -> None:
    assert await raw(web, b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n123") == b""


async def test_who_says_nothing_is_cut(web: Web) -> None:
    assert await raw(web) == b""


async def test_a_large_body_may_share_its_bytes_with_the_next_head(web: Web) -> None:
    post = b"POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60000
    last = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = await raw(web, post + post + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3


@SCHEMES
async def test_closing_lets_a_request_in_flight_finish(web: Web, scheme: str) -> None:
    asking = asyncio.create_task(web.curl(web.url(scheme) + "/slow"))
    listener = web.https if scheme == "https" else web.http
    await until(lambda: bool(web.service.state.tasks))
    await listener.close(grace_seconds=5)
    assert json.loads(await asking)["path"] == "/slow"
