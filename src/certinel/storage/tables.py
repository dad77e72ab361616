"""The tables. A change here needs a migration; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from certinel.storage.column_types import JsonDocument, RowNumber, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _of_tenant(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "tenant_id", Text, ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False
    )


tenant = Table(
    "tenant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("domain", Text, unique=True),
    Column("status", Text, nullable=False),
    Column("company", Text),
    Column("admin_name", Text),
    Column("admin_email", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("max_devices", BigInteger),
    Column("max_users", BigInteger),
)

user_account = Table(
    "user_account",
    metadata,
    _of_tenant(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("password_hash", Text),
    Column("groups", JsonDocument, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("profile", JsonDocument),
)

trusted_certificate = Table(
    "trusted_certificate",
    metadata,
    Column("id", RowNumber, Identity(), primary_key=True),
    _of_tenant(),
    Column("fingerprint", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("auto_registration", Boolean, nullable=False),
    Column("in_trust_store", Boolean, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("claims_since", UtcDateTime),
    Column("deleted_at", UtcDateTime),
    Column("proven_at", UtcDateTime),
    Column("verification_code", Text),
    Column("verification_code_until", UtcDateTime),
    # what stands in `der`, to find and to sort by
    Column("subject", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("not_after", UtcDateTime, nullable=False),
    Index(None, "tenant_id", "not_after"),
    Index(None, "tenant_id", "serial"),
    sqlite_autoincrement=True,
)
Index(
    "uq_trusted_certificate_present",
    trusted_certificate.c.tenant_id,
    trusted_certificate.c.fingerprint,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)

tenant_option = Table(
    "tenant_option",
    metadata,
    _of_tenant(primary_key=True),
    Column("category", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("editable", Boolean, nullable=False, server_default=true()),
)

# What differs from the platform's own choice, tenant by tenant.
feature_toggle = Table(
    "feature_toggle",
    metadata,
    _of_tenant(primary_key=True),
    Column("key", Text, primary_key=True),
    Column("active", Boolean, nullable=False),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_jwk", JsonDocument, nullable=False),
    Column("private_sealed", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
)

# Tokens that were ended before their time; all nodes look here.
ended_token = Table(
    "ended_token",
    metadata,
    _of_tenant(primary_key=True),
    Column("token_id", Text, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)

# Keys of managed objects are never given out twice, since clients keep them: hence AUTOINCREMENT on SQLite.
managed_object = Table(
    "managed_object",
    metadata,
    Column("id", RowNumber, Identity(), primary_key=True),
    _of_tenant(),
    Column("name", Text),
    Column("type", Text),
    Column("owner", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("fragments", JsonDocument, nullable=False),
    UniqueConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "owner"),
    Index(None, "tenant_id", "name"),
    sqlite_autoincrement=True,
)

# Groups are looked for by path whenever devices are registered in bulk.
Index(
    "ix_managed_object_root_group",
    managed_object.c.tenant_id,
    sqlite_where=text("type = 'c8y_DeviceGroup'"),
    postgresql_where=text("type = 'c8y_DeviceGroup'"),
)

# The references below name the tenant too, so that nothing can point into another tenant.
external_id = Table(
    "external_id",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("managed_object_id", RowNumber, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "managed_object_id"], ["managed_object.tenant_id", "managed_object.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "managed_object_id"),
)

# Which object belongs to which: devices and groups of devices to a group (kind ASSET).
managed_object_child = Table(
    "managed_object_child",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("parent_id", RowNumber, primary_key=True, autoincrement=False),
    Column("child_id", RowNumber, primary_key=True, autoincrement=False),
    ForeignKeyConstraint(
        ["tenant_id", "parent_id"], ["managed_object.tenant_id", "managed_object.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["tenant_id", "child_id"], ["managed_object.tenant_id", "managed_object.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "child_id"),
)

new_device_request = Table(
    "new_device_request",
    metadata,
    _of_tenant(primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("group_id", RowNumber),
    Column("type", Text),
    Column("enrollment_hash", Text),
    Column("name", Text),
    Column("fragments", JsonDocument),
    Column("security_token_digest", LargeBinary),
    Column("wrong_tokens", BigInteger, nullable=False, server_default=text("0")),
    Index(None, "device_id"),
)

measurement = Table(
    "measurement",
    metadata,
    Column("id", RowNumber, Identity(), primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("source_id", RowNumber, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("fragments", JsonDocument, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "source_id"], ["managed_object.tenant_id", "managed_object.id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "source_id", "time"),
    Index(None, "tenant_id", "time"),
)

device_chain = Table(
    "device_chain",
    metadata,
    _of_tenant(primary_key=True),
    Column("leaf_sha256", Text, primary_key=True),
    Column("device_id", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "tenant_id", "device_id"),
)

# What is told of the certificates that devices were admitted with; `device_chain` has the bytes. Of a device one is
# current: the one it connected with last.
device_certificate = Table(
    "device_certificate",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("user_name", Text, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime, nullable=False),
    Column("trusted_fingerprint", Text),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("is_current", Boolean, nullable=False),
    ForeignKeyConstraint(
        ["tenant_id", "user_name"], ["user_account.tenant_id", "user_account.name"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "user_name", "is_current"),
    Index(None, "tenant_id", "is_current", "not_after"),
    Index(None, "tenant_id", "trusted_fingerprint"),
    Index(None, "tenant_id", "serial"),
    Index(None, "tenant_id", "sha1"),
)

# The two of the audit log refer to no tenant: what was done outlives whom it was done to.
audit_record = Table(
    "audit_record",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("user_kind", Text, nullable=False),
    Column("reported_by", Text),
    Column("activity", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("changes", JsonDocument, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index(None, "tenant_id", "time"),
    Index(None, "tenant_id", "type", "sequence"),
    Index(None, "tenant_id", "user_name", "sequence"),
    Index(None, "tenant_id", "source", "sequence"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# What a tenant has revoked itself. The number of an entry says in which order they were committed (see the statements),
# so that a node can read what is new. Entries stay for ever. The columns are what memory wants, without conversion: a
# node reads a million of them when it starts.
revoked_certificate = Table(
    "revoked_certificate",
    metadata,
    Column("id", RowNumber, Identity(), primary_key=True),
    _of_tenant(),
    Column("serial", LargeBinary, nullable=False),
    Column("issuer_digest", LargeBinary, nullable=False),
    Column("issuer", LargeBinary),
    Column("revoked_at_ms", BigInteger, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "serial", "issuer_digest"),
    Index(None, "tenant_id", "id"),
    sqlite_autoincrement=True,
)

# The list that the platform signs of it: by which key, and how often.
revocation_list = Table(
    "revocation_list",
    metadata,
    _of_tenant(primary_key=True),
    Column("issuer_certificate", LargeBinary, nullable=False),
    Column("private_sealed", LargeBinary, nullable=False),
    Column("number", BigInteger, nullable=False),
)

# Lists of CAs, uploaded by a tenant; `serials` is all that admission needs of `der`.
authority_list = Table(
    "authority_list",
    metadata,
    Column("id", RowNumber, Identity(), primary_key=True),
    _of_tenant(),
    Column("issuer_digest", Text, nullable=False),
    Column("issuer_certificate", LargeBinary, nullable=False),
    Column("number", Text),
    Column("this_update", UtcDateTime, nullable=False),
    Column("next_update", UtcDateTime, nullable=False),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("entry_count", BigInteger, nullable=False),
    Column("serials", LargeBinary, nullable=False),
    Column("der", LargeBinary, nullable=False),
    UniqueConstraint("tenant_id", "issuer_digest"),
    sqlite_autoincrement=True,
)

# Ids are made by the node that stores the attempt, so that many rows go in at once.
connection_attempt = Table(
    "connection_attempt",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=False),
    _of_tenant(),
    Column("outcome", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("client_id", Text),
    Column("device", Text),
    Column("address", Text),
    Column("leaf_sha1", Text),
    Column("leaf_sha256", Text),
    Column("trusted_fingerprint", Text),
    Column("details", JsonDocument, nullable=False),
    Index(None, "tenant_id", "last_at", "id"),
    Index(None, "tenant_id", "outcome", "last_at"),
    Index(None, "tenant_id", "code", "last_at"),
    Index(None, "tenant_id", "device", "last_at"),
    Index(None, "tenant_id", "leaf_sha1", "last_at"),
    Index(None, "tenant_id", "leaf_sha256", "last_at"),
    Index(None, "last_at"),
)

# How many attempts ended with each code within each hour: counted as they are stored, so that nobody counts them later.
connection_count = Table(
    "connection_count",
    metadata,
    _of_tenant(primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("times", BigInteger, nullable=False),
)
