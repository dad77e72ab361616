"""The five minutes of the README, typed in as they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import Outcome, shell
from support.node import ADMIN_PASSWORD, started_node

README = Path(__file__).parents[2] / "README.md"
NOT_AUTHORIZED = 5
"""What mosquitto_pub ends with: the return code of CONNACK."""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """Every ``sh`` block of the README in one shell, which stops at the first command that fails."""
    folder = tmp_path_factory.mktemp("readme")
    with started_node(folder / "certinel-data") as node:
        script = "\n".join(re.findall(r"^```sh\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE))
        for written, here in (
            ("-p 8883", f"-p {node.mqtt_port}"),
            ("localhost:8443", f"localhost:{node.ports['https']}"),
            ("admin:five-minutes", f"'admin:{ADMIN_PASSWORD}'"),
        ):
            assert written in script
            script = script.replace(written, here)
        yield shell(f"set -eu\n{script}", folder=folder)


def test_everything_works_up_to_the_mistake_that_is_refused(followed: Outcome) -> None:
    assert (followed.status, "not authorised" in followed.errors) == (NOT_AUTHORIZED, True), followed.text


def test_device_finds_itself_and_its_temperature_with_its_token(followed: Outcome) -> None:
    assert '"externalId":"pump-7"' in followed.output.replace(" ", "")
    assert '"value":21.5' in followed.output.replace(" ", "")
