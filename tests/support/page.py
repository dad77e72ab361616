"""A page of the documentation as what its reader does: files written, commands typed, outputs compared.

* A ``console`` block holds commands (after ``$``; lines after ``>`` go on with them) and what they print. ``…`` within
  a line stands for any text, on a line of its own for any number of lines. Output that a page does not show may be
  anything. ``^C`` stops the node.
* A ``{code-block}`` with a caption is a file of that name, and so is a ``{literalinclude}`` with one.
* ``after: PAGE, SECTION`` at the top: the page goes on where that section of another page ends.
* ``needs: PROGRAM…`` at the top: without one of these the page is not for this machine.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.client_programs import ECLIPSE_PAHO, REPOSITORY

DOCS = REPOSITORY / "docs"
PAHO = "paho.jar"
"""What pages call Eclipse Paho for Java, which set-up fetches."""
(PAHO_FILE,) = ECLIPSE_PAHO.jars
PATH = f"{os.environ['PATH']}:/usr/sbin"
POSTGRESQL, SYSTEMD = "postgresql", "systemd"
"""What some pages need besides programs; the tests of these pages make it."""
_BLOCK = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)$", re.MULTILINE | re.DOTALL)
_OPTIONS = re.compile(r"\A(?::[a-z-]+:.*\n)+\n?")
_OPTION = re.compile(r"^:([a-z-]+): *(.*)$", re.MULTILINE)
_NEEDS = re.compile(r"^needs: (.+)$", re.MULTILINE)
_AFTER = re.compile(r"^after: ([^\s,]+), (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between fences."""

    kind: str
    """The language, or the directive with its braces."""
    argument: str
    options: dict[str, str]
    text: str

    @property
    def caption(self) -> str | None:
        return self.options.get("caption")

    @property
    def included(self) -> Path:
        """The file that it includes; pages are one folder below the top."""
        return (DOCS / "howto" / self.argument).resolve()


STOP = "^C"
"""What a terminal shows when somebody stops the node."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page and the output that the page shows for it."""

    text: str
    shown: tuple[str, ...]

    @property
    def is_node(self) -> bool:
        """Whether it is a node, which runs on."""
        return re.search(r"(^| )certinel serve( |$)", self.text) is not None

    @property
    def shows_a_failure(self) -> bool:
        """Whether it may fail: only if the page shows words of what it then prints."""
        return any(line.strip(" …") for line in self.shown)

    @property
    def may_be_early(self) -> bool:
        """Whether it asks for what is stored only a moment after it happened: who came, and with which chain."""
        return re.search(r"\battempts\b|connectionAttempts|/rehearsals/|/expiries/", self.text) is not None


@dataclass(frozen=True, slots=True)
class File:
    """A file that the page tells the reader to write."""

    name: str
    content: str


def steps(page: str) -> Iterator[Command | File]:
    """Yield what a reader of ``page`` does, in order."""
    for block in blocks(page):
        if block.kind == "console":
            yield from _commands(block.text)
        elif block.caption and block.kind == "{code-block}":
            yield File(block.caption, block.text)
        elif block.caption and block.kind == "{literalinclude}":
            yield File(block.caption, block.included.read_text())


def _commands(block: str) -> Iterator[Command]:
    text, shown = "", list[str]()
    for line in block.splitlines():
        if line.startswith("$ ") or line == STOP:
            if text:
                yield Command(text, tuple(shown))
            text, shown = line.removeprefix("$ "), []
        elif line.startswith("> ") and not shown:
            text += "\n" + line.removeprefix("> ")
        else:
            shown.append(line)
    if text:
        yield Command(text, tuple(shown))


def pages_with_commands(kind: str) -> list[str]:
    """Return the pages of a kind that have something to run, but for those that need a system made for them."""
    texts = {path.relative_to(DOCS).as_posix(): path.read_text() for path in sorted(DOCS.glob(f"{kind}/*.md"))}
    return [name for name, text in texts.items() if any(steps(text)) and not _needs(text) & {POSTGRESQL, SYSTEMD}]


def before(page: str) -> str:
    """Return what a reader has followed already: a page up to the end of the section that ``after`` names."""
    named = _AFTER.search(page)
    if named is None:
        return ""
    text = (DOCS / named[1]).read_text()
    start = text.index(f"\n## {named[2].strip()}\n") + 1
    end = text.find("\n## ", start)
    return text if end < 0 else text[:end]


def missing_programs(page: str) -> list[str]:
    """Return the programs that the page needs (``needs:`` at its top) and this machine lacks."""
    return sorted(name for name in _needs(page) - {POSTGRESQL, SYSTEMD} if program(name) is None)


def _needs(page: str) -> set[str]:
    named = _NEEDS.search(page)
    return set(named[1].split()) if named else set()


def program(name: str) -> str | None:
    """Find what pages need: a program, also of those that are in administrators' PATH only, or the jar."""
    if name == PAHO:
        return str(PAHO_FILE) if PAHO_FILE.exists() else None
    return shutil.which(name, path=PATH)


def blocks(page: str) -> Iterator[Block]:
    """Yield everything in ``page`` that stands between fences."""
    for found in _BLOCK.finditer(page):
        kind, _, argument = found["info"].strip().partition(" ")
        options = _OPTIONS.match(found["body"]) if kind.startswith("{") else None
        text = found["body"][options.end() :] if options else found["body"]
        yield Block(kind, argument, dict(_OPTION.findall(options[0])) if options else {}, text)
