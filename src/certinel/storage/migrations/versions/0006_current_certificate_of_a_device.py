"""The current certificate of a device is found by one index, whatever the engine thinks of the others.

Revision 0006, after 0005.
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Put another index in the place of the one by device."""
    op.drop_index("ix_device_certificate_tenant_id_user_name", "device_certificate")
    op.create_index(
        "ix_device_certificate_tenant_id_user_name_is_current",
        "device_certificate",
        ["tenant_id", "user_name", "is_current"],
    )
