"""Every command of the command line, with the words of its ``--help``."""

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer.main

from certinel.cli import app

_TITLE_LEVELS = {2: "##", 3: "###", 4: "####"}
_KINDS = {int: "NUMBER", float: "NUMBER", Path: "PATH", list[Path]: "PATH", list[str]: "TEXT", str: "TEXT"}


def markdown() -> str:
    """Return one section a command: what it does, its arguments and its options."""
    return "\n\n".join(part for words, command in tree() for part in _section(words, command))


def tree() -> Iterator[tuple[str, Any]]:
    """Yield every command and group of commands, as it is typed, in the order of ``--help``."""
    root = typer.main.get_command(app)
    yield from _below("certinel", root.make_context("certinel", [], resilient_parsing=True))


def _below(words: str, context: Any) -> Iterator[tuple[str, Any]]:
    command = context.command  # what is imported late is here by now
    if words != "certinel":
        yield words, command
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        found = command.get_command(context, name)
        yield from _below(f"{words} {name}", found.make_context(name, [], context, resilient_parsing=True))


def _section(words: str, command: Any) -> Iterator[str]:
    level = _TITLE_LEVELS[min(len(words.split()), 4)]
    yield f"({anchor(words)})=\n{level} `{words}`"
    yield from _paragraphs(command.help or "")
    if hasattr(command, "list_commands"):
        if words == "certinel admin":
            yield from _shared_options()
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not getattr(one, "hidden", False)]
    usage = [words, *(_placeholder(one) for one in arguments), *(["[OPTIONS]"] if options else [])]
    yield f"```text\n{' '.join(usage)}\n```"
    rows = [f"| `{_placeholder(one)}` | {_told(one)} |" for one in arguments]
    shared = [one for one in options if getattr(one, "rich_help_panel", None)]
    rows += [f"| {_spelled(one)} | {_told(one)} |" for one in options if one not in shared]
    if shared:
        names = ", ".join(f"`{name}`" for one in shared for name in one.opts)
        rows.append(f"| {names} | [{shared[0].rich_help_panel}](#shared-options). |")
    if rows:
        yield _table(rows)


def _shared_options() -> Iterator[str]:
    """Tell the options that most commands of ``certinel admin`` have once, from the first that has them."""
    for _, command in tree():
        shared = [one for one in command.params if getattr(one, "rich_help_panel", None)]
        if len(shared) > 1:
            yield f"(shared-options)=\n**{shared[0].rich_help_panel}**, in each of these commands:"
            yield _table([f"| {_spelled(one)} | {_told(one)} |" for one in shared])
            return


def _table(rows: list[str]) -> str:
    return "\n".join(["| | |", "|---|---|", *rows])


def anchor(words: str) -> str:
    """Return the name under which other pages link to a command."""
    return "command-" + words.removeprefix("certinel ").replace(" ", ".")


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.split("\f", 1)[0].strip()):
        yield _safe(" ".join(paragraph.split()))


def _placeholder(argument: Any) -> str:
    name = argument.name.upper().replace("_", "-") + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _spelled(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag or option.count:
        return names
    kind = option.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"{names} " + " or ".join(f"`{one.value}`" for one in kind)
    return f"{names} {_KINDS.get(kind, 'TEXT')}"


def _told(param: Any) -> str:
    parts = [_safe(" ".join((param.help or "").split()))]
    if getattr(param, "multiple", False) and "epeatable" not in parts[0]:
        parts.append("Repeatable.")
    default = getattr(param.default, "value", param.default)
    if isinstance(default, str | int | float | Path) and not isinstance(default, bool) and str(default):
        parts.append(f"Default: `{default}`.")
    if getattr(param, "envvar", None):
        parts.append(f"Environment: `{param.envvar}`.")
    return " ".join(filter(None, parts))


def _safe(text: str) -> str:
    """Keep Markdown from reading anything into a plain sentence, except for code between backquotes."""
    return re.sub(r"([*_<>|\[\]])(?=(?:[^`]*`[^`]*`)*[^`]*$)", r"\\\1", text)
