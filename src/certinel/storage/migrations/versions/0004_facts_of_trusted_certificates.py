"""Trusted certificates are found and sorted by what stands in them.

Revision 0004, after 0003. Only forward: to go back, restore a backup.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from certinel.domain.certificate import Certificate
from certinel.storage.column_types import RowNumber, UtcDateTime

revision = "0004"
down_revision = "0003"

ROWS_AT_ONCE = 500

trusted_certificate = sa.table(
    "trusted_certificate",
    sa.column("id", RowNumber),
    sa.column("der", sa.LargeBinary),
    sa.column("subject", sa.Text),
    sa.column("serial", sa.Text),
    sa.column("algorithm", sa.Text),
    sa.column("not_after", UtcDateTime),
)


def _facts(row: Any) -> dict[str, Any]:
    certificate = Certificate.parse(row.der)
    return {
        "of_id": row.id,
        "of_subject": certificate.subject_text,
        "of_serial": f"{certificate.serial_number:x}",
        "of_algorithm": certificate.algorithm_name,
        "of_not_after": certificate.not_after,
    }


def upgrade() -> None:
    """Add the columns, fill them from the certificates that are there, and let none be without."""
    # a default is what lets a column be added to rows without copying the table; every row is filled right after
    beginning = "0" if op.get_bind().dialect.name == "sqlite" else "'epoch'"
    for name in ("subject", "serial", "algorithm"):
        op.add_column("trusted_certificate", sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column(
        "trusted_certificate", sa.Column("not_after", UtcDateTime, nullable=False, server_default=sa.text(beginning))
    )
    columns = trusted_certificate.c
    filled = trusted_certificate.update().where(columns.id == sa.bindparam("of_id"))
    names = ("subject", "serial", "algorithm", "not_after")
    filled = filled.values({name: sa.bindparam(f"of_{name}", type_=columns[name].type) for name in names})
    last = 0
    while rows := list(
        op.get_bind().execute(
            sa.select(columns.id, columns.der).where(columns.id > last).order_by(columns.id).limit(ROWS_AT_ONCE)
        )
    ):
        op.get_bind().execute(filled, [_facts(row) for row in rows])
        last = rows[-1].id
    op.create_index("ix_trusted_certificate_tenant_id_not_after", "trusted_certificate", ["tenant_id", "not_after"])
    op.create_index("ix_trusted_certificate_tenant_id_serial", "trusted_certificate", ["tenant_id", "serial"])
