"""The devices in ``examples/`` do what their README says, against a real node and, for operations, a real broker."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certinel.cli import app
from integration.examples.conftest import Device, Example, MakeDevice, ready
from support.commands import run
from support.node import Node
from support.program import Program, started
from support.relay import relay_to


def count(program: Program, beginning: str) -> int:
    return sum(line.startswith(beginning) for line in program.lines)


def wait_for(program: Program, beginning: str, times: int = 1) -> str:
    """The ``times``-th line that begins so."""
    assert program.wait_until(lambda: count(program, beginning) >= times), f"no {beginning!r} in\n{program.text}"
    return [line for line in program.lines if line.startswith(beginning)][times - 1]


@pytest.fixture(scope="module")
def device(example: Example, onboarded: MakeDevice) -> Device:
    return onboarded(f"{example.name}-1")


@pytest.fixture(scope="module")
def running(example: Example, device: Device) -> Iterator[Program]:
    """The example, in a hurry."""
    with example.started(device, DEVICE_INTERVAL="1", DEVICE_RENEW_AFTER="2") as program:
        yield program


def test_it_registers_and_what_it_sends_is_stored(running: Program, device: Device, node: Node) -> None:
    wait_for(running, "sent 211,2")
    found = node.call("GET", f"/identity/externalIds/c8y_Serial/{device.name}").json()["managedObject"]["id"]
    assert node.call("GET", f"/measurement/measurements?source={found}").json()["measurements"]
    assert node.call("GET", f"/inventory/managedObjects/{found}").json()["type"] == "example_Thermometer"


def test_it_calls_rest_with_its_token(running: Program, device: Device, node: Node) -> None:
    said = wait_for(running, "REST")
    found = node.call("GET", f"/identity/externalIds/c8y_Serial/{device.name}").json()["managedObject"]["id"]
    assert said == f"REST says I am managed object {found}"


def test_it_renews_its_token(running: Program) -> None:
    before = count(running, "token,")
    wait_for(running, "token,", before + 2)
    wait_for(running, "REST says", before + 2)


def test_it_comes_back_subscribes_and_sends_when_its_session_was_taken_over(
    example: Example, running: Program, device: Device
) -> None:
    if not example.stays_connected:
        pytest.skip("each step of it is a connection of its own")
    wait_for(running, "sent")
    before = count(running, "connected")
    run("mosquitto_pub", *device.mosquitto_options, "-q", "1", "-t", "s/us", "-m", "211,30").succeeded()
    wait_for(running, "disconnected")
    wait_for(running, "connected", before + 1)
    wait_for(running, "sent", count(running, "sent") + 1)
    wait_for(running, "token,", count(running, "token,") + 1)  # it has subscribed again


def test_it_comes_back_and_goes_on_when_the_network_was_gone(
    example: Example, onboarded: MakeDevice, node: Node
) -> None:
    device = onboarded(f"{example.name}-3")
    with relay_to(node.mqtt_port) as network:
        hurry = {"DEVICE_INTERVAL": "1", "DEVICE_RENEW_AFTER": "2", "DEVICE_MQTT_PORT": str(network.port)}
        with example.started(device, **hurry) as program:
            wait_for(program, "sent")
            wait_for(program, "token,")
            network.cut()
            wait_for(program, "disconnected")
            network.mend()
            wait_for(program, "sent", count(program, "sent") + 1)
            wait_for(program, "token,", count(program, "token,") + 1)
            if example.stays_connected:
                wait_for(program, "connected", 2)


def test_name_with_blanks_and_signs_is_a_name(example: Example, onboarded: MakeDevice, node: Node) -> None:
    with example.started(onboarded(f"{example.name} & 50% / Söhne?#"), DEVICE_INTERVAL="1") as program:
        wait_for(program, "REST says")


def test_without_being_told_it_renews_at_half_of_the_token_s_life(
    example: Example, device: Device, onboarded: MakeDevice
) -> None:
    with example.started(onboarded(f"{example.name}-2")) as program:
        said = wait_for(program, "token,")
        half = 3600 // 2
        (wait,) = map(int, re.findall(r"\d+", said))
        assert half - 60 <= wait <= half  # minus what it took from there to here


def test_it_says_so_when_it_is_refused(example: Example, device: Device) -> None:
    with example.started(Device("nobody", {**device.settings, "DEVICE_NAME": "nobody"})) as program:
        assert program.wait_until(lambda: re.search("not authori[sz]ed", program.text, re.IGNORECASE) is not None), (
            program.text
        )


def test_java_device_takes_jks_stores_too(
    node: Node, onboarded: MakeDevice, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    example = ready("java-paho", tmp_path_factory.mktemp("program"))
    device = onboarded("java-paho-jks")
    settings = device.settings
    stores = {"DEVICE_KEYSTORE": str(tmp_path / "key.jks"), "DEVICE_TRUSTSTORE": str(tmp_path / "trust.jks")}
    to_jks = ("--type", "jks", "--store-passphrase-file", settings["DEVICE_STORE_PASSPHRASE_FILE"])
    for words in (
        ("keystore", settings["DEVICE_CHAIN"], "--out", stores["DEVICE_KEYSTORE"]),
        ("truststore", settings["DEVICE_SERVER_CA"], "--out", stores["DEVICE_TRUSTSTORE"]),
    ):
        made = CliRunner().invoke(app, ["pki", *words, *to_jks])
        assert made.exit_code == 0, made.output
    with example.started(device, **stores) as program:
        wait_for(program, "REST says")


@pytest.fixture
def broker(node: Node, tmp_path: Path) -> Iterator[int]:
    """mosquitto in the platform's place, for it lets a test send operations; the port it listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    identity = f"certfile {node.data_folder / 'server.pem'}\nkeyfile {node.data_folder / 'server.key'}"
    (tmp_path / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\ncafile {node.data_folder.parent / 'ca.pem'}\n{identity}\nuser root\n"
        "require_certificate true\nuse_identity_as_username true\nallow_anonymous true\n"
    )
    with started(["/usr/sbin/mosquitto", "-v", "-c", tmp_path / "mosquitto.conf"]) as program:
        assert program.wait_until(lambda: "running" in program.text), program.text
        yield port


def test_it_carries_out_an_operation_and_says_how_it_went(
    example: Example, device: Device, onboarded: MakeDevice, broker: int
) -> None:
    port = {"DEVICE_MQTT_PORT": str(broker)}
    operator = onboarded("operator")
    as_operator = Device("operator", {**operator.settings, **port}).mosquitto_options
    # kept by the broker, so that it comes with the subscription, whenever that is
    operation = f"510,{device.name}"
    run("mosquitto_pub", *as_operator, "-q", "1", "-r", "-t", "s/ds", "-m", operation).succeeded()
    with started(["stdbuf", "-oL", "mosquitto_sub", *as_operator, "-q", "1", "-d", "-t", "s/us"]) as heard:
        assert heard.wait_until(lambda: "Subscribed" in heard.text)
        with example.started(device, DEVICE_INTERVAL="1", **port) as program:
            wait_for(program, f"operation: {operation}")
            for reply in ("501,c8y_Restart", "503,c8y_Restart"):
                assert heard.wait_until(lambda reply=reply: reply in heard.lines), heard.text
