"""Looking into JSON columns: the one thing the two engines write differently."""

from typing import Any

from sqlalchemy import ColumnElement, ColumnExpressionArgument, and_, exists, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSONPATH

from certinel.storage.engine import EngineName

Json = ColumnElement[Any]


def has_key(engine: EngineName, document: Json, key: str) -> ColumnElement[bool]:
    """Whether the object ``document`` has ``key`` at its top."""
    if engine == "postgresql":
        return func.jsonb_exists(document, key)
    entry = func.json_each(document).table_valued("key")
    return exists(select(1).select_from(entry).where(entry.c.key == key))


def has_inner_key(engine: EngineName, document: Json, outer: str | None, inner: str) -> ColumnElement[bool]:
    """Whether the value of ``outer``, or of any key if that is None, is an object with the key ``inner``."""
    if engine == "postgresql":
        if outer is not None:
            return _is_object_with(document.op("->")(outer), inner)
        entry = func.jsonb_each(document).table_valued("key", "value")
        return exists(select(1).select_from(entry).where(_is_object_with(entry.c.value, inner)))
    top = func.json_tree(document).table_valued("id", "key", "path", name="top_entry")
    below = func.json_tree(document).table_valued("key", "parent", name="inner_entry")
    conditions: list[ColumnExpressionArgument[bool]] = [
        top.c.path == "$",
        top.c.key.is_not(None),
        below.c.parent == top.c.id,
        below.c.key == inner,
    ]
    if outer is not None:
        conditions.append(top.c.key == outer)
    return exists(select(1).select_from(top.join(below, true())).where(*conditions))


def _is_object_with(value: Json, key: str) -> ColumnElement[bool]:
    # Of texts and lists jsonb_exists would look at the contents.
    return and_(func.jsonb_typeof(value) == "object", func.jsonb_exists(value, key))


def has_text(engine: EngineName, document: Json, text: str) -> ColumnElement[bool]:
    """Whether any property of ``document``, however deep, is exactly ``text``."""
    if engine == "postgresql":
        path = literal_column("'strict $.** ? (@ == $text)'", JSONPATH)
        return func.jsonb_path_exists(document, path, func.jsonb_build_object("text", text))
    entry = func.json_tree(document).table_valued("type", "atom")
    return exists(select(1).select_from(entry).where(entry.c.type == "text", entry.c.atom == text))
