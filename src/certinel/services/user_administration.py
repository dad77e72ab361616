"""People who administer the users of their tenant: nobody gives or takes more rights than they hold themselves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from certinel.bus.messages import CredentialsChanged, DeviceUserChanged
from certinel.domain.audit import Actor, AuditEntry, AuditType, Change
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.role import ADMINS, DEVICES, ROLES_OF_GROUP, Principal, UserKind, exceeds
from certinel.domain.tenant_option import option_text
from certinel.domain.user_account import PROFILE_FIELDS, UserAccount
from certinel.services import audit, tenant_limits
from certinel.services.platform import Platform
from certinel.services.users import UserNotFoundError, get
from certinel.storage import tenants, users
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest
from certinel.storage.users import UserFilter


class UserAlreadyExistsError(DeviceIdentityError):
    """The tenant has a user of this name."""

    code = "user/already-exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a user {name} already.")


class GroupNotFoundError(DeviceIdentityError):
    """There is no such group."""

    code = "group/not-found"

    def __init__(self, group: str) -> None:
        super().__init__(f"There is no group {group}")


class BeyondOwnRightsError(DeviceIdentityError):
    """Whoever asks holds less than what would be given, or than the user who would be changed."""

    code = "user/beyond-own-rights"

    def __init__(self) -> None:
        super().__init__("Nobody can give more rights than they hold, or change who holds more.")


class LastAdministratorError(DeviceIdentityError):
    """The tenant would be left without an administrator who can sign in."""

    code = "user/last-administrator"

    def __init__(self) -> None:
        super().__init__("A tenant keeps at least one enabled administrator.")


class WrongCurrentPasswordError(DeviceIdentityError):
    """Who wants another password does not know the one there is."""

    code = "user/wrong-current-password"

    def __init__(self) -> None:
        super().__init__("The current password is wrong.")


class DeviceUserFixedError(DeviceIdentityError):
    """A device user gets its rights, and how it proves who it is, from being a device."""

    code = "user/of-device"

    def __init__(self) -> None:
        super().__init__("The password and the groups of a device user cannot be set.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChange:
    """What is to be different; None stays as it is."""

    is_enabled: bool | None = None
    password_hash: str | None = field(default=None, repr=False)
    profile: Mapping[str, str | None] = field(default_factory=dict)


async def list_of(tx: Transaction, tenant: TenantId, wanted: UserFilter, request: PageRequest) -> Page[UserAccount]:
    """Return a page of a tenant's users, by name."""
    return await users.list_of(tx, tenant, wanted, request)


def check_group(group: str) -> str:
    """Return ``group`` if there is such a group; raises ``GroupNotFoundError``."""
    if group not in ROLES_OF_GROUP:
        raise GroupNotFoundError(group)
    return group


async def create(tx: Transaction, platform: Platform, account: UserAccount, by: Principal) -> UserAccount:
    """Add a user.

    Raises:
        UserAlreadyExistsError: the name is taken.
        UserLimitReachedError: the tenant has as many users as it may have.
        BeyondOwnRightsError: its groups give more than ``by`` holds.
    """
    if exceeds(account.groups, by.roles):
        raise BeyondOwnRightsError
    await tenant_limits.check_room_for_users(tx, account.tenant)
    if not await users.insert_if_absent(tx, account):
        raise UserAlreadyExistsError(account.name)
    _record(tx, platform, account, "created", by)
    return account


async def update(
    tx: Transaction, platform: Platform, tenant: TenantId, name: str, change: UserChange, by: Principal
) -> UserAccount:
    """Enable or disable a user, or give a person another password, which ends everything signed in with the old one.

    Raises:
        UserNotFoundError, BeyondOwnRightsError, LastAdministratorError, DeviceUserFixedError: see there.
    """
    before = await _changeable(tx, tenant, name, by)
    if change.password_hash is not None and before.kind is UserKind.DEVICE:
        raise DeviceUserFixedError
    after = replace(
        before,
        is_enabled=before.is_enabled if change.is_enabled is None else change.is_enabled,
        password_hash=change.password_hash or before.password_hash,
    ).described(change.profile)
    return await _changed(tx, platform, before, after, by)


async def describe_oneself(
    tx: Transaction, platform: Platform, by: Principal, profile: Mapping[str, str | None]
) -> UserAccount:
    """Change what a user says of itself."""
    await users.lock(tx, by.tenant, by.user_name)
    before = await get(tx, by.tenant, by.user_name)
    return await _changed(tx, platform, before, before.described(profile), by)


async def change_own_password(platform: Platform, by: Principal, address: str, current: str, new: str) -> None:
    """Give the caller another password, which ends everything signed in with the one before, this call's token too.

    Opens its own transaction: hashing takes long.

    Raises:
        WrongCurrentPasswordError: ``current`` is not the caller's password, or it has none.
        TooManyAttemptsError, PasswordsBusyError, UnacceptablePasswordError: as for signing in and for new passwords.
    """
    async with platform.database.reading() as tx:
        known = await get(tx, by.tenant, by.user_name)
    who = (by.tenant, by.user_name, address)
    platform.login_attempts.begin(*who, platform.clock.now())
    if not await platform.passwords.is_right(known.password_hash, current, platform.clock.now()):
        raise WrongCurrentPasswordError
    platform.login_attempts.give_back(*who)
    if known.kind is UserKind.DEVICE:
        raise DeviceUserFixedError
    password_hash = await platform.passwords.hash_new(new)
    async with platform.database.transaction() as tx:
        await users.lock(tx, by.tenant, by.user_name)
        before = await get(tx, by.tenant, by.user_name)
        await _changed(tx, platform, before, replace(before, password_hash=password_hash), by)


