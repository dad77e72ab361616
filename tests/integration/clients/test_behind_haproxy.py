"""The example configuration of HAProxy, in front of a node and one that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import DeviceFiles, root_authority
from support.commands import run
from support.node import Node, eventually, started_node
from support.page import program
from support.program import Program, started
from support.reader import free_port

EXAMPLE = Path(__file__).parents[3] / "deploy/haproxy.cfg"
DEVICES = ("pump-1", "pump-2", "pump-3", "pump-4")


@pytest.fixture(scope="module")
def haproxy() -> str:
    found = program("haproxy")
    if found is None:
        pytest.skip("HAProxy is not installed (make setup-test)")
    return found


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("balanced") / "data", GATEWAY__TRUSTED_PROXIES="127.0.0.1") as node:
        yield node


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"mqtt": free_port(), "https": free_port()}


@pytest.fixture(scope="module")
def balancer(
    haproxy: str, node: Node, ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """The example with the addresses of this machine; its second node is gone."""
    configuration = EXAMPLE.read_text().replace("    maxconn 200000\n", "")
    for name, port in (("mqtt", 8883), ("https", 8443)):
        configuration = configuration.replace(f"bind :{port}", f"bind 127.0.0.1:{ports[name]}")
        configuration = re.sub(rf"192\.0\.2\.11:{port}", f"127.0.0.1:{node.ports[name]}", configuration)
        configuration = re.sub(rf"192\.0\.2\.12:{port}", f"127.0.0.1:{free_port()} port 1", configuration)
    configuration = configuration.replace("port 8443", f"port {node.ports['https']}")
    file = tmp_path_factory.mktemp("haproxy") / EXAMPLE.name
    file.write_text(configuration)
    with started([haproxy, "-f", file]) as balancer:
        assert balancer.wait_until(lambda: "mqtt/two is DOWN" in balancer.text), balancer.text
        yield balancer


def test_haproxy_understands_the_example_as_it_comes(haproxy: str) -> None:
    outcome = run(haproxy, "-c", "-f", EXAMPLE)
    assert (outcome.status, outcome.text) == (0, "Configuration file is valid\n")


def test_devices_are_let_in_by_the_node_that_is_ready_with_their_own_addresses(
    balancer: Program, node: Node, ports: dict[str, int], tmp_path: Path
) -> None:
    ca = root_authority("Balanced CA")
    with node.rest() as rest:
        rest.base_url = f"https://localhost:{ports['https']}"
        rest.post(
            "/tenant/tenants/t1000/trusted-certificates",
            json={"name": "fleet", "status": "ENABLED", "autoRegistrationEnabled": True, "certInPemFormat": ca.pem},
        ).raise_for_status()
        for number, name in enumerate(DEVICES, 1):
            files = DeviceFiles.of(ca.device(name), tmp_path)
            place = ("-h", "127.0.0.1", "-p", str(ports["mqtt"]), "-A", f"127.0.0.{number + 1}")
            trust = ("--cafile", node.server_ca, "--cert", files.chain, "--key", files.key)
            run("mosquitto_pub", *place, *trust, "-i", name, "-q", "1", "-t", "s/us", "-m", "100").succeeded()

        def came() -> set[tuple[str, str]]:
            found = rest.get("/certinel/connectionAttempts").raise_for_status().json()["connectionAttempts"]
            return {(one["clientId"], one["remoteAddress"]) for one in found}

        eventually(lambda: came() == {(name, f"127.0.0.{number + 1}") for number, name in enumerate(DEVICES, 1)})
    assert "mqtt/one is DOWN" not in balancer.text
