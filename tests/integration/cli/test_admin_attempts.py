"""``certinel admin attempts`` against a running node."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.clients.test_command_line_tools import mosquitto
from support.certificates import DeviceFiles, root_authority
from support.commands import Outcome, run
from support.node import ADMIN_PASSWORD, SOURCES, TENANT, Node, eventually, started_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node to which one device has connected and another one, misnamed, has not."""
    fleet = root_authority("Example Fleet CA")
    folder = tmp_path_factory.mktemp("node")
    with started_node(folder / "data") as running:
        running.upload(fleet.pem)
        for name in ("welcome", "misnamed"):
            device = DeviceFiles.of(fleet.device(name), folder)
            client_id = "somebody-else" if name == "misnamed" else name
            mosquitto("pub", running, device, "-t", "s/us", "-m", "211,20", client_id=client_id)
        eventually(lambda: {"welcome", "misnamed"} <= {one["device"] for one in listed(running)})
        yield running


def attempts(
    node: Node, *options: str, user: str = f"{TENANT}/admin", password: str | None = ADMIN_PASSWORD
) -> Outcome:
    command = (sys.executable, "-m", "certinel", "admin", "attempts", *options)
    environment = {"PYTHONPATH": str(SOURCES), "CERTINEL_URL": node.https_url, "CERTINEL_CA": str(node.server_ca)}
    environment |= {"CERTINEL_USER": user, "COLUMNS": "200"}
    if password is not None:
        environment["CERTINEL_PASSWORD"] = password
    return run(*command, environment=environment, answers=() if password is not None else (ADMIN_PASSWORD,))


def listed(node: Node, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(attempts(node, "--json", *options).succeeded().output)
    return found


def test_table_shows_who_came_and_how_it_ended(node: Node) -> None:
    lines = attempts(node).succeeded().output.splitlines()
    assert any("admitted" in line and "welcome" in line for line in lines)
    assert any("client-id/mismatch" in line and "misnamed" in line for line in lines)


def test_details_say_what_to_do(node: Node) -> None:
    output = " ".join(attempts(node, "--details", "--device", "misnamed").succeeded().output.split())
    assert "somebody-else" in output
    assert "Use the common name" in output


@pytest.mark.parametrize(
    ("options", "devices"),
    [
        (("--device", "welcome"), ["welcome"]),
        (("--code", "client-id/mismatch"), ["misnamed"]),
        (("--outcome", "admitted"), ["welcome"]),
        (("--outcome", "refused"), ["misnamed"]),
        (("--since", "2h", "--device", "welcome"), ["welcome"]),
        (("--since", "2100-01-01"), []),
        (("--until", "2h"), []),
        (("--until", "2100-01-01", "--device", "welcome"), ["welcome"]),
    ],
)
def test_options_choose(node: Node, options: tuple[str, ...], devices: list[str]) -> None:
    assert [one["device"] for one in listed(node, *options)] == devices


def test_either_certificate_of_a_path_chooses(node: Node) -> None:
    (known,) = listed(node, "--device", "welcome")
    assert listed(node, "--fingerprint", known["chain"][0]["fingerprint"]) == [known]
    assert known in listed(node, "--trusted", known["trustedCertificate"])
    assert listed(node, "--trusted", "0" * 40) == []


def test_limit_shows_the_latest(node: Node) -> None:
    assert len(listed(node, "--limit", "1")) == 1


def test_nothing_found_is_said(node: Node) -> None:
    assert attempts(node, "--device", "nobody").succeeded().output == "There are no such attempts.\n"


def test_password_is_asked_for(node: Node) -> None:
    assert "welcome" in attempts(node, password=None).succeeded().output


def test_wrong_password_ends_with_2(node: Node) -> None:
    outcome = attempts(node, password="wrong")
    assert (outcome.status, "401" in outcome.errors) == (2, True)


def test_wrong_span_ends_with_2(node: Node) -> None:
    outcome = attempts(node, "--since", "soon")
    assert (outcome.status, "soon: not a span of time" in outcome.errors) == (2, True)


def test_node_that_is_not_there_ends_with_2(node: Node, tmp_path: Path) -> None:
    outcome = attempts(node, "--url", "https://localhost:1")
    assert (outcome.status, "https://localhost:1" in outcome.errors) == (2, True)
