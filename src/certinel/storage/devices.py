"""Statements that find a tenant's devices: by device user, by the name of their object, by their certificates."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_

from certinel.domain.device import Device, DeviceCertificate, device_of_user
from certinel.domain.identifiers import DEVICE_USER_PREFIX, Fingerprint, TenantId
from certinel.domain.managed_object import SERIAL, ManagedObjectId
from certinel.domain.role import UserKind
from certinel.storage.device_certificates import certificate_of
from certinel.storage.engine import Transaction
from certinel.storage.tables import device_certificate, external_id, managed_object, user_account

MIN_DIGITS = 8
"""Of a fingerprint that is looked for by its beginning."""

_USER = user_account.c
_CERTIFICATE = device_certificate.c
_OBJECT = managed_object.c


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter:
    """Which devices are meant; what is None does not matter."""

    is_enabled: bool | None = None
    expires_by: datetime | None = None
    """Devices whose current certificate ends at this moment or has ended before."""
    expires_from: datetime | None = None
    """Devices whose current certificate ends at this moment or later."""
    trusted: Fingerprint | None = None
    """Devices that were admitted by this trusted certificate the last time."""
    names: Collection[str] | None = None
    """Some device users, at most a thousand."""


class NamedObject(NamedTuple):
    """An object of a device, found by its name."""

    name: str
    id: int
    user_name: str


async def users_after(
    tx: Transaction, tenant: TenantId, wanted: DeviceFilter, prefix: str, after: str, limit: int
) -> list[str]:
    """Return names of device users whose device begins with ``prefix``, in order, after the name ``after``."""
    conditions = _conditions(tenant, wanted)
    if after:
        conditions.append(_USER.name > after)
    if prefix:
        conditions.append(_begins(_USER.name, DEVICE_USER_PREFIX + prefix))
    statement = select(_USER.name).where(*conditions).order_by(_USER.name).limit(limit)
    return list((await tx.execute(statement)).scalars())


async def objects_after(
    tx: Transaction, tenant: TenantId, wanted: DeviceFilter, prefix: str, after: tuple[str, int], limit: int
) -> list[NamedObject]:
    """Return objects whose name begins with ``prefix``, of devices whose id does not, after the one at ``after``.

    By name and number.
    """
    key = (_OBJECT.name, _OBJECT.id)
    owner = and_(_USER.tenant_id == _OBJECT.tenant_id, _USER.name == _OBJECT.owner)
    statement = (
        select(_OBJECT.name, _OBJECT.id, _OBJECT.owner)
        .join(user_account, owner)
        .where(_OBJECT.tenant_id == tenant, _begins(_OBJECT.name, prefix), *_conditions(tenant, wanted))
        .where(~_begins(_USER.name, DEVICE_USER_PREFIX + prefix))
    )
    if after[1]:
        statement = statement.where(_OBJECT.name >= after[0], tuple_(*key) > tuple_(*after))
    return [NamedObject(row.name, row.id, row.owner) for row in await tx.execute(statement.order_by(*key).limit(limit))]


async def users_with_certificate(
    tx: Transaction, tenant: TenantId, wanted: DeviceFilter, digits: str, after: str, limit: int
) -> list[str]:
    """Return device users with a certificate of this serial number, or whose fingerprint begins so (hexadecimal).

    In order, after the name ``after``; those whose device begins so are left out.
    """
    is_meant: list[ColumnElement[bool]] = [_CERTIFICATE.serial == (digits.lstrip("0") or "0")]
    if len(digits) >= MIN_DIGITS:
        beyond = digits + "g"  # after all hexadecimal digits
        is_meant += [and_(column >= digits, column < beyond) for column in (_CERTIFICATE.sha1, _CERTIFICATE.sha256)]
    found = select(_CERTIFICATE.user_name).where(_CERTIFICATE.tenant_id == tenant, or_(*is_meant))
    statement = select(_USER.name).where(*_conditions(tenant, wanted), _USER.name.in_(found), _USER.name > after)
    statement = statement.where(~_begins(_USER.name, DEVICE_USER_PREFIX + digits))
    return list((await tx.execute(statement.order_by(_USER.name).limit(limit))).scalars())


async def of_users(tx: Transaction, tenant: TenantId, names: Collection[str]) -> dict[str, Device]:
    """Return the devices of those device users that exist, with their current certificates; a few hundred at once."""
    is_current = and_(
        _CERTIFICATE.tenant_id == _USER.tenant_id, _CERTIFICATE.user_name == _USER.name, _CERTIFICATE.is_current
    )
    statement = (
        select(_USER.name, _USER.enabled, _USER.created_at, device_certificate)
        .outerjoin(device_certificate, is_current)
        .where(*_conditions(tenant, DeviceFilter()), _USER.name.in_(sorted(names)))
    )
    devices = {}
    for row in await tx.execute(statement):
        certificate: DeviceCertificate | None = certificate_of(row) if row.sha256 is not None else None
        devices[row.name] = Device(
            tenant=tenant,
            id=device_of_user(row.name),
            user_name=row.name,
            is_enabled=row.enabled,
            registered_at=row.created_at,
            last_seen_at=certificate.last_seen_at if certificate is not None else None,
            certificate=certificate,
        )
    return devices


async def objects_of_users(tx: Transaction, tenant: TenantId, names: Collection[str]) -> dict[str, ManagedObjectId]:
    """Return the object that stands for each of these device users: that of its serial, else the first it owns."""
    is_serial = and_(
        external_id.c.tenant_id == _OBJECT.tenant_id,
        external_id.c.managed_object_id == _OBJECT.id,
        external_id.c.type == SERIAL,
        external_id.c.value == func.substr(_OBJECT.owner, len(DEVICE_USER_PREFIX) + 1),
    )
    statement = (
        select(_OBJECT.owner, _OBJECT.id, external_id.c.value)
        .outerjoin(external_id, is_serial)
        .where(_OBJECT.tenant_id == tenant, _OBJECT.owner.in_(sorted(names)))
    )
    found: dict[str, ManagedObjectId] = {}
    of_serial: dict[str, ManagedObjectId] = {}
    # sorted here: the engine would take another index for it, and look at every object of the tenant
    for row in sorted(await tx.execute(statement), key=lambda one: one.id, reverse=True):
        found[row.owner] = ManagedObjectId(row.id)
        if row.value is not None:
            of_serial[row.owner] = ManagedObjectId(row.id)
    return found | of_serial


def _conditions(tenant: TenantId, wanted: DeviceFilter) -> list[ColumnElement[bool]]:
    conditions = [_USER.tenant_id == tenant, _USER.kind == UserKind.DEVICE.value]
    if wanted.is_enabled is not None:
        conditions.append(_USER.enabled if wanted.is_enabled else ~_USER.enabled)
    if wanted.names is not None:
        conditions.append(_USER.name.in_(sorted(wanted.names)))
    of_certificate: list[ColumnElement[bool]] = []
    if wanted.expires_by is not None:
        of_certificate.append(_CERTIFICATE.not_after <= wanted.expires_by)
    if wanted.expires_from is not None:
        of_certificate.append(_CERTIFICATE.not_after >= wanted.expires_from)
    if wanted.trusted is not None:
        of_certificate.append(_CERTIFICATE.trusted_fingerprint == wanted.trusted)
    if of_certificate:
        found = select(_CERTIFICATE.user_name).where(
            _CERTIFICATE.tenant_id == tenant, _CERTIFICATE.is_current, *of_certificate
        )
        conditions.append(_USER.name.in_(found))
    return conditions


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """Upper and lower case alike as far as the engine knows them, and in any case what begins exactly so."""
    either: ColumnElement[bool] = or_(
        func.lower(column).startswith(prefix.lower(), autoescape=True), column.startswith(prefix, autoescape=True)
    )
    return either
