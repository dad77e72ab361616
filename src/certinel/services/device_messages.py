"""What devices say in SmartREST, stored: the use case behind every publish, for many devices in one transaction.

Reading the rows is done before, in ``certinel.smartrest``; sharing a commit is ``certinel.storage.group_commit``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self, TypeAlias, assert_never

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.managed_object import SERIAL, ExternalId, ManagedObjectId
from certinel.smartrest.errors import Rejected
from certinel.smartrest.requests import CreateDevice, CreateMeasurement, Request
from certinel.smartrest.responses import DEVICE_ALREADY_EXISTS, server_error
from certinel.storage import external_ids, managed_objects, measurements
from certinel.storage.engine import Transaction
from certinel.storage.managed_objects import NewManagedObject

Reply: TypeAlias = Rejected
"""An error line for ``s/e``; success is silent."""

DEFAULT_TYPE = "c8y_MQTTDevice"
DEVICE_FRAGMENTS: Mapping[str, Any] = MappingProxyType({"c8y_IsDevice": {}, "com_cumulocity_model_Agent": {}})
"""What marks an object as a device that takes operations."""


@dataclass(frozen=True, slots=True)
class DeviceMessage:
    """One publish of a device: its rows in order, those included that could not be read."""

    tenant: TenantId
    device: DeviceId
    user_name: str
    requests: Sequence[Request | Rejected]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OwnerConflict(Rejected):
    """The external id of a device belongs to an object of somebody else, so that nothing it says is stored."""

    owner: str

    @classmethod
    def of(cls, device: DeviceId, owner: str) -> Self:
        """Return what the device is told; not who the owner is."""
        reason = f"external id {device} of type {SERIAL} belongs to an object of another owner"
        line = server_error("100", f"Error on device creation, message: {reason}")
        return cls(line.code, line.message_id, line.text, owner)


@dataclass(slots=True)
class _Device:
    """A device during one transaction: its object, or the object that is about to be created."""

    owner: str
    id: ManagedObjectId | None = None
    new: NewManagedObject | None = None
    measured: list[tuple[CreateMeasurement, datetime]] = field(default_factory=list)


_Devices: TypeAlias = dict[tuple[TenantId, DeviceId], _Device]


def default_name(device: DeviceId) -> str:
    """Return the name of a device's object when the device gives none."""
    return f"MQTT Device {device}"


async def store(tx: Transaction, batch: Sequence[DeviceMessage]) -> list[list[Reply]]:
    """Carry out the rows of all messages in order, and return the error lines for each message.

    A device's first row creates its object if there is none. A device whose external id belongs to an object of
    another user stores nothing. Raises ``RowConflictError`` if another node created the same device meanwhile: then
    the transaction must be tried again.
    """
    devices = await _find(tx, batch)
    replies = [_take(devices, message) for message in batch]
    await _create(tx, devices)
    for (tenant, _), device in devices.items():
        if device.id is not None:
            for request, received_at in device.measured:
                time = received_at if request.time is None else request.time
                measurements.add(tx, tenant, device.id, request.type, time, received_at, fragments_of(request))
    return replies


def fragments_of(request: CreateMeasurement) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the fragments of a measurement; of a series that comes twice the later one."""
    fragments: dict[str, dict[str, dict[str, Any]]] = {}
    for series in request.series:
        entry: dict[str, Any] = {"value": series.value}
        if series.unit is not None:
            entry["unit"] = series.unit
        fragments.setdefault(series.fragment, {})[series.name] = entry
    return fragments


async def _find(tx: Transaction, batch: Sequence[DeviceMessage]) -> _Devices:
    by_tenant: dict[TenantId, set[DeviceId]] = {}
    for message in batch:
        by_tenant.setdefault(message.tenant, set()).add(message.device)
    devices: _Devices = {}
    # In the same order on every node, since PostgreSQL locks what is found.
    for tenant in sorted(by_tenant):
        found = await external_ids.objects_of_devices(tx, tenant, sorted(by_tenant[tenant]))
        for device, existing in found.items():
            devices[tenant, device] = _Device(existing.owner, existing.id)
    return devices


def _take(devices: _Devices, message: DeviceMessage) -> list[Reply]:
    """Note what the rows of ``message`` ask for, creating its device if need be; return the error lines."""
    replies: list[Reply] = []
    for request in message.requests:
        if isinstance(request, Rejected):
            replies.append(request)
        elif (device := devices.get((message.tenant, message.device))) is None:
            devices[message.tenant, message.device] = _created(message, request)
        elif device.owner != message.user_name:
            replies.append(OwnerConflict.of(message.device, device.owner))
        elif isinstance(request, CreateMeasurement):
            device.measured.append((request, message.received_at))
        elif isinstance(request, CreateDevice):
            replies.append(DEVICE_ALREADY_EXISTS)
        else:
            assert_never(request)
    return replies


def _created(message: DeviceMessage, first: Request) -> _Device:
    device = _Device(message.user_name)
    name, type_ = None, None
    if isinstance(first, CreateDevice):
        name, type_ = first.name, first.type
    else:
        device.measured.append((first, message.received_at))
    device.new = NewManagedObject(
        tenant=message.tenant,
        name=name or default_name(message.device),
        type=type_ or DEFAULT_TYPE,
        owner=message.user_name,
        created_at=message.received_at,
        fragments=DEVICE_FRAGMENTS,
    )
    return device


async def _create(tx: Transaction, devices: _Devices) -> None:
    new = [(device, key, state) for key, device in devices.items() if (state := device.new) is not None]
    if not new:
        return
    numbers = await managed_objects.create(tx, [state for _, _, state in new])
    for (device, (tenant, serial), _), number in zip(new, numbers, strict=True):
        device.id = number
        external_ids.add(tx, tenant, ExternalId(SERIAL, serial, number))
