"""``certinel onboard`` and ``certinel connect`` against a real node, as people run them: well, again, and wrongly."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from certinel.cli import app
from support.commands import run, shell
from support.node import ADMIN_PASSWORD, SOURCES, TENANT, Node, started_node
from support.program import started


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("onboarding") / "node") as node:
        yield node


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def onboard(node: Node, *words: str | Path, password: str = ADMIN_PASSWORD, server_ca: Path | None = None) -> Result:
    environment = {"CERTINEL_URL": node.https_url, "CERTINEL_PASSWORD": password}
    line = ["onboard", *words, "--mqtt-port", node.mqtt_port, "--server-ca", server_ca or node.server_ca]
    return CliRunner().invoke(app, [str(word) for word in line], env=environment)


def onboarded(node: Node, *words: str | Path) -> str:
    result = onboard(node, *words)
    assert result.exit_code == 0, f"{result.output}\n{result.exception}"
    return result.output


def told(result: Result) -> str:
    """What a person reads when it did not work."""
    assert result.exit_code != 0, result.output
    return f"{result.output}{result.exception}"


def test_one_command_makes_a_proven_and_enabled_ca_and_a_device_that_connects(node: Node, tmp_path: Path) -> None:
    said = onboarded(node, "pump-1")
    fingerprint = said.partition("fingerprint ")[2].split()[0]
    trusted = node.call("GET", f"/tenant/tenants/{TENANT}/trusted-certificates/{fingerprint}").json()
    assert (trusted["status"], trusted["proofOfPossessionValid"]) == ("ENABLED", True)
    assert "REST called with its token" in said
    node.logged("device.connected", "pump-1")
    assert {file.name for file in tmp_path.glob("*.key")} == {"ca.key", "pump-1.key"}
    assert all(file.stat().st_mode & 0o077 == 0 for file in [*tmp_path.glob("*.key"), tmp_path / "store-passphrase"])
    shell("openssl verify -CAfile ca.pem pump-1.pem").succeeded()


def test_run_again_makes_nothing_again(node: Node, tmp_path: Path) -> None:
    onboarded(node, "pump-2")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    said = onboarded(node, "pump-2")
    assert " made" not in said
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_it_goes_on_with_keys_that_an_interrupted_run_has_left(node: Node, tmp_path: Path) -> None:
    onboarded(node, "pump-3", "--no-connect")
    keys = {name: (tmp_path / name).read_bytes() for name in ("ca.key", "pump-3.key")}
    for name in ("ca.pem", "ca.index.jsonl", "pump-3.pem", "pump-3.p12"):
        (tmp_path / name).unlink()
    onboarded(node, "pump-3")
    assert {name: (tmp_path / name).read_bytes() for name in keys} == keys


def test_ca_that_was_uploaded_by_hand_is_proven_and_enabled(node: Node, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["pki", "ca", "Plant CA"]).exit_code == 0
    trusted = node.upload((tmp_path / "ca.pem").read_text(), name="by hand").json()
    path = f"/tenant/tenants/{TENANT}/trusted-certificates/{trusted['fingerprint']}"
    node.call("PUT", path, {"status": "DISABLED"})
    said = onboarded(node, "pump-4")
    assert "CA is there already" in said
    after = node.call("GET", path).json()
    assert (after["status"], after["name"], after["proofOfPossessionValid"]) == ("ENABLED", "by hand", True)


def test_what_to_go_on_with_works_as_it_is_printed(node: Node, tmp_path: Path) -> None:
    place = ("--url", node.https_url, "--mqtt-port", str(node.mqtt_port), "--server-ca", node.server_ca)
    words = (sys.executable, "-m", "certinel", "onboard", "it's pump", *place, "--out-dir", "its files", "--no-connect")
    environment = {"PYTHONPATH": str(SOURCES), "CERTINEL_PASSWORD": ADMIN_PASSWORD}
    line = run(*words, folder=tmp_path, environment=environment).succeeded().output.splitlines()[-1]
    settings, _, command = line.rpartition("; ")
    with started(["sh", "-c", f"cd /; {settings}; exec {command}"], {"PYTHONPATH": str(SOURCES)}) as program:
        assert program.wait_until(lambda: "Listening" in program.text)


def test_java_reads_both_stores(node: Node) -> None:
    onboarded(node, "pump-5", "--no-connect")
    words = "keytool -list -storepass:file store-passphrase -keystore"
    assert "PrivateKeyEntry" in shell(f"{words} pump-5.p12").succeeded().text
    assert "trustedCertEntry" in shell(f"{words} truststore.p12").succeeded().text


def test_mosquitto_connects_with_what_the_settings_say(node: Node) -> None:
    onboarded(node, "pump-6", "--no-connect")
    shell(
        ". ./pump-6.env; mosquitto_pub -h $DEVICE_HOST -p $DEVICE_MQTT_PORT -i d:$DEVICE_NAME -q 1 -t s/us -m 211,21.5"
        " --cafile $DEVICE_SERVER_CA --cert $DEVICE_CHAIN --key $DEVICE_KEY"
    ).succeeded()


def test_key_of_the_ca_is_encrypted_and_asked_for(node: Node, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("correct horse\n")
    onboarded(node, "pump-7", "--ca-passphrase-file", "passphrase")
    assert "ENCRYPTED" in (tmp_path / "ca.key").read_text()
    assert "no passphrase was given for ca.key" in told(onboard(node, "pump-7"))


def test_wrong_password_is_told_and_leaves_nothing(node: Node, tmp_path: Path) -> None:
    said = told(onboard(node, "pump-8", password="wrong password"))
    assert "does not know t1000/admin with this password" in said
    assert "wrong password" not in said
    assert list(tmp_path.iterdir()) == []


def test_password_is_in_no_file(node: Node, tmp_path: Path) -> None:
    onboarded(node, "pump-9", "--no-connect")
    assert not [file for file in tmp_path.iterdir() if ADMIN_PASSWORD.encode() in file.read_bytes()]


def test_server_of_another_ca_is_not_told_the_password(node: Node, tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["pki", "ca", "Another CA", "--out", "other.pem"]).exit_code == 0
    assert "is not from the CA in" in told(onboard(node, "pump-10", server_ca=tmp_path / "other.pem"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://localhost:1", "nobody listens there"),
        ("http://iot.example.com", "a password needs https"),
    ],
)
def test_platform_that_cannot_be_reached_is_told(node: Node, url: str, words: str) -> None:
    assert words in told(onboard(node, "pump-11", "--url", url))


def test_certificate_of_another_ca_is_not_taken_for_the_device(node: Node) -> None:
    onboarded(node, "pump-12", "--no-connect")
    said = told(onboard(node, "pump-12", "--ca", "second.pem", "--no-connect"))
    assert "was not issued by this CA" in said


def test_key_store_of_an_earlier_certificate_is_told(node: Node) -> None:
    onboarded(node, "pump-15", "--no-connect")
    assert CliRunner().invoke(app, ["pki", "device", "pump-15", "--another", "--force"]).exit_code == 0
    assert "pump-15.p12 holds another certificate" in told(onboard(node, "pump-15", "--no-connect"))


def test_refused_device_is_told_where_to_look(node: Node) -> None:
    said = told(onboard(node, "pump-13", "--no-auto-registration"))
    assert "the platform refuses the device" in said
    assert "certinel admin attempts --device pump-13" in said


class LateServer(BaseHTTPRequestHandler):
    """A platform whose clock is two hours behind."""

    def do_GET(self) -> None:
        body = json.dumps({"name": "t1"}).encode()
        self.send_response_only(200)
        self.send_header("Date", format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def late_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), LateServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_clock_that_is_hours_behind_stops_it_before_anything_is_made(node: Node, tmp_path: Path) -> None:
    with late_server() as url:
        said = told(onboard(node, "pump-14", "--url", url))
    assert "2 h 0 min behind this one" in said or "1 h 59 min behind this one" in said
    assert list(tmp_path.iterdir()) == []


# ---- certinel connect


def connect(node: Node, *words: str) -> Result:
    line = ["connect", *words, "--port", str(node.mqtt_port), "--server-ca", str(node.server_ca)]
    return CliRunner().invoke(app, line)


@pytest.fixture
def device(node: Node) -> str:
    onboarded(node, "meter-1", "--no-connect")
    return "meter-1"


def test_connected_device_publishes_and_prints_its_token_alone(node: Node, device: str) -> None:
    result = connect(node, device, "--send", "211,21.5", "--send", "999,1")
    assert result.exit_code == 0, result.output
    assert "Acknowledged" in result.stderr
    assert "40,999" in result.stderr
    token = result.stdout.strip()
    with node.rest(token=token) as rest:
        assert rest.get("/tenant/currentTenant").status_code == 200


def test_encrypted_key_connects_with_its_passphrase(node: Node, tmp_path: Path) -> None:
    onboarded(node, "meter-2", "--no-connect")
    shell("openssl pkey -in meter-2.key -aes256 -passout pass:horse -out encrypted.key").succeeded()
    (tmp_path / "passphrase").write_text("horse\n")
    assert connect(node, "meter-2", "--key", "encrypted.key", "--passphrase-file", "passphrase").exit_code == 0
    (tmp_path / "passphrase").write_text("cow\n")
    wrong = told(connect(node, "meter-2", "--key", "encrypted.key", "--passphrase-file", "passphrase"))
    assert "the passphrase does not open it" in wrong


def test_refused_device_reads_why(node: Node, device: str) -> None:
    assert "refused: client-id/mismatch" in told(connect(node, device, "--client-id", "another"))


def test_listening_device_prints_what_comes_until_it_is_interrupted(node: Node, device: str) -> None:
    words = ["connect", device, "--listen", "--no-token", "--send", "999,1"]
    place = ["--port", str(node.mqtt_port), "--server-ca", str(node.server_ca)]
    command = [sys.executable, "-m", "certinel", *words, *place]
    with started(command, {**os.environ, "PYTHONPATH": str(SOURCES)}) as program:
        assert program.wait_until(lambda: "s/e 40,999" in program.text and "Listening" in program.text)
        program.process.send_signal(signal.SIGINT)
        assert program.wait_until(lambda: program.ended)
        assert program.process.wait(30) == 0
