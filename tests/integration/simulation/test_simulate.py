"""``certinel simulate`` against a real node: what it does is what the node sees, and what it reports."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certinel.cli import app
from certinel.cli.terminal import CommandError
from support.commands import Outcome, run
from support.node import SOURCES, Node, started_node
from support.program import started


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("simulation")
    made = CliRunner().invoke(app, ["pki", "ca", "Plant CA", "--out", str(folder / "ca.pem")])
    assert made.exit_code == 0, made.output
    with started_node(folder / "node") as node:
        node.upload((folder / "ca.pem").read_text())
        yield node


def command(node: Node, *words: str | Path) -> list[str | Path]:
    """The command for a node; what ``words`` say counts more, since the last of an option counts."""
    place = ("--ca", node.data_folder.parent / "ca.pem", "--server-ca", node.server_ca, "--port", str(node.mqtt_port))
    return [sys.executable, "-m", "certinel", "simulate", *place, "--json", *words]


def outcome(node: Node, *words: str | Path) -> Outcome:
    return run(*command(node, *words), environment={"PYTHONPATH": str(SOURCES)})


def report(node: Node, *words: str | Path) -> Any:
    return json.loads(outcome(node, *words).succeeded().output)


def test_storm_lets_everybody_in_as_often_as_asked(node: Node) -> None:
    found = report(node, "storm", "--devices", "30", "--times", "2", "--rate", "0", "--name-prefix", "storm-")
    assert found["connections"]["admitted"] == 60
    assert found["latencyMilliseconds"]["handshake"]["count"] == 60
    assert found["end"] == "done"
    users = node.call("GET", "/user/t1000/users?pageSize=2000").json()["users"]
    assert len([user for user in users if user["userName"].startswith("device_storm-")]) == 30


def test_telemetry_of_every_device_is_stored(node: Node) -> None:
    found = report(node, "telemetry", "--devices", "5", "--times", "4", "--rate", "0", "--name-prefix", "meter-")
    assert found["messages"]["acknowledged"] == 20
    assert found["latencyMilliseconds"]["puback"]["count"] == 20
    source = node.call("GET", "/identity/externalIds/c8y_Serial/meter-3").json()["managedObject"]["id"]
    measurements = node.call("GET", f"/measurement/measurements?source={source}").json()["measurements"]
    assert len(measurements) == 4


def test_tokens_come(node: Node) -> None:
    found = report(node, "tokens", "--devices", "4", "--times", "2", "--rate", "0", "--mqtt-version", "3.1.1")
    assert found["tokens"]["received"] == 8
    assert found["latencyMilliseconds"]["token"]["count"] == 8


def test_faulty_devices_are_refused_as_they_should_be(node: Node) -> None:
    faults = ("--fault", "wrong-name=20", "--fault", "expired=10%", "--fault", "unknown-ca=10")
    found = report(node, "storm", "--devices", "10", "--times", "1", "--name-prefix", "faulty-", *faults)
    refused = {"client-id/mismatch": 2, "certificate/expired": 1, "chain/unknown-issuer": 1}
    assert found["connections"]["refused"] == refused
    assert found["connections"]["admitted"] == 6
    assert found["unexpected"] == {}


def test_cut_devices_come_back_and_send_everything(node: Node) -> None:
    found = report(node, "telemetry", "--devices", "2", "--times", "25", "--rate", "0", "--fault", "cut=50")
    assert found["messages"]["acknowledged"] == 50
    assert found["connections"]["cut"] >= 2
    assert found["connections"]["attempts"] == 2 + found["connections"]["cut"]


def test_exceeded_limit_ends_with_one_and_is_named(node: Node, tmp_path: Path) -> None:
    words = ("storm", "--devices", "1", "--times", "1", "--fail-over", "connack.max=0.001ms")
    ended = outcome(node, *words, "--report", str(tmp_path / "report.json"))
    assert ended.status == 1
    assert json.loads(ended.output)["exceeded"] == ["connack.max=0.001ms"]
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(ended.output)


def test_report_that_cannot_be_written_does_not_take_the_figures_with_it(node: Node, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = outcome(node, "storm", "--devices", "1", "--times", "1", "--report", tmp_path / "file" / "report.json")
    assert ended.status == 2
    assert json.loads(ended.output)["connections"]["admitted"] == 1
    assert "report.json" in ended.errors


def test_keys_are_agreed_on_as_told(node: Node) -> None:
    words = ("storm", "--devices", "1", "--times", "1", "--name-prefix", "quantum-")
    found = report(node, *words, "--key-exchange", "post-quantum")
    assert found["plan"]["keyExchange"] == "post-quantum"
    assert found["connections"]["admitted"] == 1
    assert report(node, *words)["plan"]["keyExchange"] == "p256"


def test_refused_healthy_devices_are_unexpected(node: Node, tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["pki", "ca", "Another CA", "--out", str(tmp_path / "ca.pem")])
    assert made.exit_code == 0
    ended = outcome(node, "storm", "--devices", "2", "--times", "1", "--ca", tmp_path / "ca.pem")
    assert ended.status == 1
    assert json.loads(ended.output)["unexpected"] == {"refused: chain/unknown-issuer": 2}


def test_interrupt_ends_it_with_a_report(node: Node) -> None:
    words = command(node, "telemetry", "--devices", "3", "--duration", "100", "--name-prefix", "long-")
    with started(words, {"PYTHONPATH": str(SOURCES)}) as program:
        node.logged("device.connected", "long-2")
        program.process.send_signal(signal.SIGINT)
        assert program.wait_until(lambda: program.ended)
        assert program.process.wait(30) == 0
        found = json.loads(program.text)
    assert found["end"] == "stopped"
    assert found["connections"]["connectedAtTheEnd"] >= 1


def test_platform_that_goes_away_is_unexpected(tmp_path: Path, node: Node) -> None:
    ca = node.data_folder.parent / "ca.pem"
    with started_node(tmp_path / "node") as short_lived:
        short_lived.upload(ca.read_text())
        words = command(short_lived, "telemetry", "--devices", "2", "--duration", "100", "--ca", ca)
        with started(words, {"PYTHONPATH": str(SOURCES)}) as program:
            short_lived.logged("device.connected", "sim-1")
            short_lived.stop()
            program.process.send_signal(signal.SIGINT)
            assert program.wait_until(lambda: program.ended)
            assert program.process.wait(30) == 1
            found = json.loads(program.text)
    went_wrong = [*found["connections"]["lost"].values(), *found["connections"]["failed"].values()]
    assert sum(went_wrong) >= 2
    assert sum(found["unexpected"].values()) == sum(went_wrong)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--host", "192.0.2.1"), "--i-operate 192.0.2.1"),
        (("--host", "192.0.2.1", "--i-operate", "localhost"), "--i-operate 192.0.2.1"),
        (("--fault", "tired=5"), "wrong-name"),
        (("--fail-over", "speed=5"), "puback.p99=250ms"),
        (("--fault", "cut=70", "--fault", "expired=70"), "100 per cent"),
        (("--fault", "cut=1", "--fault", "cut=2"), "twice"),
    ],
)
def test_what_cannot_be_run_is_told(words: tuple[str, ...], told: str) -> None:
    ended = CliRunner().invoke(app, ["simulate", "storm", *words])
    assert isinstance(ended.exception, CommandError)
    assert ended.exception.exit_code == 2
    assert told in str(ended.exception)


def test_server_whom_this_computer_does_not_trust_is_told(node: Node) -> None:
    place = ("--ca", str(node.data_folder.parent / "ca.pem"), "--port", str(node.mqtt_port))
    ended = CliRunner().invoke(app, ["simulate", "storm", *place])
    assert "this computer does not trust its certificate" in str(ended.exception)


def test_server_that_is_not_the_one_meant_is_told(node: Node) -> None:
    ended = outcome(node, "storm", "--server-ca", node.data_folder.parent / "ca.pem")
    assert ended.status == 2
    assert "its certificate is not from the CA" in ended.errors
