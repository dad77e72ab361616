"""What is told of the certificates of devices, and how many attempts there were in each hour.

Revision 0003, after 0002. Only forward: to go back, restore a backup.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from certinel.domain.certificate import Certificate, MalformedCertificateError
from certinel.storage.column_types import UtcDateTime

revision = "0003"
down_revision = "0002"

LENGTH_BYTES = 4
ROWS_AT_ONCE = 1000

device_chain = sa.table(
    "device_chain",
    sa.column("tenant_id", sa.Text),
    sa.column("leaf_sha256", sa.Text),
    sa.column("device_id", sa.Text),
    sa.column("chain", sa.LargeBinary),
    sa.column("seen_at", UtcDateTime),
)
user_account = sa.table("user_account", sa.column("tenant_id", sa.Text), sa.column("name", sa.Text))
connection_attempt = sa.table(
    "connection_attempt",
    sa.column("tenant_id", sa.Text),
    sa.column("code", sa.Text),
    sa.column("last_at", UtcDateTime),
    sa.column("times", sa.BigInteger),
)


def _create_device_certificate() -> sa.Table:
    table = op.create_table(
        "device_certificate",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("sha1", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Column("not_after", UtcDateTime, nullable=False),
        sa.Column("trusted_fingerprint", sa.Text()),
        sa.Column("first_seen_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_name"],
            ["user_account.tenant_id", "user_account.name"],
            name="fk_device_certificate_tenant_id_user_name",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "sha256", name="pk_device_certificate"),
    )
    for columns in (
        ["tenant_id", "user_name"],
        ["tenant_id", "is_current", "not_after"],
        ["tenant_id", "trusted_fingerprint"],
        ["tenant_id", "serial"],
        ["tenant_id", "sha1"],
    ):
        op.create_index("_".join(["ix_device_certificate", *columns]), "device_certificate", columns)
    return table


def _create_connection_count() -> sa.Table:
    return op.create_table(
        "connection_count",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("hour", UtcDateTime, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_connection_count_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "hour", "code", name="pk_connection_count"),
    )


def _facts(row: Any) -> dict[str, Any] | None:
    end = LENGTH_BYTES + int.from_bytes(row.chain[:LENGTH_BYTES], "big")
    try:
        leaf = Certificate.parse(row.chain[LENGTH_BYTES:end])
    except MalformedCertificateError:
        return None
    return {
        "tenant_id": row.tenant_id,
        "sha256": row.leaf_sha256,
        "user_name": f"device_{row.device_id}",
        "sha1": leaf.fingerprint,
        "serial": f"{leaf.serial_number:x}",
        "subject": leaf.subject_text,
        "issuer": leaf.issuer_text,
        "not_before": leaf.not_before,
        "not_after": leaf.not_after,
        "trusted_fingerprint": None,
        "first_seen_at": row.seen_at,
        "last_seen_at": row.seen_at,
        "is_current": False,
    }


def _chains() -> Iterator[list[Any]]:
    """Yield the chains of the devices that are still there, some at a time."""
    after = ("", "")
    columns = (device_chain.c.tenant_id, device_chain.c.leaf_sha256)
    user = sa.and_(
        user_account.c.tenant_id == device_chain.c.tenant_id,
        user_account.c.name == sa.literal("device_") + device_chain.c.device_id,
    )
    while True:
        statement = sa.select(device_chain).join(user_account, user).where(sa.tuple_(*columns) > after)
        rows = list(op.get_bind().execute(statement.order_by(*columns).limit(ROWS_AT_ONCE)))
        if not rows:
            return
        yield rows
        after = (rows[-1].tenant_id, rows[-1].leaf_sha256)


def upgrade() -> None:
    """Make the tables, and fill them with what is known already."""
    op.create_index("ix_managed_object_tenant_id_name", "managed_object", ["tenant_id", "name"])
    certificates = _create_device_certificate()
    latest: dict[tuple[str, str], Any] = {}
    for rows in _chains():
        facts = [known for row in rows if (known := _facts(row)) is not None]
        if facts:
            op.bulk_insert(certificates, facts)
        for one in facts:
            device = (one["tenant_id"], one["user_name"])
            if device not in latest or latest[device][0] < one["last_seen_at"]:
                latest[device] = (one["last_seen_at"], one["sha256"])
    if latest:
        current = certificates.update().values(is_current=True)
        current = current.where(
            certificates.c.tenant_id == sa.bindparam("of_tenant"), certificates.c.sha256 == sa.bindparam("of_sha256")
        )
        rows_of = [{"of_tenant": tenant, "of_sha256": sha256} for (tenant, _), (_, sha256) in latest.items()]
        op.get_bind().execute(current, rows_of)
    counts: Counter[tuple[str, Any, str]] = Counter()
    for row in op.get_bind().execute(sa.select(connection_attempt)):
        counts[row.tenant_id, row.last_at.replace(minute=0, second=0, microsecond=0), row.code] += row.times
    counted = _create_connection_count()
    if counts:
        op.bulk_insert(
            counted,
            [{"tenant_id": of, "hour": hour, "code": code, "times": n} for (of, hour, code), n in counts.items()],
        )
