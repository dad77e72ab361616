"""Options that the operator has fixed.

Revision 0005, after 0004. Only forward: to go back, restore a backup.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; every option that is there stays one that its tenant may change."""
    op.add_column("tenant_option", sa.Column("editable", sa.Boolean(), nullable=False, server_default=sa.true()))
