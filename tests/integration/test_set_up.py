"""What set-up says on machines that lack something. That it works on a bare one is for ``.ci/run`` to show."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from support.commands import run

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def poor_machine(tmp_path: Path) -> dict[str, str]:
    """A machine that has Python and a shell and no way to install anything."""
    for program in ("dirname", "id", "sh"):
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    (tmp_path / "python3").symlink_to(sys.executable)
    return {"PATH": str(tmp_path), "PYTHON": ""}


def test_make_alone_lists_the_tasks_with_a_sentence_each() -> None:
    listed = run("make", folder=REPOSITORY).succeeded().output
    tasks = re.findall(r"^  make (\w+) +\S.+$", listed, re.MULTILINE)
    assert {"setup", "run", "test", "check", "bench", "lock", "clean"} <= set(tasks)


def test_missing_programs_are_named_in_one_line_with_the_packages_that_have_them(poor_machine: dict[str, str]) -> None:
    outcome = run(REPOSITORY / "scripts/system-packages", "test", environment=poor_machine)
    (line,) = outcome.errors.splitlines()
    assert outcome.status == 1
    assert {"openssl", "curl", "mosquitto-clients", "nodejs"} <= set(line.split())


def test_nothing_is_said_when_nothing_is_missing() -> None:
    outcome = run(REPOSITORY / "scripts/system-packages", "run", environment={"PYTHON": sys.executable})
    assert (outcome.status, outcome.text) == (0, "")


def test_python_that_is_too_old_is_refused_with_the_version_needed() -> None:
    outcome = run(REPOSITORY / "scripts/find-python", environment={"PYTHON": "/bin/false"})
    assert outcome.status == 1
    assert "Python 3.11 or newer" in outcome.errors


def test_environment_that_is_only_linked_to_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "shared")
    outcome = run(REPOSITORY / "scripts/make-venv", tmp_path / "linked")
    assert outcome.status == 1
    assert list((tmp_path / "shared").iterdir()) == []
