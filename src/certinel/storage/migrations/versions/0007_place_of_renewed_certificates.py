"""A renewed trusted certificate has the place of the one it renews among claims without proof.

Revision 0007, after 0006. Those that are there keep the place of their upload.
"""

import sqlalchemy as sa
from alembic import op

from certinel.storage.column_types import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column that is empty for most."""
    op.add_column("trusted_certificate", sa.Column("claims_since", UtcDateTime))
