"""``certinel check``: what it finds, and how it ends."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.commands import Outcome, run
from support.node import SOURCES, Node, started_node


@pytest.fixture(scope="module")
def stopped_node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a node leaves behind that ran for a moment: its data folder, and beside it the log ``node.log``."""
    folder = tmp_path_factory.mktemp("node")
    with started_node(folder / "data") as node:
        record(node, "first")
        record(node, "second")
        node.stop()
    (folder / "node.log").write_text(node.program.text)
    return folder


@pytest.fixture
def folder(stopped_node: Path, tmp_path: Path) -> Path:
    """A copy of that, to be tampered with."""
    (tmp_path / "data").mkdir()
    for name in ("data/certinel.db", "node.log"):
        (tmp_path / name).write_bytes((stopped_node / name).read_bytes())
    return tmp_path


def record(node: Node, activity: str) -> None:
    report = {"activity": activity, "text": "-", "type": "Test", "source": {"id": "1"}}
    node.call("POST", "/audit/auditRecords", report)


def check(folder: Path, *options: str | Path) -> Outcome:
    command = (sys.executable, "-m", "certinel", "check", "--data-dir", folder / "data")
    return run(*command, *options, environment={"PYTHONPATH": str(SOURCES)})


def tamper(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "data/certinel.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def test_sound_database_is_said_to_be_sound(folder: Path) -> None:
    outcome = check(folder).succeeded()
    assert "no damage found" in outcome.output
    assert "t1000: 3 records" in outcome.output
    assert "FAULT" not in outcome.output


def test_log_of_the_node_agrees(folder: Path) -> None:
    assert "heads of the audit log noted" in check(folder, "--log", folder / "node.log").succeeded().output


def test_running_node_can_be_checked(tmp_path: Path) -> None:
    with started_node(tmp_path / "data") as node:
        record(node, "while it runs")
        check(tmp_path).succeeded()


def test_altered_record_is_named(folder: Path) -> None:
    tamper(folder, "UPDATE audit_record SET text = 'nothing' WHERE tenant_id = 't1000' AND sequence = 2")
    outcome = check(folder)
    assert outcome.status == 1
    assert "FAULT: t1000: record 2 was altered; the first 1 records are sound" in outcome.output


def test_cut_end_is_found_with_the_log_of_the_node(folder: Path) -> None:
    tamper(
        folder,
        "DELETE FROM audit_record WHERE tenant_id = 't1000' AND sequence = 3",
        "UPDATE audit_head SET sequence = 2, hash = (SELECT hash FROM audit_record "
        "WHERE tenant_id = 't1000' AND sequence = 2) WHERE tenant_id = 't1000'",
    )
    check(folder).succeeded()
    outcome = check(folder, "--log", folder / "node.log")
    assert (outcome.status, "record 3 was noted outside the database" in outcome.output) == (1, True)


def test_damaged_file_is_reported(folder: Path) -> None:
    with (folder / "data/certinel.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    outcome = check(folder)
    assert outcome.status == 1
    assert "FAULT" in outcome.output or "damaged" in outcome.errors


def test_older_schema_is_named(folder: Path) -> None:
    tamper(folder, "DELETE FROM alembic_version")
    outcome = check(folder)
    assert (outcome.status, "there are no tables of certinel in it" in outcome.output) == (1, True)


def test_newer_schema_is_named(folder: Path) -> None:
    tamper(folder, "UPDATE alembic_version SET version_num = '9999'")
    outcome = check(folder)
    assert (outcome.status, "newer version" in outcome.output) == (1, True)


def test_missing_database_is_not_made(tmp_path: Path) -> None:
    outcome = check(tmp_path)
    assert (outcome.status, outcome.errors.startswith("certinel: there is no database")) == (2, True)
    assert not (tmp_path / "data").exists()


def test_missing_log_is_named(folder: Path) -> None:
    outcome = check(folder, "--log", folder / "nothing.log")
    assert (outcome.status, "nothing.log" in outcome.errors) == (2, True)


def test_log_in_which_nothing_was_noted_agrees_with_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "emptied.log").write_text("")
    outcome = check(folder, "--log", tmp_path / "emptied.log")
    assert (outcome.status, "FAULT: no head of the audit log noted" in outcome.output) == (1, True)
