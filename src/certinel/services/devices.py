"""The devices of a tenant as people look after them: found, shown with their certificates, let in or kept out, deleted.

Whether a device may connect is *not* decided here: see admission.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from certinel.domain.certificate import Certificate
from certinel.domain.connection_attempt import ADMITTED
from certinel.domain.device import Device, DeviceCertificate, device_of_user
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.role import Principal
from certinel.services import user_administration
from certinel.services.platform import Platform
from certinel.storage import connection_attempts, device_certificates, device_chains, devices, managed_objects
from certinel.storage.devices import DeviceFilter
from certinel.storage.engine import Transaction

MAX_PAGE = 2000
MAX_SEARCH_CHARACTERS = 200
MAX_CERTIFICATES = 100
"""Of one device that are shown; the latest by the time of their issue."""
PROVISIONED = 5
"""Certificates that the contract shows of a device user (rest.md 9.5)."""

_LOOKED_AT_ONCE = 2_000
_SHOWN_AT_ONCE = 500
_FEW = 1_000
"""So many connected devices are named in a statement; among more, others are met soon enough."""
_HEXADECIMAL = re.compile(r"[0-9a-f]{2,128}", re.ASCII)


class DeviceNotFoundError(DeviceIdentityError):
    """The tenant has no such device."""

    code = "device/not-found"

    def __init__(self, device: str) -> None:
        super().__init__(f"There is no device with id = {device}")
        self.device = device


Key: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a list has been read: in which part of it, and after which entry of that."""

    part: int = 0
    after: Key = ("", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceQuestion:
    """Which devices are meant; all conditions must hold, and what is None does not matter."""

    search: str | None = None
    """The beginning of the device's id or of its object's name; a certificate's serial number or fingerprint."""
    is_connected: bool | None = None
    stored: DeviceFilter = field(default_factory=DeviceFilter)


@dataclass(frozen=True, slots=True)
class DeviceList:
    """A part of the list of devices."""

    devices: tuple[Device, ...]
    next: Place | None
    """Where it goes on; None at the end."""


@dataclass(frozen=True, slots=True)
class _Entry:
    key: Key
    user_name: str


_Part: TypeAlias = Callable[[Transaction, Key, int], Awaitable[Sequence[_Entry]]]


async def list_of(
    tx: Transaction, platform: Platform, tenant: TenantId, question: DeviceQuestion, place: Place, limit: int
) -> DeviceList:
    """Return up to ``limit`` devices from ``place`` on: those with the certificate, then by id, then by name.

    A device that is found by certificate and by the name of its object, or by several names, can come twice.
    """
    connected = platform.presence.connected(tenant)
    if question.is_connected and len(connected) <= _FEW:
        names_of = frozenset(device_user_name(device) for device in connected)
        question = replace(question, stored=replace(question.stored, names=names_of))
    parts = _parts(tenant, question)
    found: dict[str, Place] = {}
    part, after = place.part, place.after
    while part < len(parts) and len(found) <= limit:
        entries = await parts[part](tx, after, _LOOKED_AT_ONCE if question.is_connected is not None else limit + 1)
        for entry in entries:
            after = entry.key
            if entry.user_name not in found and _is_wanted(entry.user_name, question, connected):
                found[entry.user_name] = Place(part, entry.key)
                if len(found) > limit:
                    break
        if not entries:
            part, after = part + 1, ("", 0)
    names = list(found)[:limit]
    shown = await _shown(tx, platform, tenant, names)
    return DeviceList(shown, found[names[-1]] if len(found) > limit else None)


def _parts(tenant: TenantId, question: DeviceQuestion) -> list[_Part]:
    search, stored = question.search or "", question.stored

    async def by_certificate(tx: Transaction, after: Key, limit: int) -> Sequence[_Entry]:
        names = await devices.users_with_certificate(tx, tenant, stored, digits, after[0], limit)
        return [_Entry((name, 0), name) for name in names]

    async def by_id(tx: Transaction, after: Key, limit: int) -> Sequence[_Entry]:
        names = await devices.users_after(tx, tenant, stored, search, after[0], limit)
        return [_Entry((name, 0), name) for name in names]

    async def by_name(tx: Transaction, after: Key, limit: int) -> Sequence[_Entry]:
        found = await devices.objects_after(tx, tenant, stored, search, after, limit)
        return [_Entry((one.name, one.id), one.user_name) for one in found]

    if not search:
        return [by_id]
    if not search.isprintable() or len(search) > MAX_SEARCH_CHARACTERS:
        return []
    digits = search.replace(":", "").replace(" ", "").lower().removeprefix("0x")
    return [by_certificate, by_id, by_name] if _HEXADECIMAL.fullmatch(digits) else [by_id, by_name]


def _is_wanted(user_name: str, question: DeviceQuestion, connected: Mapping[DeviceId, datetime]) -> bool:
    return question.is_connected is None or question.is_connected == (device_of_user(user_name) in connected)


async def get(tx: Transaction, platform: Platform, tenant: TenantId, device: str) -> Device:
    """Return one device; raises ``DeviceNotFoundError``."""
    shown = await _shown(tx, platform, tenant, [device_user_name(DeviceId(device))]) if device.isprintable() else ()
    if not shown:
        raise DeviceNotFoundError(device)
    return shown[0]


async def certificates_of(tx: Transaction, tenant: TenantId, device: DeviceId) -> list[DeviceCertificate]:
    """Return the certificates that a device was admitted with, those issued last first."""
    return await device_certificates.of_device(tx, tenant, device, MAX_CERTIFICATES)


async def provisioned_certificates(tx: Transaction, tenant: TenantId, device: DeviceId) -> list[DeviceCertificate]:
    """Return the last few of them, as the contract shows them of a device user."""
    return await device_certificates.of_device(tx, tenant, device, PROVISIONED)


async def chain_of(tx: Transaction, tenant: TenantId, device: Device) -> tuple[bytes, ...]:
    """Return what the device presented last, as DER, its own certificate first; empty if that is not known."""
    if device.certificate is None:
        return ()
    return await device_chains.find(tx, tenant, bytes.fromhex(device.certificate.sha256)) or ()


async def parsed(
    tx: Transaction, tenant: TenantId, certificates: Sequence[DeviceCertificate]
) -> list[tuple[DeviceCertificate, Certificate]]:
    """Return the certificates with what they hold; those whose chain is not kept any more are left out."""
    found = []
    for one in certificates:
        chain = await device_chains.find(tx, tenant, bytes.fromhex(one.sha256))
        if chain:
            found.append((one, Certificate.parse(chain[0])))
    return found


async def delete(tx: Transaction, platform: Platform, tenant: TenantId, device: str, by: Principal) -> None:
    """Remove a device with its user, its chains and the object that stands for it; its session ends.

    A device whose registration is automatic comes back when it connects: see disabling and revocation.

    Raises:
        DeviceNotFoundError: there is none.
    """
    found = await get(tx, platform, tenant, device)
    await device_chains.remove(tx, tenant, found.id)
    if found.object is not None:
        await managed_objects.remove(tx, tenant, found.object.id)
    await user_administration.delete(tx, platform, tenant, found.user_name, by)


async def _shown(
    tx: Transaction, platform: Platform, tenant: TenantId, user_names: Sequence[str]
) -> tuple[Device, ...]:
    """Return these devices in this order, with everything that a list shows."""
    known: dict[str, Device] = {}
    for start in range(0, len(user_names), _SHOWN_AT_ONCE):
        known |= await _gathered(tx, tenant, user_names[start : start + _SHOWN_AT_ONCE])
    connected = platform.presence.connected(tenant)
    return tuple(
        replace(known[name], connected_since=connected.get(known[name].id)) for name in user_names if name in known
    )


async def _gathered(tx: Transaction, tenant: TenantId, user_names: Sequence[str]) -> dict[str, Device]:
    known = await devices.of_users(tx, tenant, user_names)
    numbers = await devices.objects_of_users(tx, tenant, user_names)
    objects = await managed_objects.get_many(tx, tenant, sorted(numbers.values())) if numbers else {}
    without = [known[name].id for name in user_names if name in known and known[name].certificate is None]
    times = await connection_attempts.last_of_devices(tx, tenant, without, ADMITTED) if without else {}
    return {
        name: replace(
            device,
            object=objects.get(numbers[name]) if name in numbers else None,
            last_seen_at=device.last_seen_at or times.get(device.id),
        )
        for name, device in known.items()
    }
