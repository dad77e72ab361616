"""The devices of one transaction of a bulk registration: users, objects, external ids, groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from certinel.bus.local import LocalBus
from certinel.bus.messages import CredentialsChanged, DevicesRegistered, DeviceUserChanged
from certinel.domain.audit import Actor, AuditEntry, AuditType
from certinel.domain.bulk_registration import AuthType, DeviceRegistration, ExpectedDevice, FailedRow
from certinel.domain.device_group import GROUP_FRAGMENT, GroupPath
from certinel.domain.feature import PASSWORD_DEVICES
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.managed_object import ExternalId, ManagedObject, ManagedObjectId
from certinel.domain.new_device_request import NewDeviceRequest, RequestStatus
from certinel.domain.role import UserKind
from certinel.domain.user_account import UserAccount
from certinel.services import audit, features, tenant_limits
from certinel.services.new_device_requests import PasswordDevicesOffError
from certinel.services.tenant_limits import DeviceLimitReachedError
from certinel.storage import device_groups, external_ids, managed_objects, new_device_requests, tenants, users
from certinel.storage.engine import Transaction
from certinel.storage.external_ids import OwnedObject
from certinel.storage.managed_objects import NewManagedObject

Groups: TypeAlias = dict[tuple[TenantId, GroupPath], ManagedObjectId]
"""Groups that were found or made by earlier batches of the same table."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row with the hash of the secret it brings, if it brings one."""

    entry: ExpectedDevice
    secret_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class _Planned:
    """A device that nothing speaks against."""

    entry: DeviceRegistration
    secret_hash: str | None = field(repr=False)
    user: UserAccount | None
    """Its device user, if there is one already."""
    object: ManagedObjectId | None
    """Its managed object, if there is one already."""

    @property
    def is_new(self) -> bool:
        return self.user is None and self.object is None

    @property
    def password_hash(self) -> str | None:
        return self.secret_hash if self.entry.auth_type is AuthType.BASIC else None


