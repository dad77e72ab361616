"""A program that runs beside the test: what it writes can be waited for, and lines can be typed to it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 30


@dataclass(slots=True)
class Program:
    """A running program and every line it has written so far, on either stream."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    ended: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def wait_until(self, holds: Callable[[], bool]) -> bool:
        """Look again after every line; false when the program, or patience, ended before it held."""
        with self.changed:
            self.changed.wait_for(lambda: holds() or self.ended, PATIENCE_SECONDS)
            return holds()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _follow(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()


@contextmanager
def started(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Iterator[Program]:
    """Start a program; it is ended, by force if need be, when the test is done with it."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    program = Program(process)
    reader = threading.Thread(target=program._follow, daemon=True)
    reader.start()
    try:
        yield program
    finally:
        _end(process)
        reader.join(PATIENCE_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_SECONDS)
    # What was typed last may never have been read: the program is gone.
    with suppress(BrokenPipeError):
        process.stdin.close()
