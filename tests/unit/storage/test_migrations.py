"""The migrations as a chain."""

from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

from certinel.storage import migrations


def test_migrations_are_one_chain_in_the_order_of_their_numbers() -> None:
    folder = Path(migrations.__file__).parent
    chain = [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()]
    numbers = sorted(file.name[:4] for file in (folder / "versions").glob("[0-9]*.py"))
    assert chain[::-1] == numbers
