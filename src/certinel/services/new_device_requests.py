"""Devices that are expected, one by one: asked for, accepted, forgotten.

Only devices with a password are registered so; how they collect it is in ``device_credentials``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from certinel.domain.audit import Actor, AuditEntry, AuditType, Change
from certinel.domain.bulk_registration import MAX_NAME_CHARACTERS, RowError, check_device_id
from certinel.domain.device_group import GROUP_FRAGMENT
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.feature import PASSWORD_DEVICES
from certinel.domain.identifiers import DeviceId, TenantId, device_user_name
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.new_device_request import (
    InvalidNewDeviceRequestError,
    NewDeviceRequest,
    RequestStatus,
    WrongSecurityTokenError,
)
from certinel.services import audit, features, option_values, tenant_limits
from certinel.services.platform import Platform
from certinel.storage import managed_objects, new_device_requests, users
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest


class NewDeviceRequestNotFoundError(DeviceIdentityError):
    """The tenant expects no such device, or the device has not asked yet, or nobody has accepted it."""

    code = "new-device-request/not-found"

    def __init__(self, device: str) -> None:
        super().__init__(f"Could not find newDeviceRequest by ID {device}")
        self.device = device


class PasswordDevicesOffError(DeviceIdentityError):
    """The tenant has switched devices with passwords off."""

    code = "new-device-request/password-devices-off"

    def __init__(self) -> None:
        super().__init__(
            f"The feature {PASSWORD_DEVICES} is switched off for this tenant: its devices have certificates, and are "
            "registered by auto-registration or in bulk."
        )


class NewDeviceRequestAlreadyExistsError(DeviceIdentityError):
    """The device is expected already."""

    code = "new-device-request/already-exists"

    def __init__(self, device: DeviceId) -> None:
        super().__init__(f"NewDeviceRequest for id = {device} already exists.")


class CertificateDeviceError(DeviceIdentityError):
    """A device that proves who it is with a certificate cannot be registered on its own."""

    code = "new-device-request/certificate-device"

    def __init__(self, device: DeviceId) -> None:
        super().__init__(
            f"Device {device} uses a certificate, so it cannot be registered as a single device. Switch on "
            "autoRegistrationEnabled of its trusted certificate, or register it in bulk "
            "(POST /devicecontrol/bulkNewDeviceRequests with AUTH_TYPE=CERTIFICATES)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeviceDraft:
    """A device as somebody asks for it."""

    device: str
    group: ManagedObjectId | None = None
    name: str | None = None
    type: str | None = None
    fragments: Mapping[str, Any] = field(default_factory=dict)
    is_for_certificate: bool = False
    """Whether it is to get a certificate instead of a password."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of one request when all were accepted."""

    device: DeviceId
    error: str | None = None


async def list_of(tx: Transaction, tenant: TenantId, page: PageRequest) -> Page[NewDeviceRequest]:
    """Return a page of the devices that are expected."""
    return await new_device_requests.list_of(tx, tenant, page)


async def get(tx: Transaction, tenant: TenantId, device: str) -> NewDeviceRequest:
    """Return the request for a device; raises ``NewDeviceRequestNotFoundError``."""
    found = await new_device_requests.find(tx, tenant, DeviceId(device)) if device.isprintable() else None
    if found is None:
        raise NewDeviceRequestNotFoundError(device)
    return found


async def create(
    tx: Transaction, platform: Platform, tenant: TenantId, draft: NewDeviceDraft, by: Actor
) -> NewDeviceRequest:
    """Expect a device.

    Raises:
        InvalidNewDeviceRequestError: it cannot have this name, type or group.
        CertificateDeviceError: it has a certificate, or is to get one.
        NewDeviceRequestAlreadyExistsError: it is expected already.
        PasswordDevicesOffError: the tenant has no devices with passwords.
        DeviceLimitReachedError: the tenant has as many devices as it may have.
    """
    device = _checked_name(draft)
    user = await users.find(tx, tenant, device_user_name(device))
    if draft.is_for_certificate or (user is not None and user.password_hash is None):
        raise CertificateDeviceError(device)
    if not await features.is_active(tx, tenant, PASSWORD_DEVICES):
        raise PasswordDevicesOffError
    if user is None:
        await tenant_limits.check_room_for_devices(tx, tenant)
    if draft.group is not None:
        await _check_group(tx, tenant, draft.group)
    request = NewDeviceRequest(
        tenant=tenant,
        device=device,
        status=RequestStatus.WAITING_FOR_CONNECTION,
        owner=by.seen_from(tenant),
        created_at=platform.clock.now(),
        group=draft.group,
        name=draft.name,
        type=draft.type,
        fragments=draft.fragments,
    )
    if not await new_device_requests.add(tx, request):
        raise NewDeviceRequestAlreadyExistsError(device)
    _record(tx, platform, request, "created", by)
    return request


