"""What an operator reads when a node cannot start: one line that names the thing."""

import json
import shlex
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from support.certificates import root_authority
from support.commands import Outcome, run
from support.node import ADMIN_PASSWORD, SOURCES, started_node
from support.program import PATIENCE_SECONDS, started

PORTS = ("--host", "127.0.0.1", "--mqtt-port", "0", "--https-port", "0", "--http-port", "off")


def serve(folder: Path, *options: str | Path, **settings: str) -> Outcome:
    """Run ``certinel serve``, which is expected to end by itself."""
    command = (sys.executable, "-m", "certinel", "serve", "--data-dir", folder / "data", *PORTS, *options)
    return run(*command, folder=folder, environment={"PYTHONPATH": str(SOURCES), **settings})


def complaint(outcome: Outcome) -> str:
    """The one line that is not of the log."""
    (line,) = [line for line in outcome.errors.splitlines() if not line.startswith("{")]
    return line


def test_command_that_the_console_names_brings_in_a_first_device(tmp_path: Path) -> None:
    named = "a CA and a first device: "
    with started_node(tmp_path / "data") as node:
        assert node.program.wait_until(lambda: named in node.program.text)
        words = shlex.split(node.program.text.partition(named)[2].splitlines()[0])
        environment = {"PYTHONPATH": str(SOURCES), "CERTINEL_PASSWORD": ADMIN_PASSWORD}
        outcome = run(*words, folder=tmp_path, environment=environment)
    assert "Connected" in outcome.succeeded().output


def test_service_manager_is_told_when_devices_can_connect_and_when_it_stops(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "certinel", "serve", "--data-dir", tmp_path / "data", *PORTS)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_SECONDS)
        environment = {"PYTHONPATH": str(SOURCES), "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with started(command, environment) as program:
            ready = manager.recv(1024).decode()
            port = json.loads((tmp_path / "data/node.json").read_text())["mqtt"]
            program.process.terminate()
            stopping = manager.recv(1024).decode()
    assert ready.startswith(f"READY=1\nSTATUS=devices on port {port}")
    assert stopping.startswith("STOPPING=1\nSTATUS=")


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = serve(tmp_path, "--http-port", port, CERTINEL_ADMIN_PASSWORD=ADMIN_PASSWORD)
    assert complaint(outcome) == (
        f"certinel: cannot listen on 127.0.0.1:{port}: another program is listening there already"
    )
    assert outcome.status == 1
    assert ADMIN_PASSWORD not in outcome.text


def test_generated_password_is_not_lost_with_a_start_that_fails(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = serve(tmp_path, "--mqtt-port", str(taken.getsockname()[1]))
    assert "t1000/admin or management/admin with the password " in outcome.output
    assert "(shown only now)" in outcome.output


def test_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text(root_authority("server").pem)
    (tmp_path / "server.key").mkdir()
    outcome = serve(
        tmp_path,
        CERTINEL_ADMIN_PASSWORD=ADMIN_PASSWORD,
        CERTINEL_TLS__CERTIFICATE="server.pem",
        CERTINEL_TLS__KEY="server.key",
    )
    assert complaint(outcome) == "certinel: server.key: cannot be read (Is a directory)"
    assert outcome.status == 1


def test_wrong_setting_is_named(tmp_path: Path) -> None:
    outcome = serve(tmp_path, CERTINEL_TRUST__MAX_CHAIN_LENGTH="many")
    assert complaint(outcome).startswith("certinel: setting trust.max_chain_length: ")
    assert outcome.status == 2


def test_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "certinel.toml").write_text("[trust]\nmax_chain_lenght = 3\n")
    outcome = serve(tmp_path)
    assert complaint(outcome) == "certinel: setting trust.max_chain_lenght: there is no such setting"
    assert outcome.status == 2


def test_data_directory_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with started_node(tmp_path / "data"):
        pass
    database = tmp_path / "data" / "certinel.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    outcome = serve(tmp_path)
    assert complaint(outcome).startswith(
        f"certinel: the database {database} was written by a newer version of certinel"
    )
    assert outcome.status == 1
