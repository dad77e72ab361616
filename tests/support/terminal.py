"""A person at a terminal: a program that is asked questions of, and sees how wide its window is."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.commands import PATIENCE_SECONDS, Outcome

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def typed(
    *command: str | Path,
    replies: Sequence[tuple[str, str]] = (),
    environment: Mapping[str, str] | None = None,
    columns: int = 80,
) -> Outcome:
    """Run a program in a terminal of its own; each reply is typed once its question is on the screen.

    Give a question with the blank at its end: before that, what is typed in place of a password is thrown away.

    Everything the program writes is its output, whichever stream it goes to, without colours.
    """
    screen, side = os.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    words = [str(word) for word in command]
    inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    try:
        with subprocess.Popen(
            words,
            stdin=side,
            stdout=side,
            stderr=side,
            env={**inherited, "LC_ALL": "C.UTF-8", "TERM": "xterm", **(environment or {})},
            start_new_session=True,
        ) as process:
            os.close(side)
            try:
                shown = _watched(screen, list(replies))
                status = process.wait(PATIENCE_SECONDS)
            finally:
                process.kill()
    finally:
        os.close(screen)
    return Outcome(" ".join(words), status, _ESCAPES.sub("", shown).replace("\r\n", "\n"), "")


def _watched(screen: int, replies: list[tuple[str, str]]) -> str:
    shown, seen = b"", 0
    while select.select([screen], [], [], PATIENCE_SECONDS)[0]:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # what Linux says when the other side is closed
            return shown.decode(errors="replace")
        shown += piece
        if replies and replies[0][0].encode() in shown[seen:]:
            seen = len(shown)
            os.write(screen, f"{replies.pop(0)[1]}\n".encode())
    raise AssertionError(f"nothing more came: {shown!r}")