async def accept(platform: Platform, tenant: TenantId, device: str, token: str | None, by: Actor) -> NewDeviceRequest:
    """Let a device that has asked collect its credentials; ``token`` is what it should have given.

    Opens its own transaction: a wrong token is counted although nothing is accepted.

    Raises:
        NewDeviceRequestNotFoundError: it is not expected, or has not asked yet.
        NewDeviceRequestStateError: it is accepted or blocked already.
        WrongSecurityTokenError: it gave another token, or none.
    """
    async with platform.database.transaction() as tx:
        policy = await option_values.security_token_policy(tx, tenant)
        before = await _found_to_change(tx, tenant, device)
        if before.status is RequestStatus.WAITING_FOR_CONNECTION:
            raise NewDeviceRequestNotFoundError(device)
        after = before.accepted(token, policy)
        await new_device_requests.put(tx, after)
        if after.status is not before.status:
            _record(tx, platform, after, after.status.lower(), by, before)
    if after.status is not RequestStatus.ACCEPTED:
        raise WrongSecurityTokenError(after.device)
    return after


async def accept_all(tx: Transaction, platform: Platform, tenant: TenantId, by: Actor) -> list[Acceptance]:
    """Accept every device that has asked and gave no token; the others are named with the reason, and not blocked."""
    policy = await option_values.security_token_policy(tx, tenant)
    results: list[Acceptance] = []
    for before in await new_device_requests.pending(tx, tenant):
        after = before.accepted(None, policy)
        if after.status is RequestStatus.ACCEPTED:
            await new_device_requests.put(tx, after)
            _record(tx, platform, after, "accepted", by, before)
            results.append(Acceptance(after.device))
        else:
            results.append(Acceptance(before.device, str(WrongSecurityTokenError(before.device))))
    return results


async def remove(tx: Transaction, platform: Platform, tenant: TenantId, device: str, by: Actor) -> None:
    """Forget that a device is expected; raises ``NewDeviceRequestNotFoundError``."""
    found = await _found_to_change(tx, tenant, device)
    await new_device_requests.remove(tx, tenant, found.device)
    _record(tx, platform, found, "deleted", by)


def check_status(device: str, status: str) -> None:
    """Refuse every status but the one that somebody can give."""
    if status != RequestStatus.ACCEPTED:
        raise InvalidNewDeviceRequestError(
            f"The status of newDeviceRequest {device} can be set to {RequestStatus.ACCEPTED} only."
        )


async def _found_to_change(tx: Transaction, tenant: TenantId, device: str) -> NewDeviceRequest:
    found = await new_device_requests.find_to_change(tx, tenant, DeviceId(device)) if device.isprintable() else None
    if found is None:
        raise NewDeviceRequestNotFoundError(device)
    return found


def _checked_name(draft: NewDeviceDraft) -> DeviceId:
    try:
        device = check_device_id(draft.device)
    except RowError as error:
        raise InvalidNewDeviceRequestError(str(error)) from None
    for what, text in (("name", draft.name), ("type", draft.type)):
        if text is not None and not 0 < len(text) <= MAX_NAME_CHARACTERS:
            raise InvalidNewDeviceRequestError(f"The {what} must have 1 to {MAX_NAME_CHARACTERS} characters.")
    return device


async def _check_group(tx: Transaction, tenant: TenantId, group: ManagedObjectId) -> None:
    found = await managed_objects.get(tx, tenant, group)
    if found is None or GROUP_FRAGMENT not in found.fragments:
        raise InvalidNewDeviceRequestError(f"There is no group with id = {group}")


def _record(
    tx: Transaction,
    platform: Platform,
    request: NewDeviceRequest,
    verb: str,
    by: Actor,
    before: NewDeviceRequest | None = None,
) -> None:
    at = platform.clock.now()
    changes = () if before is None else (Change("status", before.status.value, request.status.value),)
    audit.record(
        tx,
        AuditEntry(
            tenant=request.tenant,
            by=by,
            type=AuditType.NEW_DEVICE_REQUEST,
            source=request.device,
            activity=f"New device request {verb}: '{request.device}'.",
            text=f"Device: '{request.device}'.\n Status='{request.status}'",
            time=at,
            recorded_at=at,
            changes=changes,
        ),
    )
