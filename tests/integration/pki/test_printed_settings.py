"""What ``certinel pki serve-config`` prints is pasted into the real clients, and they connect."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from certinel.cli import app
from certinel.cli.pki.serve_config import Client
from support.client_programs import ECLIPSE_PAHO, SOURCES
from support.commands import run, shell
from support.node import Node, started_node
from support.program import started

STORE_PASSWORD = "password-of-stores"
JAVA_HOUSE = """\
import java.util.Properties;
import org.eclipse.paho.client.mqttv3.*;
import org.eclipse.paho.client.mqttv3.internal.security.SSLSocketFactoryFactory;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

public class Pasted {
    public static void main(String[] words) throws Exception {
%s
        client.publish("s/us", "211,21.5".getBytes(), 1, false);
        client.disconnect();
        client.close();
    }
}
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("settings")
    with started_node(folder / "node") as node:
        pki(node, "ca", "Plant CA", "--out", folder / "ca.pem")
        node.upload((folder / "ca.pem").read_text())
        yield node


def pki(node: Node, *words: str | Path) -> str:
    result = CliRunner().invoke(
        app, ["pki", *(str(word) for word in words)], env={"CERTINEL_STORE_PASSPHRASE": STORE_PASSWORD}
    )
    assert result.exit_code == 0, result.output
    return result.output


def printed(node: Node, client: Client, device: str, folder: Path) -> str:
    """Make the device's files and print the settings for a client that uses them."""
    pki(node, "device", device, "--ca", node.data_folder.parent / "ca.pem", "--out-dir", folder)
    place = ("--port", str(node.mqtt_port), "--server-ca", node.server_ca)
    return pki(node, "serve-config", client, device, *place, "--chain", folder / f"{device}.pem")


def test_mosquitto_tools_publish_and_fetch_a_token_with_the_printed_commands(node: Node, tmp_path: Path) -> None:
    lines = printed(node, Client.MOSQUITTO, "pump-tools", tmp_path)
    publish, token, _ = (part for part in re.split(r"^#.*\n", lines, flags=re.MULTILINE) if part)
    shell(publish).succeeded()
    assert shell(token).succeeded().output.startswith("71,ey")


def test_mosquitto_bridges_with_the_printed_settings(node: Node, tmp_path: Path) -> None:
    bridge = printed(node, Client.BRIDGE, "pump-bridge", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n{bridge}")
    with started(["/usr/sbin/mosquitto", "-v", "-c", tmp_path / "mosquitto.conf"]) as broker:
        # the last of the bridge's three subscriptions: answered, so that what comes down will be passed on
        assert broker.wait_until(lambda: broker.text.count("Received SUBACK from local.d:pump-bridge") == 3)
        words = f"mosquitto_rr -V mqttv311 -h 127.0.0.1 -p {port} -W 20"
        assert shell(f"{words} -t s/uat -n -e s/dat").succeeded().output.startswith("71,ey")
        answer = shell(f"{words} -q 1 -t s/us -m 999,1 -e s/e").succeeded().output
        assert answer.startswith("40,999")


def test_mqtt_js_connects_with_the_printed_settings(node: Node, tmp_path: Path) -> None:
    if not (SOURCES / "javascript/node_modules/mqtt").exists():
        pytest.skip("MQTT.js is not installed: npm could not fetch it (make setup-test)")
    program = printed(node, Client.MQTT_JS, "pump-js", tmp_path)
    program += 'client.on("connect", () => client.publish("s/us", "211,21.5", { qos: 1 }, () => client.end()));\n'
    (tmp_path / "pasted.js").write_text(program)
    run("node", tmp_path / "pasted.js", environment={"NODE_PATH": str(SOURCES / "javascript/node_modules")}).succeeded()
    node.logged("device.connected", "pump-js")


def test_eclipse_paho_connects_with_the_printed_settings(node: Node, tmp_path: Path) -> None:
    (jar,) = ECLIPSE_PAHO.jars
    if not jar.exists():
        pytest.skip(ECLIPSE_PAHO.missing)
    (tmp_path / "Pasted.java").write_text(JAVA_HOUSE % printed(node, Client.PAHO_JAVA, "pump-java", tmp_path))
    pki(node, "keystore", tmp_path / "pump-java.pem")
    pki(node, "truststore", node.server_ca, "--out", tmp_path / "truststore.p12")
    passwords = {"KEYSTORE_PASSWORD": STORE_PASSWORD, "TRUSTSTORE_PASSWORD": STORE_PASSWORD}
    options = ("-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp", jar)
    run("java", *options, tmp_path / "Pasted.java", environment=passwords).succeeded()
    node.logged("device.connected", "pump-java")
