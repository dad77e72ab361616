"""This machine's programs in a container of their own, with a real systemd as its first process.

``/usr`` is the machine's own, read-only; everything else is empty and gone afterwards. It has no network but loopback.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.commands import run
from support.program import Program, started

HOME = "/root"
PYTHON = "/opt/python"
"""Where the interpreter of these tests is seen inside: services see no homes, where it may be."""

CONFINED = (
    "-pPrivateUsers=yes",
    "-pPrivateDevices=yes",
    "-pProtectSystem=strict",
    "-pSystemCallFilter=@system-service",
)
"""What a machine that is itself a container may not allow."""


@contextmanager
def booted_system(files: Mapping[Path, str], environment: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Boot, and yield the words in front of a command that is to run inside, by root, in its home.

    ``files`` are files and folders of this machine that it may read, and where. Skips the test where no such container
    can be made.
    """
    if os.geteuid() != 0 or shutil.which("systemd-nspawn") is None:
        pytest.skip("only root can boot a system, with systemd-nspawn (Debian's systemd-container)")
    seen = {**files, Path(sys.base_prefix): PYTHON}
    binds = (f"--bind-ro={here}:{there}" for here, there in seen.items())
    options = ("--quiet", "--register=no", "--keep-unit", "--private-network", "--volatile=yes", "--console=read-only")
    # A network that never comes is not waited for.
    without = ("systemd.firstboot=no", "systemd.mask=systemd-networkd-wait-online.service")
    boot = ("--boot", "systemd.unit=basic.target", "systemd.show_status=yes", *without)
    with started(["systemd-nspawn", *options, *binds, "-D", "/", *boot]) as container:
        if not container.wait_until(lambda: "Basic System" in container.text):
            pytest.skip(f"no container can be booted on this machine:\n{container.text}")
        variables = {
            "PATH": f"{PYTHON}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": HOME,
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "110",
            **environment,
        }
        enter = ("nsenter", "--target", _first_process(container), "--all", f"--wdns={HOME}")
        inside = (*enter, "env", "--ignore-environment", *(f"{name}={value}" for name, value in variables.items()))
        # An interpreter with a library of its own looks for that where it was built.
        made_ready = run("timeout", "20", *inside, "sh", "-c", f"echo {PYTHON}/lib > /etc/ld.so.conf && ldconfig")
        confined = run("timeout", "20", *inside, "systemd-run", "--quiet", "--wait", *CONFINED, "true")
        if made_ready.status or confined.status:
            pytest.skip(f"no confined service runs in the container that was booted:\n{made_ready.text}{confined.text}")
        yield inside


def _first_process(container: Program) -> str:
    """Its systemd, as this machine numbers it."""
    try:
        children = Path(f"/proc/{container.process.pid}/task/{container.process.pid}/children").read_text().split()
    except OSError:
        children = []
    if not children:
        pytest.skip(f"the container has ended, or its first process is not to be seen:\n{container.text}")
    return children[0]
