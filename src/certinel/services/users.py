"""The users of a tenant: people, and the device users that devices act as."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from certinel.bus.local import LocalBus
from certinel.bus.messages import DevicesRegistered, DeviceUserChanged
from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType, Change
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.role import UserKind
from certinel.domain.tenant_option import option_text
from certinel.domain.user_account import UserAccount
from certinel.services import audit
from certinel.services.platform import Platform
from certinel.storage import users
from certinel.storage.engine import Transaction


class UserNotFoundError(DeviceIdentityError):
    """The tenant has no such user."""

    code = "user/not-found"

    def __init__(self, name: str) -> None:
        super().__init__(f"Cannot find user {name}")
        self.name = name


async def get(tx: Transaction, tenant: TenantId, name: str) -> UserAccount:
    """Return one user, enabled or not; raises ``UserNotFoundError``."""
    found = await users.find(tx, tenant, name) if name.isprintable() else None
    if found is None:
        raise UserNotFoundError(name)
    return found


async def register_device(
    tx: Transaction, bus: LocalBus, tenant: TenantId, device: DeviceId, at: datetime
) -> UserAccount:
    """Return the device user of ``device``, made now if there is none; an existing one stays as it is."""
    await register_devices(tx, bus, [(tenant, device)], at)
    return await get(tx, tenant, device_user_name(device))


async def register_devices(
    tx: Transaction, bus: LocalBus, devices: Sequence[tuple[TenantId, DeviceId]], at: datetime
) -> None:
    """Make the device users of ``devices`` that have none yet; existing ones stay as they are."""
    made: dict[TenantId, set[str]] = {}
    for tenant, device in devices:
        account = UserAccount.of_device(tenant, device, at)
        if await users.insert_if_absent(tx, account):
            _record(tx, account, "registered", Actor.of_device(tenant, account.name), at)
            made.setdefault(tenant, set()).add(account.name)
    for tenant, names in made.items():
        tx.after_commit(bus.publish, DevicesRegistered(tenant, frozenset(names)))


async def set_enabled(
    tx: Transaction, platform: Platform, tenant: TenantId, name: str, *, is_enabled: bool, by: Actor = PLATFORM
) -> UserAccount:
    """Let a user in or keep it out, from its next connection or request on."""
    await users.lock(tx, tenant, name)
    before = await get(tx, tenant, name)
    account = replace(before, is_enabled=is_enabled)
    await users.save(tx, account)
    if account.is_enabled != before.is_enabled:
        change = Change("enabled", option_text(before.is_enabled), option_text(account.is_enabled))
        _record(tx, account, "enabled" if is_enabled else "disabled", by, platform.clock.now(), change)
    if account.kind is UserKind.DEVICE:
        tx.after_commit(platform.bus.publish, DeviceUserChanged(tenant, name))
    return account


def _record(
    tx: Transaction, account: UserAccount, verb: str, by: Actor, at: datetime, change: Change | None = None
) -> None:
    audit.record(
        tx,
        AuditEntry(
            tenant=account.tenant,
            by=by,
            type=AuditType.USER,
            source=account.name,
            activity=f"User {verb}: '{account.name}'.",
            text=f"User: '{account.name}'.\n Kind='{account.kind}'",
            time=at,
            recorded_at=at,
            changes=(change,) if change is not None else (),
        ),
    )
