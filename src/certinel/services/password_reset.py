"""The emergency: nobody can sign in any more, but somebody holds the database.

Asks nobody whether they may: who can open the database can change it anyway. It only leaves a record.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from certinel.domain.audit import PLATFORM, AuditEntry, AuditType, Change, Severity
from certinel.domain.identifiers import TenantId
from certinel.domain.role import ADMINS, UserKind
from certinel.domain.tenant import Tenant
from certinel.domain.user_account import UserAccount
from certinel.services import audit, tenants
from certinel.services.user_administration import DeviceUserFixedError
from certinel.services.users import get
from certinel.storage import users
from certinel.storage.engine import Transaction


@dataclass(frozen=True, slots=True)
class PasswordReset:
    """Whose password was set anew."""

    account: UserAccount
    was_enabled: bool
    tenant: Tenant

    @property
    def is_administrator(self) -> bool:
        """Whether the user can administer the tenant."""
        return ADMINS in self.account.groups


async def reset_password(
    tx: Transaction, tenant: TenantId, name: str, password_hash: str, at: datetime
) -> PasswordReset:
    """Give a person another password and enable them; what was signed in with the old one ends with the commit.

    Nodes are not told: sessions over MQTT that were opened with the old password go on where a node is running.

    Raises:
        TenantNotFoundError, UserNotFoundError, DeviceUserFixedError: there is no such person.
    """
    found = await tenants.get(tx, tenant)
    await users.lock(tx, tenant, name)
    before = await get(tx, tenant, name)
    if before.kind is UserKind.DEVICE:
        raise DeviceUserFixedError
    after = replace(before, is_enabled=True, password_hash=password_hash)
    await users.save(tx, after)
    changes = [Change("password", None, None)]
    if not before.is_enabled:
        changes.append(Change("enabled", "false", "true"))
    audit.record(
        tx,
        AuditEntry(
            tenant=tenant,
            by=PLATFORM,
            type=AuditType.USER,
            source=name,
            activity=f"User updated: '{name}'.",
            text=f"User: '{name}'.\n Password reset by who operates the database.",
            time=at,
            severity=Severity.MAJOR,
            recorded_at=at,
            changes=tuple(changes),
        ),
    )
    return PasswordReset(after, before.is_enabled, found)
