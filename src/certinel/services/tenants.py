"""Which tenants there are, which one a caller means, and how tenants come and go."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from certinel.bus.messages import TenantChanged
from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType, Change
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.role import ADMINS
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.domain.user_account import UserAccount
from certinel.services import audit
from certinel.services.platform import Platform
from certinel.storage import audit_records, tenants, users
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest
from certinel.storage.tenants import TenantFilter

_GENERATED_IDS = 10**9
"""An id that nobody chose is ``t`` and a random number below this."""


class TenantNotFoundError(DeviceIdentityError):
    """There is no such tenant."""

    code = "tenant/not-found"

    def __init__(self, tenant: str) -> None:
        super().__init__(f"There is no tenant with id = {tenant}")
        self.tenant = tenant


class TenantAlreadyExistsError(DeviceIdentityError):
    """The id or the domain is taken; or the id was, and its audit log is still there."""

    code = "tenant/already-exists"

    def __init__(self) -> None:
        super().__init__("The id or the domain of the tenant is taken.")


class ManagementTenantError(DeviceIdentityError):
    """The operator's own tenant would be gone, and nobody could bring it back."""

    code = "tenant/management"

    def __init__(self) -> None:
        super().__init__("The management tenant cannot be suspended or deleted.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDraft:
    """A tenant as it is asked for, with its first administrator."""

    id: TenantId | None = None
    """None lets the platform choose."""
    domain: str | None = None
    company: str | None = None
    admin_name: str
    admin_email: str | None = None
    max_devices: int | None = None
    max_users: int | None = None
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChange:
    """What is to be different; None stays as it is."""

    status: TenantStatus | None = None
    domain: str | None = None
    company: str | None = None
    admin_email: str | None = None
    max_devices: int | None = None
    """0 takes the limit away."""
    max_users: int | None = None
    """0 takes the limit away."""


async def list_of(tx: Transaction, wanted: TenantFilter, request: PageRequest) -> Page[Tenant]:
    """Return a page of all tenants; whether the caller may know them is not looked at."""
    return await tenants.list_of(tx, wanted, request)


async def create(tx: Transaction, platform: Platform, draft: TenantDraft, by: Actor = PLATFORM) -> Tenant:
    """Make a tenant with an administrator.

    An id is never given twice: who gets it later would read the audit log of the one before.

    Raises:
        TenantAlreadyExistsError: the id or the domain is taken.
        InvalidTenantError, InvalidUserError: id, domain, company, e-mail or the administrator's name cannot be.
    """
    at = platform.clock.now()
    tenant = Tenant(
        id=draft.id if draft.id is not None else TenantId(f"t{secrets.randbelow(_GENERATED_IDS)}"),
        domain=draft.domain,
        company=draft.company,
        admin_name=draft.admin_name,
        admin_email=draft.admin_email,
        created_at=at,
        max_devices=draft.max_devices or None,
        max_users=draft.max_users or None,
    )
    administrator = UserAccount.of_person(
        tenant.id, draft.admin_name, groups=frozenset({ADMINS}), created_at=at, password_hash=draft.password_hash
    )
    await tenants.lock(tx, MANAGEMENT_TENANT)  # domains change hands one after the other
    if await audit_records.has_chain(tx, tenant.id) or not await tenants.insert_if_absent(tx, tenant):
        raise TenantAlreadyExistsError
    await users.insert_if_absent(tx, administrator)
    _record(tx, platform, tenant, "created", by)
    tx.after_commit(platform.bus.publish, TenantChanged(tenant.id))
    return tenant


async def update(
    tx: Transaction, platform: Platform, tenant: TenantId, change: TenantChange, by: Actor = PLATFORM
) -> Tenant:
    """Rename, move, suspend or resume a tenant; a suspension ends its sessions and refuses its tokens.

    Raises:
        TenantNotFoundError, TenantAlreadyExistsError, InvalidTenantError: as for ``create``.
        ManagementTenantError: the management tenant would be suspended.
    """
    await tenants.lock(tx, MANAGEMENT_TENANT)
    before = await get(tx, tenant)
    wanted = {name: getattr(change, name) for name in ("status", "domain", "company", "admin_email")}
    after = replace(before, **{name: value for name, value in wanted.items() if value is not None})
    after = replace(
        after,
        max_devices=before.max_devices if change.max_devices is None else change.max_devices or None,
        max_users=before.max_users if change.max_users is None else change.max_users or None,
    )
    if after.is_management and not after.is_active:
        raise ManagementTenantError
    if after == before:
        return before
    if after.domain is not None and (owner := await tenants.find_by_domain(tx, after.domain)) and owner.id != tenant:
        raise TenantAlreadyExistsError
    await tenants.save(tx, after)
    _record(tx, platform, after, "updated", by, tuple(_changes(before, after)))
    tx.after_commit(platform.bus.publish, TenantChanged(tenant))
    return after


async def delete(tx: Transaction, platform: Platform, tenant: TenantId, by: Actor = PLATFORM) -> None:
    """Remove a tenant with its users, certificates, objects and measurements, and end its sessions.

    Its audit log stays, and its id stays taken.

    Raises:
        TenantNotFoundError: there is none.
        ManagementTenantError: it is the management tenant.
    """
    await tenants.lock(tx, tenant)
    found = await get(tx, tenant)
    if found.is_management:
        raise ManagementTenantError
    await tenants.remove(tx, tenant)
    _record(tx, platform, found, "deleted", by)
    tx.after_commit(platform.bus.publish, TenantChanged(tenant))


def _changes(before: Tenant, after: Tenant) -> Iterator[Change]:
    for name, old, new in (
        ("status", before.status.value, after.status.value),
        ("domain", before.domain, after.domain),
        ("company", before.company, after.company),
        ("adminEmail", before.admin_email, after.admin_email),
        ("maxDevices", _text(before.max_devices), _text(after.max_devices)),
        ("maxUsers", _text(before.max_users), _text(after.max_users)),
    ):
        if old != new:
            yield Change(name, old, new)


def _text(limit: int | None) -> str | None:
    return None if limit is None else str(limit)


def _record(
    tx: Transaction, platform: Platform, tenant: Tenant, verb: str, by: Actor, changes: tuple[Change, ...] = ()
) -> None:
    """Write it down where the operator looks, and where the tenant does."""
    at = platform.clock.now()
    for log in sorted({MANAGEMENT_TENANT, tenant.id}):
        entry = AuditEntry(
            tenant=TenantId(log),
            by=by,
            type=AuditType.TENANT,
            source=tenant.id,
            activity=f"Tenant {verb}: '{tenant.id}'.",
            text=f"Tenant: '{tenant.id}'.\n Domain='{tenant.domain or ''}'\n Status='{tenant.status}'",
            time=at,
            recorded_at=at,
            changes=changes,
        )
        audit.record(tx, entry)


async def get(tx: Transaction, tenant: TenantId) -> Tenant:
    """Return one tenant, suspended or not; raises ``TenantNotFoundError``."""
    found = await tenants.find(tx, tenant) if tenant.isprintable() else None
    if found is None:
        raise TenantNotFoundError(tenant)
    return found


async def meant_by(tx: Transaction, tenant: TenantId | None, host: str) -> Tenant | None:
    """Return the tenant of a caller: the one it names, else the one of the host name, else the only ordinary one.

    ``host`` is what the caller typed, perhaps with a port. None when that leaves no tenant or several.
    """
    if tenant is not None:
        return await tenants.find(tx, tenant) if tenant.isprintable() else None
    domain = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    by_host = await tenants.find_by_domain(tx, domain) if domain.isprintable() and domain else None
    if by_host is not None:
        return by_host
    ordinary = [one for one in await tenants.all_of_them(tx) if not one.is_management]
    return ordinary[0] if len(ordinary) == 1 else None