class RegistrationBatch:
    """Stores some rows in one transaction; what became of them counts when that has committed."""

    def __init__(self, bus: LocalBus, by: Actor, at: datetime, groups: Groups) -> None:
        self._bus, self._by, self._at = bus, by, at
        self.groups = groups
        self.created = 0
        self.updated: list[DeviceId] = []
        self.failed: list[FailedRow] = []

    async def store(self, tx: Transaction, prepared: Sequence[Prepared]) -> None:
        """Carry out all rows, of which no two are for the same device.

        Raises ``RowConflictError``, at the commit at the latest, if a device made itself known meanwhile.
        """
        # Tenants in the same order everywhere, since each is locked.
        for tenant in sorted({one.entry.tenant for one in prepared}):
            rows = [one for one in prepared if one.entry.tenant == tenant]
            if not tenant.isprintable() or await tenants.find(tx, tenant) is None:
                self.failed += [FailedRow.of(one.entry, f"There is no tenant with id = {tenant}") for one in rows]
                continue
            await device_groups.lock(tx, tenant)
            await self._find_groups(tx, tenant, {one.entry.path for one in rows if one.entry.path})
            await self._store_expected(tx, [one.entry for one in rows if not isinstance(one.entry, DeviceRegistration)])
            await self._register(tx, tenant, await self._plan(tx, tenant, rows))

    async def _find_groups(self, tx: Transaction, tenant: TenantId, paths: set[GroupPath]) -> None:
        """Make sure that the group of every path is there, and known."""
        known = {number for (owner, _), number in self.groups.items() if owner == tenant}
        existing = await managed_objects.get_many(tx, tenant, sorted(known)) if known and paths else {}
        made_by = (self._by.seen_from(tenant), self._at)
        checked: Groups = {}
        for path in sorted(paths):
            parent: ManagedObjectId | None = None
            for length in range(1, len(path) + 1):
                key, name = (tenant, path[:length]), path[length - 1]
                number = checked.get(key)
                if number is None and (remembered := existing.get(self.groups.get(key, ManagedObjectId(0)))):
                    number = remembered.id if _is_group(remembered, name) else None
                if number is None:
                    number = await device_groups.find(tx, tenant, name, parent)
                if number is None:
                    number = await device_groups.create(tx, tenant, name, parent, made_by)
                checked[key] = parent = number
        self.groups.update(checked)

    def _group(self, entry: ExpectedDevice) -> ManagedObjectId | None:
        return self.groups[entry.tenant, entry.path] if entry.path else None

    async def _store_expected(self, tx: Transaction, entries: Sequence[ExpectedDevice]) -> None:
        for entry in entries:
            before = await new_device_requests.find(tx, entry.tenant, entry.device)
            if before is None:
                await new_device_requests.put(tx, self._request(entry, RequestStatus.WAITING_FOR_CONNECTION))
                self.created += 1
            else:
                await new_device_requests.put(tx, replace(before, group=self._group(entry) or before.group))
                self.updated.append(entry.device)

    def _request(self, entry: ExpectedDevice, status: RequestStatus) -> NewDeviceRequest:
        return NewDeviceRequest(
            tenant=entry.tenant,
            device=entry.device,
            status=status,
            owner=self._by.seen_from(entry.tenant),
            created_at=self._at,
            group=self._group(entry),
        )

    async def _plan(self, tx: Transaction, tenant: TenantId, rows: Sequence[Prepared]) -> list[_Planned]:
        """Find what there is of the devices already, and leave out those that cannot be registered."""
        entries = [(row.entry, row.secret_hash) for row in rows if isinstance(row.entry, DeviceRegistration)]
        if not entries:
            return []
        found_users = await users.find_all(tx, tenant, {device_user_name(entry.device) for entry, _ in entries})
        taken = await self._taken(tx, tenant, [entry for entry, _ in entries])
        has_passwords = await features.is_active(tx, tenant, PASSWORD_DEVICES)
        room = (await tenant_limits.room_for_devices(tx, tenant)).left
        planned: list[_Planned] = []
        claimed: dict[tuple[str, str], DeviceId] = {}
        for entry, secret_hash in entries:
            user = found_users.get(device_user_name(entry.device))
            own = taken.get(entry.external_ids[0])
            reason = _obstacle(entry, user, taken, claimed)
            if reason is None and entry.auth_type is AuthType.BASIC and not has_passwords:
                reason = str(PasswordDevicesOffError())
            if reason is None and user is None:
                reason = str(DeviceLimitReachedError()) if room == 0 else None
                room = room - 1 if room else room
            if reason is not None:
                self.failed.append(FailedRow.of(entry, reason))
                continue
            claimed.update(dict.fromkeys(entry.external_ids, entry.device))
            planned.append(_Planned(entry, secret_hash, user, own.id if own is not None else None))
        return planned

    async def _taken(
        self, tx: Transaction, tenant: TenantId, entries: Sequence[DeviceRegistration]
    ) -> dict[tuple[str, str], OwnedObject]:
        values: dict[str, set[str]] = {}
        for entry in entries:
            for type_, value in entry.external_ids:
                values.setdefault(type_, set()).add(value)
        taken: dict[tuple[str, str], OwnedObject] = {}
        for type_ in sorted(values):
            found = await external_ids.objects_named(tx, tenant, type_, sorted(values[type_]))
            taken.update({(type_, value): owned for value, owned in found.items()})
        return taken

    async def _register(self, tx: Transaction, tenant: TenantId, planned: Sequence[_Planned]) -> None:
        if not planned:
            return
        await self._store_users(tx, tenant, planned)
        objects = await self._store_objects(tx, tenant, planned)
        pairs = [(group, objects[one.entry.device]) for one in planned if (group := self._group(one.entry)) is not None]
        await device_groups.put_in(tx, tenant, pairs)
        for one in planned:
            if one.entry.enrollment_otp is not None:
                request = self._request(one.entry, RequestStatus.ACCEPTED)
                await new_device_requests.put(
                    tx, replace(request, type=one.entry.type, enrollment_hash=one.secret_hash)
                )
            self._record(tx, one)
        self.created += sum(one.is_new for one in planned)
        self.updated += [one.entry.device for one in planned if not one.is_new]

    async def _store_users(self, tx: Transaction, tenant: TenantId, planned: Sequence[_Planned]) -> None:
        """Add the users that are missing, and set the credentials of the others; who is kept out stays out."""
        added: set[str] = set()
        changed: dict[str, str | None] = {}
        for one in planned:
            if one.user is None:
                account = UserAccount.of_device(tenant, one.entry.device, self._at)
                users.add(tx, replace(account, password_hash=one.password_hash))
                added.add(account.name)
            elif one.user.password_hash != one.password_hash:
                changed[one.user.name] = one.password_hash
        await users.set_password_hashes(tx, tenant, changed)
        if added:
            tx.after_commit(self._bus.publish, DevicesRegistered(tenant, frozenset(added)))
        for name in sorted(changed):
            tx.after_commit(self._bus.publish, DeviceUserChanged(tenant, name))
            tx.after_commit(self._bus.publish, CredentialsChanged(tenant, name))

    async def _store_objects(
        self, tx: Transaction, tenant: TenantId, planned: Sequence[_Planned]
    ) -> dict[DeviceId, ManagedObjectId]:
        new = [one.entry for one in planned if one.object is None]
        numbers = await managed_objects.create(tx, [self._new_object(entry) for entry in new]) if new else []
        objects = dict(zip((entry.device for entry in new), numbers, strict=True))
        for entry in new:
            external_ids.add(tx, tenant, ExternalId(*entry.external_ids[0], objects[entry.device]))
        known = {one.object: one.entry for one in planned if one.object is not None}
        existing = await managed_objects.get_many(tx, tenant, sorted(known)) if known else {}
        for number, before in existing.items():
            objects[known[number].device] = number
            after = _updated(before, known[number], self._at)
            if replace(after, updated_at=before.updated_at) != before:
                await managed_objects.save(tx, after)
        for one in planned:
            for type_, value in one.entry.external_ids[1:]:
                await external_ids.bind(tx, tenant, ExternalId(type_, value, objects[one.entry.device]))
        return objects

    def _new_object(self, entry: DeviceRegistration) -> NewManagedObject:
        return NewManagedObject(
            tenant=entry.tenant,
            name=entry.name or entry.device,
            type=entry.type,
            owner=device_user_name(entry.device),
            created_at=self._at,
            fragments=entry.fragments,
        )

    def _record(self, tx: Transaction, one: _Planned) -> None:
        name = device_user_name(one.entry.device)
        verb = "registered" if one.user is None else "credentials updated"
        audit.record(
            tx,
            AuditEntry(
                tenant=one.entry.tenant,
                by=self._by,
                type=AuditType.USER,
                source=name,
                activity=f"User {verb}: '{name}'.",
                text=f"User: '{name}'.\n Kind='{UserKind.DEVICE}', by bulk registration, {one.entry.auth_type}",
                time=self._at,
                recorded_at=self._at,
            ),
        )


