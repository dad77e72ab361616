"""The example devices as programs, and onboarded devices for them to be."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certinel.cli import app
from certinel.cli.pki.files import file_name_of
from support.client_programs import ECLIPSE_PAHO, REPOSITORY
from support.client_programs import SOURCES as CLIENTS
from support.commands import run
from support.node import ADMIN_PASSWORD, Node, started_node
from support.program import Program, started

EXAMPLES = REPOSITORY / "examples"


@dataclass(frozen=True, slots=True)
class Device:
    """An onboarded device: its name and what its settings file says."""

    name: str
    settings: Mapping[str, str]

    @property
    def mosquitto_options(self) -> list[str]:
        """Options with which mosquitto's tools are this device."""
        settings = self.settings
        words = ["-h", settings["DEVICE_HOST"], "-p", settings["DEVICE_MQTT_PORT"], "-i", f"d:{self.name}"]
        words += ["--cafile", settings["DEVICE_SERVER_CA"], "--cert", settings["DEVICE_CHAIN"]]
        return [*words, "--key", settings["DEVICE_KEY"]]


@dataclass(frozen=True, slots=True)
class Example:
    """One example, ready to run."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]

    @property
    def stays_connected(self) -> bool:
        """Whether it has one connection that lasts; the shell's tools have one each."""
        return self.name != "shell"

    def started(self, device: Device, **settings: str) -> AbstractContextManager[Program]:
        return started(self.command, {**self.environment, **device.settings, **settings})


def ready(name: str, folder: Path) -> Example:
    match name:
        case "python-paho" | "python-aiomqtt":
            return Example(name, [sys.executable, EXAMPLES / name / "device.py"], {})
        case "javascript":
            if not (CLIENTS / "javascript/node_modules/mqtt").exists():
                pytest.skip("MQTT.js is not installed: npm could not fetch it (make setup-test)")
            modules = {"NODE_PATH": str(CLIENTS / "javascript/node_modules")}
            return Example(name, ["node", EXAMPLES / "javascript/device.js"], modules)
        case "java-paho":
            (jar,) = ECLIPSE_PAHO.jars
            if not jar.exists():
                pytest.skip(ECLIPSE_PAHO.missing)
            source = EXAMPLES / "java-paho/src/main/java/example/Device.java"
            run("javac", "-Xlint:all", "-Werror", "-d", folder / "java", "-cp", jar, source).succeeded()
            quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")
            return Example(name, ["java", *quick, "-cp", f"{folder / 'java'}:{jar}", "example.Device"], {})
        case _:
            return Example(name, ["sh", EXAMPLES / "shell/device.sh"], {"DEVICE_PATIENCE": "5"})


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("examples") / "node") as node:
        yield node


@pytest.fixture(scope="module", params=["python-paho", "python-aiomqtt", "java-paho", "javascript", "shell"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    return ready(request.param, tmp_path_factory.mktemp("program"))


MakeDevice = Callable[[str], Device]


@pytest.fixture(scope="module")
def onboarded(node: Node, tmp_path_factory: pytest.TempPathFactory) -> MakeDevice:
    """Onboard a device by its name, with the command that people use."""
    folder = node.data_folder.parent

    def make(name: str) -> Device:
        words = ["onboard", name, "--no-connect", "--ca", folder / "ca.pem", "--out-dir", folder]
        words += ["--url", node.https_url, "--mqtt-port", node.mqtt_port, "--server-ca", node.server_ca]
        result = CliRunner().invoke(
            app, [str(word) for word in words], env={"CERTINEL_PASSWORD": ADMIN_PASSWORD}, catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        settings = shlex.split((folder / f"{file_name_of(name)}.env").read_text())  # as a shell reads it
        return Device(name, dict(word.split("=", 1) for word in settings))

    return make
