"""The page on the service of systemd is followed by root in a system that systemd has booted."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from support.booted_system import HOME, booted_system
from support.client_programs import REPOSITORY
from support.commands import run
from support.page import DOCS
from support.reader import Reader

DEPENDENCIES = "/opt/dependencies"


@pytest.mark.timeout(300)
def test_commands_print_what_the_page_says(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, folder=REPOSITORY).succeeded()
    (wheel,) = tmp_path.glob("*.whl")
    files = {wheel: f"{HOME}/{wheel.name}", Path(sysconfig.get_path("purelib")): DEPENDENCIES}
    # There is no network: what the wheel needs lies there already, in the environment that the page makes again.
    with booted_system(files, {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}) as inside:
        run(*inside, "python3", "-m", "venv", "/opt/certinel").succeeded()
        place = f"/opt/certinel/lib/python{sysconfig.get_python_version()}/site-packages/dependencies.pth"
        run(*inside, "sh", "-c", f"echo {DEPENDENCIES} > {place}").succeeded()
        reader = Reader(tmp_path, inside=inside)
        try:
            reader.follow_page(DOCS / "howto/service.md")
        finally:
            reader.close()
