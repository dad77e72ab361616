"""${message}.

Revision ${up_revision}, after ${down_revision | comma,n}. Only forward: to go back, restore a backup.
"""

import sqlalchemy as sa
from alembic import op

${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Change the schema."""
    ${upgrades if upgrades else "pass"}
