"""Every test here runs on both event loops: the node uses uvloop where it is to be had."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from certinel.gateway.limits import ListenerOptions
from certinel.gateway.listener import Listener
from certinel.gateway.tls import ServerTls, TlsOptions
from support.house import House, Issued, Recorder, issue

Opened = Callable[..., Coroutine[Any, Any, House]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Opened]:
    """Starts a listener with the given options."""
    opened: list[House] = []

    async def open_one(options: ListenerOptions | None = None, *, server_issuers: int = 0) -> House:
        above: list[Issued] = []
        for number in range(server_issuers):
            above.insert(0, issue(f"server issuer {number}", above[0] if above else None))
        server = issue("server", above[0] if above else None)
        certificate, key = server.write(tmp_path, "server", *above)
        house = House(tmp_path, server, ServerTls(TlsOptions(certificate=certificate, key=key)))
        house.listener = Listener(
            lambda: Recorder(house), tls=house.tls, options=options, on_handshake_failed=house.note_failure
        )
        await house.listener.start("127.0.0.1", 0)
        opened.append(house)
        return house

    yield open_one
    for house in opened:
        await house.close()


@pytest.fixture
async def house(open_house: Opened) -> House:
    return await open_house()
