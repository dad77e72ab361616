"""Every setting, from ``certinel.config``."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from certinel.cli.serve import serve
from certinel.config import Settings

_WORDS = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text", Path: "file or folder"}
_BOUNDS = {Ge: ("ge", "at least"), Gt: ("gt", "more than"), Le: ("le", "at most"), Lt: ("lt", "less than")}


def markdown() -> str:
    """Return one section a group of settings, and one a setting in it."""
    loose = {name: field for name, field in Settings.model_fields.items() if _section(field) is None}
    parts = ["## The node", *_entries("", loose)]
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is not None:
            parts += [f"## `[{name}]`", _flat(section.__doc__), *_entries(f"{name}.", section.model_fields)]
    return "\n\n".join(parts)


def names() -> Iterator[str]:
    """Yield every setting as it is called in the file."""
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is None:
            yield name
        else:
            yield from (f"{name}.{inner}" for inner in section.model_fields)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _entries(prefix: str, fields: dict[str, FieldInfo]) -> Iterator[str]:
    for name, field in fields.items():
        full = prefix + name
        yield f"(setting-{full.replace('.', '-')})=\n### `{full}`"
        yield _flat(field.description)
        facts = [f"Value: {_kind(field)}", f"Default: {_default(field)}", f"Environment: `{environment(full)}`"]
        if not prefix and name in serve.__annotations__:
            facts.append(f"Option of `certinel serve`: `--{name.replace('_', '-')}`")
        yield "\n".join(f"* {fact}" for fact in facts)


def environment(name: str) -> str:
    """Return the variable that gives the setting ``name``."""
    return "CERTINEL_" + name.upper().replace(".", "__")


def _kind(field: FieldInfo) -> str:
    kind, bounds = field.annotation, list(field.metadata)
    for inner in get_args(kind):
        if inner is type(None):
            continue
        if get_origin(kind) is not Literal and get_origin(inner) is not None:  # Port | None
            kind, *more = get_args(inner)
            for one in more:
                bounds += getattr(one, "metadata", [one])
            break
        if get_origin(kind) is not Literal and get_origin(kind) is not tuple:
            kind = inner
            break
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "list of texts; in the environment with commas between them"
    if kind is SecretStr:
        return "text, kept out of logs and errors"
    words = [_WORDS.get(kind, "text"), *_bounds(bounds)]  # type: ignore[arg-type]  # a plain type by now
    return ", ".join(words)


def _bounds(constraints: Iterable[Any]) -> Iterator[str]:
    for constraint in constraints:
        for kind, (attribute, words) in _BOUNDS.items():
            if isinstance(constraint, kind):
                yield f"{words} {getattr(constraint, attribute)}"


def _default(field: FieldInfo) -> str:
    match field.default:
        case None:
            return "none"
        case ():
            return "empty"
        case bool() as value:
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def _flat(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").split())