async def delete(tx: Transaction, platform: Platform, tenant: TenantId, name: str, by: Principal) -> None:
    """Remove a user; raises as ``update``. A device whose registration is automatic comes back when it connects."""
    account = await _changeable(tx, tenant, name, by)
    await _check_not_last(tx, account, None)
    await users.remove(tx, tenant, name)
    _record(tx, platform, account, "deleted", by)
    _tell(tx, platform, account)


async def put_into_group(
    tx: Transaction, platform: Platform, tenant: TenantId, name: str, group: str, by: Principal
) -> UserAccount:
    """Make a person a member of ``group``; raises as ``update``, and ``GroupNotFoundError``."""
    before = await _regroupable(tx, tenant, name, group, by)
    return await _changed(tx, platform, before, replace(before, groups=before.groups | {group}), by)


async def take_out_of_group(
    tx: Transaction, platform: Platform, tenant: TenantId, name: str, group: str, by: Principal
) -> None:
    """End a membership; raises as ``put_into_group``, and ``UserNotFoundError`` for who is no member."""
    before = await _regroupable(tx, tenant, name, group, by)
    if group not in before.groups:
        raise UserNotFoundError(name)
    await _changed(tx, platform, before, replace(before, groups=before.groups - {group}), by)


async def set_device_enabled(
    tx: Transaction, platform: Platform, tenant: TenantId, owner: str, *, is_enabled: bool, by: Principal
) -> UserAccount:
    """Let the device that owns an object in or keep it out; people are not found here."""
    await users.lock(tx, tenant, owner)
    account = await device_user(tx, tenant, owner)
    return await _changed(tx, platform, account, replace(account, is_enabled=is_enabled), by)


async def device_user(tx: Transaction, tenant: TenantId, name: str) -> UserAccount:
    """Return the user of a device; raises ``UserNotFoundError``, for people as well."""
    account = await get(tx, tenant, name)
    if account.kind is not UserKind.DEVICE:
        raise UserNotFoundError(name)
    return account


async def _changeable(tx: Transaction, tenant: TenantId, name: str, by: Principal) -> UserAccount:
    """Return the user, and let no two changes of a tenant's users count its administrators at once."""
    await tenants.lock(tx, tenant)
    account = await get(tx, tenant, name)
    if exceeds(account.groups, by.roles):
        raise BeyondOwnRightsError
    return account


async def _regroupable(tx: Transaction, tenant: TenantId, name: str, group: str, by: Principal) -> UserAccount:
    check_group(group)
    account = await _changeable(tx, tenant, name, by)
    if account.kind is UserKind.DEVICE or group == DEVICES:
        raise DeviceUserFixedError
    if exceeds(frozenset({group}), by.roles):
        raise BeyondOwnRightsError
    return account


async def _changed(
    tx: Transaction, platform: Platform, before: UserAccount, after: UserAccount, by: Principal
) -> UserAccount:
    if after == before:
        return before
    await _check_not_last(tx, before, after)
    await users.save(tx, after)
    _record(tx, platform, after, "updated", by, tuple(_changes(before, after)))
    if (after.is_enabled, after.password_hash) != (before.is_enabled, before.password_hash):
        _tell(tx, platform, after)
    return after


def _tell(tx: Transaction, platform: Platform, account: UserAccount) -> None:
    kind = DeviceUserChanged if account.kind is UserKind.DEVICE else CredentialsChanged
    tx.after_commit(platform.bus.publish, kind(account.tenant, account.name))


async def _check_not_last(tx: Transaction, before: UserAccount, after: UserAccount | None) -> None:
    was_administrator = before.is_enabled and ADMINS in before.groups
    is_administrator = after is not None and after.is_enabled and ADMINS in after.groups
    is_leaving = was_administrator and not is_administrator
    if is_leaving and not await users.has_other_in(tx, before.tenant, ADMINS, before.name):
        raise LastAdministratorError


def _changes(before: UserAccount, after: UserAccount) -> Iterator[Change]:
    if before.is_enabled != after.is_enabled:
        yield Change("enabled", option_text(before.is_enabled), option_text(after.is_enabled))
    if before.groups != after.groups:
        yield Change("groups", ",".join(sorted(before.groups)), ",".join(sorted(after.groups)))
    if before.password_hash != after.password_hash:
        yield Change("password", None, None)
    for name in PROFILE_FIELDS:
        if before.profile.get(name) != after.profile.get(name):
            yield Change(name, before.profile.get(name), after.profile.get(name))


def _record(
    tx: Transaction,
    platform: Platform,
    account: UserAccount,
    verb: str,
    by: Principal,
    changes: tuple[Change, ...] = (),
) -> None:
    at = platform.clock.now()
    entry = AuditEntry(
        tenant=account.tenant,
        by=Actor.of(by),
        type=AuditType.USER,
        source=account.name,
        activity=f"User {verb}: '{account.name}'.",
        text=f"User: '{account.name}'.\n Kind='{account.kind}'",
        time=at,
        recorded_at=at,
        changes=changes,
    )
    audit.record(tx, entry)
