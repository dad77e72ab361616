"""Called by Alembic: runs migrations on the connection that ``certinel.storage.schema`` hands over."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from certinel.storage import column_types
from certinel.storage.tables import metadata


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types by their names into a new migration."""
    for name in ("UtcDateTime", "JsonDocument", "RowNumber"):
        ours = getattr(column_types, name)
        if kind == "type" and (item is ours or type(item) is ours):
            autogen.imports.add(f"from certinel.storage.column_types import {name}")
            return name
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render_item,
    # SQLite cannot alter most of a table: Alembic copies it instead.
    render_as_batch=True,
)
context.run_migrations()
