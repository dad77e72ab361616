"""``certinel backup`` and ``certinel restore``."""

from __future__ import annotations

import io
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from certinel.wiring.backup import FILES
from support.commands import Outcome, run
from support.node import SOURCES, Node, started_node

PASSPHRASE = "a long passphrase"


def certinel(*words: str | Path, passphrase: str | None = None) -> Outcome:
    environment = {"PYTHONPATH": str(SOURCES)}
    if passphrase is not None:
        environment["CERTINEL_BACKUP_PASSPHRASE"] = passphrase
    return run(sys.executable, "-m", "certinel", *words, environment=environment)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that runs, in which something was set."""
    with started_node(tmp_path_factory.mktemp("node") / "data") as running:
        running.call("PUT", "/tenant/options/plant/credentials.token", {"value": "a secret"})
        yield running


@pytest.fixture(scope="module")
def archive(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that was made while the node ran."""
    file = tmp_path_factory.mktemp("backup") / "node.backup"
    certinel("backup", file, "--data-dir", node.data_folder).succeeded()
    return file


def test_node_goes_on_where_the_backup_was_made(node: Node, archive: Path, tmp_path: Path) -> None:
    certinel("restore", archive, "--data-dir", tmp_path / "data").succeeded()
    with started_node(tmp_path / "data") as again:
        assert again.server_ca.read_bytes() == node.server_ca.read_bytes()
        assert "plant" in again.call("GET", "/tenant/options?pageSize=100").text
        assert again.call("GET", "/.well-known/jwks.json").json() == node.call("GET", "/.well-known/jwks.json").json()


def test_nobody_else_reads_a_backup_or_what_was_restored(archive: Path, tmp_path: Path) -> None:
    certinel("restore", archive, "--data-dir", tmp_path / "data").succeeded()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "data").iterdir()}
    assert modes == dict(FILES)


def test_nothing_else_is_left_behind(node: Node, archive: Path) -> None:
    assert [file.name for file in archive.parent.iterdir()] == [archive.name]


def test_encrypted_backup_opens_with_its_passphrase_only(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "sealed.backup"
    certinel("backup", file, "--data-dir", node.data_folder, passphrase=PASSPHRASE).succeeded()
    wrong = certinel("restore", file, "--data-dir", tmp_path / "data", passphrase="another")
    assert (wrong.status, "the passphrase does not open it" in wrong.errors) == (1, True)
    certinel("restore", file, "--data-dir", tmp_path / "data", passphrase=PASSPHRASE).succeeded()


def test_directory_that_is_not_empty_is_left_alone(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/precious").write_text("mine")
    outcome = certinel("restore", archive, "--data-dir", tmp_path / "data")
    assert (outcome.status, "not empty" in outcome.errors) == (1, True)
    assert (tmp_path / "data/precious").read_text() == "mine"


def test_file_that_is_there_is_not_replaced(node: Node, archive: Path) -> None:
    before = archive.read_bytes()
    outcome = certinel("backup", archive, "--data-dir", node.data_folder)
    assert (outcome.status, archive.read_bytes() == before) == (1, True)


def changed(archive: Path, target: Path, name: str, content: bytes, *, called: str | None = None) -> Path:
    """A copy of a backup in which one file is another, under the same hash."""
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            source = old.extractfile(member)
            assert source is not None
            data = content if member.name == name else source.read()
            facts = tarfile.TarInfo(called if member.name == name and called else member.name)
            facts.size = len(data)
            new.addfile(facts, io.BytesIO(data))
    return target


@pytest.mark.parametrize(
    ("name", "content", "called"),
    [
        ("certinel.db", b"not what it was", None),
        ("encryption.key", b"00" * 32, None),
        ("manifest.json", b"{}", None),
        ("server.key", b"x", "../server.key"),
        ("server.key", b"x", "/tmp/server.key"),
    ],
)
def test_damaged_backup_leaves_nothing(
    archive: Path, tmp_path: Path, name: str, content: bytes, called: str | None
) -> None:
    file = changed(archive, tmp_path / "changed.backup", name, content, called=called)
    outcome = certinel("restore", file, "--data-dir", tmp_path / "data")
    assert (outcome.status, "is not restored" in outcome.errors) == (1, True)
    assert [one.name for one in tmp_path.iterdir()] == ["changed.backup"]


def test_backup_that_is_cut_off_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.backup").write_bytes(archive.read_bytes()[:5000])
    outcome = certinel("restore", tmp_path / "cut.backup", "--data-dir", tmp_path / "data")
    assert (outcome.status, (tmp_path / "data").exists()) == (1, False)


def test_folder_without_a_node_is_not_backed_up(tmp_path: Path) -> None:
    outcome = certinel("backup", tmp_path / "none.backup", "--data-dir", tmp_path / "nothing")
    assert (outcome.status, list(tmp_path.iterdir())) == (2, [])


def test_with_postgresql_only_the_keys_are_backed_up(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "keys.backup"
    url = "postgresql://nobody@localhost/none"
    outcome = certinel("backup", file, "--data-dir", node.data_folder, "--database", url).succeeded()
    assert "pg_dump" in outcome.output
    certinel("restore", file, "--data-dir", tmp_path / "data").succeeded()
    assert {one.name for one in (tmp_path / "data").iterdir()} == FILES.keys() - {"certinel.db"}
