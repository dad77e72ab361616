"""The first schema.

Revision 0001, after nothing. Only forward: to go back, restore a backup.
"""

import sqlalchemy as sa
from alembic import op

from certinel.storage.column_types import JsonDocument, RowNumber, UtcDateTime

revision = "0001"
down_revision = None


def _create_registration() -> None:
    """Create what follows managed objects: groups, and devices that are expected."""
    op.create_index("ix_managed_object_tenant_id_owner", "managed_object", ["tenant_id", "owner"])
    op.create_index(
        "ix_managed_object_root_group",
        "managed_object",
        ["tenant_id"],
        sqlite_where=sa.text("type = 'c8y_DeviceGroup'"),
        postgresql_where=sa.text("type = 'c8y_DeviceGroup'"),
    )
    op.create_table(
        "managed_object_child",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", RowNumber, nullable=False, autoincrement=False),
        sa.Column("child_id", RowNumber, nullable=False, autoincrement=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "parent_id"],
            ["managed_object.tenant_id", "managed_object.id"],
            name="fk_managed_object_child_tenant_id_parent_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "child_id"],
            ["managed_object.tenant_id", "managed_object.id"],
            name="fk_managed_object_child_tenant_id_child_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "parent_id", "child_id", name="pk_managed_object_child"),
    )
    op.create_index("ix_managed_object_child_tenant_id_child_id", "managed_object_child", ["tenant_id", "child_id"])
    op.create_table(
        "new_device_request",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("group_id", RowNumber),
        sa.Column("type", sa.Text()),
        sa.Column("enrollment_hash", sa.Text()),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_new_device_request_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "device_id", name="pk_new_device_request"),
    )


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_jwk", JsonDocument, nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("retired_at", UtcDateTime),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("company", sa.Text()),
        sa.Column("admin_name", sa.Text()),
        sa.Column("admin_email", sa.Text()),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenant"),
        sa.UniqueConstraint("domain", name="uq_tenant_domain"),
    )
    op.create_table(
        "device_chain",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("leaf_sha256", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_device_chain_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "leaf_sha256", name="pk_device_chain"),
    )
    op.create_index("ix_device_chain_tenant_id_device_id", "device_chain", ["tenant_id", "device_id"])

    op.create_table(
        "managed_object",
        sa.Column("id", RowNumber, sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("type", sa.Text()),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("fragments", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_managed_object_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_managed_object"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_managed_object_tenant_id_id"),
        sqlite_autoincrement=True,
    )
    _create_registration()

    op.create_table(
        "tenant_option",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_tenant_option_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "category", "key", name="pk_tenant_option"),
    )
    op.create_table(
        "trusted_certificate",
        sa.Column("id", RowNumber, sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("auto_registration", sa.Boolean(), nullable=False),
        sa.Column("in_trust_store", sa.Boolean(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime, nullable=False),
        sa.Column("deleted_at", UtcDateTime),
        sa.Column("proven_at", UtcDateTime),
        sa.Column("verification_code", sa.Text()),
        sa.Column("verification_code_until", UtcDateTime),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_trusted_certificate_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_trusted_certificate"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_trusted_certificate_present",
        "trusted_certificate",
        ["tenant_id", "fingerprint"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    _create_tables_of_people()
    op.create_table(
        "external_id",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("managed_object_id", RowNumber, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "managed_object_id"],
            ["managed_object.tenant_id", "managed_object.id"],
            name="fk_external_id_tenant_id_managed_object_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "type", "value", name="pk_external_id"),
    )
    op.create_index("ix_external_id_tenant_id_managed_object_id", "external_id", ["tenant_id", "managed_object_id"])

    op.create_table(
        "measurement",
        sa.Column("id", RowNumber, sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("source_id", RowNumber, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("fragments", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "source_id"],
            ["managed_object.tenant_id", "managed_object.id"],
            name="fk_measurement_tenant_id_source_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_measurement"),
    )
    op.create_index("ix_measurement_tenant_id_source_id_time", "measurement", ["tenant_id", "source_id", "time"])
    op.create_index("ix_measurement_tenant_id_time", "measurement", ["tenant_id", "time"])

    op.create_table(
        "audit_record",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("recorded_at", UtcDateTime, nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_kind", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Text()),
        sa.Column("activity", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changes", JsonDocument, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "sequence", name="pk_audit_record"),
    )
    op.create_index("ix_audit_record_tenant_id_time", "audit_record", ["tenant_id", "time"])
    for column in ("type", "user_name", "source"):
        columns = ["tenant_id", column, "sequence"]
        op.create_index(f"ix_audit_record_tenant_id_{column}_sequence", "audit_record", columns)
    op.create_table(
        "audit_head",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_audit_head"),
    )

    op.create_table(
        "revoked_certificate",
        sa.Column("id", RowNumber, sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("issuer_digest", sa.LargeBinary(), nullable=False),
        sa.Column("issuer", sa.LargeBinary()),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_revoked_certificate_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_revoked_certificate"),
        sa.UniqueConstraint(
            "tenant_id", "serial", "issuer_digest", name="uq_revoked_certificate_tenant_id_serial_issuer_digest"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_revoked_certificate_tenant_id_id", "revoked_certificate", ["tenant_id", "id"])

    op.create_table(
        "revocation_list",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("issuer_certificate", sa.LargeBinary(), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_revocation_list_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_revocation_list"),
    )
    op.create_table(
        "authority_list",
        sa.Column("id", RowNumber, sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("issuer_digest", sa.Text(), nullable=False),
        sa.Column("issuer_certificate", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("this_update", UtcDateTime, nullable=False),
        sa.Column("next_update", UtcDateTime, nullable=False),
        sa.Column("uploaded_at", UtcDateTime, nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("serials", sa.LargeBinary(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_authority_list_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_authority_list"),
        sa.UniqueConstraint("tenant_id", "issuer_digest", name="uq_authority_list_tenant_id_issuer_digest"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "connection_attempt",
        sa.Column("id", RowNumber, nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("first_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text()),
        sa.Column("device", sa.Text()),
        sa.Column("address", sa.Text()),
        sa.Column("leaf_sha1", sa.Text()),
        sa.Column("leaf_sha256", sa.Text()),
        sa.Column("trusted_fingerprint", sa.Text()),
        sa.Column("details", JsonDocument, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name="fk_connection_attempt_tenant_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_connection_attempt"),
    )
    op.create_index("ix_connection_attempt_tenant_id_last_at_id", "connection_attempt", ["tenant_id", "last_at", "id"])
    op.create_index("ix_connection_attempt_last_at", "connection_attempt", ["last_at"])
    for column in ("outcome", "code", "device", "leaf_sha1", "leaf_sha256"):
        columns = ["tenant_id", column, "last_at"]
        op.create_index(f"ix_connection_attempt_tenant_id_{column}_last_at", "connection_attempt", columns)


def _create_tables_of_people() -> None:
    op.create_table(
        "user_account",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("groups", JsonDocument, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_user_account_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "name", name="pk_user_account"),
    )
    op.create_table(
        "ended_token",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_ended_token_tenant_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "token_id", name="pk_ended_token"),
    )
    op.create_index("ix_ended_token_expires_at", "ended_token", ["expires_at"])
