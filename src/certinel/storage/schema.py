"""Brings a database's schema to what the program expects, by the migrations that ship inside the package."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from certinel.storage.errors import NewerSchemaError


def configuration(connection: Connection) -> Config:
    """Return Alembic's configuration for ``connection``, without any file."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "certinel.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config


def fault(connection: Connection, place: str) -> str | None:
    """Say what keeps this program from using the schema as it is; None when nothing does."""
    scripts = ScriptDirectory.from_config(configuration(connection))
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found:
        return "there are no tables of certinel in it"
    if unknown := found - {revision.revision for revision in scripts.walk_revisions()}:
        return str(NewerSchemaError(place, ", ".join(sorted(unknown))))
    if found != set(scripts.get_heads()):
        return f"it is of an older version (schema {', '.join(sorted(found))}); starting certinel brings it up to date"
    return None


def upgrade(connection: Connection, place: str) -> None:
    """Run the missing migrations inside the transaction of ``connection``."""
    config = configuration(connection)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= known:
        raise NewerSchemaError(place, ", ".join(sorted(found - known)))
    command.upgrade(config, "head")
