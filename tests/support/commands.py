"""Runs other people's programs the way a person at a terminal does, but without one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended and what it said, on either stream."""

    command: str
    status: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        return self.output + self.errors

    def succeeded(self) -> Outcome:
        assert self.status == 0, f"{self.command}\nexit status {self.status}\n{self.text}"
        return self


def run(
    *command: str | Path,
    answers: Sequence[str] = (),
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a program to its end; ``answers`` are the lines a person would type.

    The program has no controlling terminal, so what asks for a password at "the terminal" reads the same answers.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=folder,
        input="".join(f"{line}\n" for line in answers),
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        text=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        start_new_session=True,
    )
    return Outcome(" ".join(words), done.returncode, done.stdout, done.stderr)


def shell(line: str, *, answers: Sequence[str] = (), folder: Path | None = None) -> Outcome:
    """Run a line of shell, as copied from a page. Fails when any part of a pipe fails."""
    return run("bash", "-o", "pipefail", "-c", line, answers=answers, folder=folder)
