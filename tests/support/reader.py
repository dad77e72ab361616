"""Runs a page of the documentation as a reader would, in a folder of their own.

* A command must end with 0, unless the page shows words that it prints: then these are what counts.
* Who came, and with which chain, is asked for again until it is as shown: a node stores it a moment later.
* ``certinel serve`` runs on until the page starts it again, stops it, or ends; of what it prints its log is left out.
* Ports and the folder are those of the page to the reader, and others here.
* Without Eclipse Paho the commands that name its jar are left out.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.client_programs import REPOSITORY
from support.page import PAHO, PAHO_FILE, PATH, STOP, Command, File, before, missing_programs, steps

PATIENCE_SECONDS = 120
"""For one command."""
READY_SECONDS = 90
DELAY_SECONDS = 60
"""Attempts are stored within two, and machines that run tests are busy; nothing waits longer than it must."""
SOURCES = REPOSITORY / "src"
DATABASE = "postgresql://certinel:PASSWORD@localhost/certinel"
"""What pages call a PostgreSQL database."""
_FOLDER = "/home/me/fleet"
"""Where pages say that their reader is."""
_PORTS = {"mqtt": 8883, "https": 8443, "http": 8080}
_PORTS_OF_OTHERS = (1883, 9883, 9443)
"""Of a local broker, or a load balancer, that a page starts."""
_PORT = re.compile(rf"\b({'|'.join(map(str, (*_PORTS.values(), *_PORTS_OF_OTHERS)))})\b")
_END = "=== the command has ended with"


class PageFailedError(AssertionError):
    """A page is not true: the command, what it printed, and what the page says it prints."""


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Reader:
    """Somebody at a terminal, in a folder of their own. What was started ends with ``close``."""

    folder: Path
    database: str = DATABASE
    """The URL that stands for the page's."""
    inside: tuple[str, ...] = ()
    """Words in front of the shell that take it to another system, with an environment of its own."""
    _shell: subprocess.Popen[str] | None = None
    _ports: dict[int, int] = field(default_factory=lambda: {port: free_port() for port in _PORTS_OF_OTHERS})

    def follow_page(self, path: Path) -> None:
        """Do what a page of the documentation says, after what it says that was done before.

        Skips the test when the machine lacks a program that the page needs.
        """
        page = path.read_text()
        if missing := missing_programs(page):
            pytest.skip(f"{path.name} needs {', '.join(missing)}")
        self.follow(before(page))
        self.follow(page)

    def follow(self, page: str) -> None:
        """Do all that the page says, and fail where it is not true."""
        for step in steps(page):
            if isinstance(step, File):
                (self.folder / step.name).write_text(self._here(step.content))
            elif step.text == STOP:
                self._stop_node()
            elif PAHO not in step.text or PAHO_FILE.exists():
                self._type(step)

    def close(self) -> None:
        """End the shell and everything that was started from it."""
        if self._shell is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._shell.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        for stream in (self._shell.stdin, self._shell.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _type(self, command: Command) -> None:
        deadline = time.monotonic() + DELAY_SECONDS
        while True:
            printed, status = (self._start_node(command), 0) if command.is_node else self._run(self._here(command.text))
            seen = self._as_shown(printed)
            if status and not command.shows_a_failure:
                raise PageFailedError(f"$ {command.text}\nends with {status}:\n{seen}")
            if not command.shown or _agree(command.shown, seen):
                return
            if not command.may_be_early or time.monotonic() > deadline:
                shown = "\n".join(command.shown)
                raise PageFailedError(f"$ {command.text}\nprints\n{seen}\nand the page says\n{shown}")

    def _start_node(self, command: Command) -> str:
        """Start the node in the place of the one before, and return what it prints once it can be reached."""
        self._stop_node()
        self._run(f"{self._here(command.text)} >serve.out 2>serve.log & node=$!")
        ready = self.folder / "certinel-data" / "node.json"
        deadline = time.monotonic() + READY_SECONDS
        greeting = self.folder / "serve.out"
        while not ready.exists() or " next " not in greeting.read_text():
            _, ended = self._run("sleep 0.1; kill -0 $node")
            if ended or time.monotonic() > deadline:
                log = (self.folder / "serve.log").read_text()
                raise PageFailedError(f"$ {command.text}\ndoes not start:\n{log}")
        ports = json.loads(ready.read_text())
        self._ports |= {number: ports[name] for name, number in _PORTS.items() if ports.get(name)}
        for name in _PORTS:  # kept when the page starts the node again
            self._run(f"export CERTINEL_{name.upper()}_PORT={ports[name] or 'off'}")
        return greeting.read_text()

    def _stop_node(self) -> None:
        self._run('[ -z "${node:-}" ] || { kill $node; wait $node; } || true; node=; rm -f certinel-data/node.json')

    def _run(self, line: str) -> tuple[str, int]:
        shell = self._shell or self._open()
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(f"{{ {line}\n}} </dev/null; printf '\\n{_END} %s\\n' $?\n")
        shell.stdin.flush()
        printed: list[str] = []
        impatience = threading.Timer(PATIENCE_SECONDS, os.killpg, (shell.pid, signal.SIGKILL))
        impatience.start()
        try:
            for written in shell.stdout:
                if written.startswith(_END):
                    return "".join(printed).removesuffix("\n"), int(written.removeprefix(_END))
                printed.append(written)
        finally:
            impatience.cancel()
        raise PageFailedError(f"$ {line}\ndoes not end in {PATIENCE_SECONDS} s:\n{''.join(printed)}")

    def _open(self) -> subprocess.Popen[str]:
        (self.folder / PAHO).symlink_to(PAHO_FILE)
        ports = {f"CERTINEL_{name.upper()}_PORT": "0" for name in _PORTS}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CERTINEL_", "XDG_"))},
            **ports,
            "PATH": f"{Path(sys.executable).parent}:{PATH}",
            "PYTHONPATH": str(SOURCES),
            "PYTHONUNBUFFERED": "1",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "110",
        }
        self._shell = subprocess.Popen(
            [*self.inside, "bash", "-o", "pipefail"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self._shell

    def _here(self, text: str) -> str:
        """Put the ports that the node really has in the place of the page's."""
        text = text.replace(_FOLDER, str(self.folder)).replace(DATABASE, self.database)
        return _PORT.sub(lambda found: str(self._ports.get(int(found[1]), found[1])), text)

    def _as_shown(self, text: str) -> str:
        text = text.replace(str(self.folder), _FOLDER)
        for shown, real in self._ports.items():
            text = re.sub(rf"\b{real}\b", str(shown), text)
        return text


def _agree(shown: tuple[str, ...], seen: str) -> bool:
    parts = [
        r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
        for line in shown
    ]
    return re.fullmatch("".join(parts), "".join(f"{line.rstrip()}\n" for line in seen.splitlines())) is not None
