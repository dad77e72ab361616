"""The static templates of SmartREST, from the table that reads them."""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from certinel.smartrest import values
from certinel.smartrest.message_ids import TEMPLATES, Field, Template
from certinel.smartrest.requests import Series

_KINDS: Final = {values.text: "text", values.fragment: "name", values.number: "number", values.moment: "time"}


def markdown() -> str:
    """Return a table of templates with their fields; those that may be left out stand in brackets."""
    rows = [f"| []{{#template-{id_}}}`{id_}` | {_row(id_, one)} | {one.meaning} |" for id_, one in TEMPLATES.items()]
    return "\n".join(["| id | row | what it does |", "|---|---|---|", *rows])


def _row(message_id: str, template: Template) -> str:
    names = list(inspect.signature(template.build).parameters)
    words = [message_id, *_words(names, template.fields)]
    text = ",".join(words)
    if template.group:
        text += ",(" + ",".join(_words([field.name for field in fields(Series)], template.group)) + ")…"
    return f"`{text}`"


def _words(names: list[str], described: tuple[Field, ...]) -> Iterator[str]:
    for name, field in zip(names, described, strict=False):
        word = name.rstrip("_")
        kind = _KINDS[field.read]
        shown = word if kind in {"text", word} else f"{word}:{kind}"
        yield shown if field.mandatory else f"[{shown}]"
