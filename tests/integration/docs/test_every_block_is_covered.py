"""No block of code comes into a page that nothing runs: each is executed, written and used, included, or a drawing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from certinel.cli import app
from support.page import DOCS, REPOSITORY, Block, Command, blocks, steps

PAGES = sorted(DOCS.rglob("*.md"))
READ_ME = [REPOSITORY / "README.md", REPOSITORY / "examples/README.md"]
RUN = ("howto", "tutorial")
"""Kinds of pages whose commands are typed in by the tests beside this one."""
TESTED_FOLDERS = ("deploy", "examples")
NO_CODE = {"{toctree}", "{glossary}", "{raw}"}
DRAWN = re.compile("[│└├─▲►]")
SEEN_ELSEWHERE = {
    ("howto/postgresql.md", "sql"): "test_guides_are_true.py runs its statements on a server",
    ("howto/container.md", "sh"): "nowhere: it takes a container engine and an image to build on",
    ("README.md", "sh"): "test_readme.py runs all of it",
    ("examples/README.md", "sh"): "tests/integration/examples run the programs; these words fetch what they stand on",
    ("examples/README.md", ""): "what tests/integration/examples wait for",
    ("README.md", "console"): "test_readme.py starts the node in its own way",
}


def name_of(page: Path) -> str:
    return page.relative_to(DOCS if page.is_relative_to(DOCS) else REPOSITORY).as_posix()


def uncovered(page: Path, block: Block) -> str | None:
    """What is wrong with a block: why nothing would notice if it were not true."""
    name, text = name_of(page), page.read_text()
    commands = [step.text for step in steps(text) if isinstance(step, Command)]
    if block.kind in NO_CODE or (name, block.kind) in SEEN_ELSEWHERE:
        return None
    if block.caption:
        used = any(Path(block.caption).name in command for command in commands)
        return None if used else f"{block.caption} is written, and no command of the page uses it"
    if block.kind == "console":
        return None if name.split("/", maxsplit=1)[0] in RUN else "commands of such a page are not run"
    if block.kind == "{literalinclude}":
        tested = block.included.is_file() and block.included.relative_to(REPOSITORY).parts[0] in TESTED_FOLDERS
        return None if tested else f"{block.argument} is not among the files that are tested"
    if block.kind == "text" and DRAWN.search(block.text):
        return None
    return f"a block of {block.kind or 'nothing'} is not run: {block.text.splitlines()[0]}"


@pytest.mark.parametrize("page", [*PAGES, *READ_ME], ids=name_of)
def test_every_block_of_the_page_is_covered(page: Path) -> None:
    assert [fault for block in blocks(page.read_text()) if (fault := uncovered(page, block))] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_code_is_only_indented(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"(?<=\n\n)    .*", prose) == []


def test_block_that_nothing_runs_is_found() -> None:
    page = DOCS / "howto/index.md"
    found = {fence: uncovered(page, *blocks(fence)) for fence in ("```sh\nls\n```\n", "```text\nplain\n```\n")}
    assert all(found.values())


# Commands within sentences


def commands_within_sentences(page: Path) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`(certinel [^`]+)`(?!`)", prose)]


def unknown(words: list[str]) -> str | None:
    """Say which word is no command, or no option of it."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("certinel", [], resilient_parsing=True)
    options = {name for option in command.params for name in option.opts}
    for word in words:
        if word.startswith("--"):
            if word.partition("=")[0] not in options | {"--help"}:
                return word
        elif hasattr(command, "get_command"):
            inner = command.get_command(context, word)
            if inner is None:
                return word
            command, context = inner, inner.make_context(word, [], context, resilient_parsing=True)
            options |= {name for option in context.command.params for name in (*option.opts, *option.secondary_opts)}
            command = context.command
    return None


@pytest.mark.parametrize("page", [*PAGES, *READ_ME], ids=name_of)
def test_commands_within_sentences_exist_with_their_options(page: Path) -> None:
    found = commands_within_sentences(page)
    assert [one for one in found if unknown(shlex.split(one)[1:])] == []


def test_command_that_does_not_exist_is_found() -> None:
    assert unknown(["admin", "trusted-certificate", "upload", "ca.pem", "--key=ca.key"]) is None
    assert unknown(["admin", "trusted-certificat"]) == "trusted-certificat"
    assert unknown(["pki", "ca", "--no-such-option"]) == "--no-such-option"