def _is_group(found: ManagedObject, name: str) -> bool:
    return found.name == name and GROUP_FRAGMENT in found.fragments


def _obstacle(
    entry: DeviceRegistration,
    user: UserAccount | None,
    taken: dict[tuple[str, str], OwnedObject],
    claimed: dict[tuple[str, str], DeviceId],
) -> str | None:
    """Say why a device cannot be registered; None when it can."""
    if user is not None and user.kind is not UserKind.DEVICE:
        return f"User {user.name} exists and is no device user."
    own = taken.get(entry.external_ids[0])
    if own is not None and own.owner != device_user_name(entry.device):
        return f"The device exists and belongs to another user: external id {entry.external_ids[0][1]}."
    for position, (type_, value) in enumerate(entry.external_ids):
        other = taken.get((type_, value))
        is_taken = position > 0 and other is not None and (own is None or other.id != own.id)
        if is_taken or (type_, value) in claimed:
            return f"External id {value} of type {type_} belongs to another object."
    return None


def _updated(before: ManagedObject, entry: DeviceRegistration, at: datetime) -> ManagedObject:
    """Return the object with what the row says; what it does not say stays."""
    return replace(
        before,
        name=entry.name or before.name,
        type=entry.type or before.type,
        fragments=_merged(before.fragments, entry.fragments),
        updated_at=at,
    )


def _merged(before: object, after: object) -> dict[str, object]:
    merged = dict(before) if isinstance(before, dict) else {}
    if isinstance(after, dict):
        for name, value in after.items():
            is_object = isinstance(value, dict) and isinstance(merged.get(name), dict)
            merged[name] = _merged(merged[name], value) if is_object else value
    return merged
