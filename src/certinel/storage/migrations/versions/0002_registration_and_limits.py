"""Single registration, limits of tenants, what users say of themselves, feature toggles.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

from certinel.storage.column_types import JsonDocument

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, empty for the rows that are there, and the table of feature toggles."""
    op.add_column("new_device_request", sa.Column("name", sa.Text()))
    op.add_column("new_device_request", sa.Column("fragments", JsonDocument))
    op.add_column("new_device_request", sa.Column("security_token_digest", sa.LargeBinary()))
    op.add_column(
        "new_device_request", sa.Column("wrong_tokens", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.create_index("ix_new_device_request_device_id", "new_device_request", ["device_id"])
    op.add_column("tenant", sa.Column("max_devices", sa.BigInteger()))
    op.add_column("tenant", sa.Column("max_users", sa.BigInteger()))
    op.add_column("user_account", sa.Column("profile", JsonDocument))
    op.create_table(
        "feature_toggle",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_feature_toggle_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "key", name="pk_feature_toggle"),
    )
