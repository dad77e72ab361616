"""What is logged of a request that fails holds nothing secret."""

import sys

import pytest

from support.commands import run

FAILING = """
import asyncio, httpx, structlog
from certinel.api.headers import AnswerHeaders
from certinel.config import LogSettings
from certinel.wiring import logs

logs.configure(LogSettings(form="{form}"))

async def app(scope, receive, send):
    password = "open sesame"
    raise RuntimeError("out of order")

async def main():
    transport = httpx.ASGITransport(app=AnswerHeaders(app))
    async with httpx.AsyncClient(transport=transport, base_url="https://iot.example.org") as client:
        response = await client.get("/", headers={{"authorization": "Basic b3BlbjpzZXNhbWU="}})
        print(response.headers["x-request-id"])

asyncio.run(main())
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_traceback_shows_where_and_not_with_what(form: str) -> None:
    outcome = run(sys.executable, "-c", FAILING.format(form=form)).succeeded()
    assert "out of order" in outcome.errors
    assert outcome.output.strip() in outcome.errors, "the request id is in the log"
    assert "b3BlbjpzZXNhbWU=" not in outcome.text
    assert "open sesame" not in outcome.text, "values of variables are not shown"
