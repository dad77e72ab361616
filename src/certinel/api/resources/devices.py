"""A tenant's devices with their certificates: found, looked at, let in or kept out, deleted. Our own addition."""

from datetime import timedelta
from typing import Annotated, Final, Self

from fastapi import Depends, Query, Request
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.key_paging import KeyCollection, KeyPaging, key_envelope, read, written
from certinel.api.moments import Moment
from certinel.api.numbered import MAX_NUMBER
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.problems import InvalidFieldsError, documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.resources.connection_attempts import ConnectionAttemptAnswer
from certinel.api.resources.trusted_certificates import READERS
from certinel.api.routing import router as router_for
from certinel.domain.device import Device, DeviceCertificate
from certinel.domain.identifiers import Fingerprint
from certinel.domain.managed_object import ManagedObject
from certinel.domain.role import Role
from certinel.services import connection_attempts, devices, user_administration
from certinel.services.devices import MAX_SEARCH_CHARACTERS, DeviceQuestion, Place
from certinel.storage.connection_attempts import AttemptFilter
from certinel.storage.devices import DeviceFilter
from certinel.storage.page import PageRequest

router = router_for("devices")
ALL: Final = "/certinel/devices"
ONE: Final = ALL + "/{device:segment}"
WRITERS: Final = requires(Role.USER_MANAGEMENT_ADMIN, Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN)
MAX_DAYS: Final = 36_500
LAST_CONNECTIONS: Final = 20


class DeviceCertificateAnswer(Answer):
    """A certificate that a device was admitted with."""

    subject: str
    issuer: str
    serial_number_hex: str = Field(pattern="^-?[0-9a-f]+$")
    fingerprint: str = Field(description="SHA-1 of the DER.", pattern="^[0-9a-f]{40}$")
    sha256: str = Field(description="SHA-256 of the DER.", pattern="^[0-9a-f]{64}$")
    not_before: ContractTime
    not_after: ContractTime
    trusted_certificate: str | None = Field(
        default=None, description="SHA-1 of the trusted certificate that it was admitted by the last time."
    )
    first_seen: ContractTime
    last_seen: ContractTime
    is_current: bool = Field(alias="current", description="Whether the device connected with it the last time.")

    @classmethod
    def of(cls, certificate: DeviceCertificate) -> Self:
        """Describe ``certificate``."""
        return cls(
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial_number_hex=certificate.serial,
            fingerprint=certificate.sha1,
            sha256=certificate.sha256,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            trusted_certificate=certificate.trusted,
            first_seen=certificate.first_seen_at,
            last_seen=certificate.last_seen_at,
            is_current=certificate.is_current,
        )


class ObjectReference(Answer):
    """The object that stands for a device in the inventory."""

    id: str
    self: str
    name: str | None = None
    type: str | None = None

    @classmethod
    def of(cls, found: ManagedObject, request: Request) -> Self:
        """Describe ``found``."""
        number = str(found.id)
        address = link(request, "inventory", "managedObjects", number)
        return cls(id=number, self=address, name=found.name, type=found.type)


class DeviceAnswer(Answer):
    """A device, and the certificate it connected with last."""

    id: str = Field(description="The device identifier: the common name of its certificate.")
    self: str
    user_name: str
    enabled: bool = Field(description="Whether it may connect, as far as its user is concerned.")
    registration_time: ContractTime
    connected: bool = Field(description="Whether it is connected to this node right now.")
    connected_since: ContractTime | None = None
    last_seen: ContractTime | None = Field(default=None, description="When it came or left the last time.")
    managed_object: ObjectReference | None = None
    certificate: DeviceCertificateAnswer | None = Field(
        default=None, description="Absent for devices that have never connected with a certificate."
    )

    @classmethod
    def of(cls, device: Device, request: Request) -> Self:
        """Describe ``device``."""
        return cls(
            id=device.id,
            self=link(request, "certinel", "devices", device.id),
            user_name=device.user_name,
            enabled=device.is_enabled,
            registration_time=device.registered_at,
            connected=device.connected_since is not None,
            connected_since=device.connected_since,
            last_seen=device.last_seen_at,
            managed_object=ObjectReference.of(device.object, request) if device.object is not None else None,
            certificate=DeviceCertificateAnswer.of(device.certificate) if device.certificate is not None else None,
        )


class Devices(KeyCollection):
    """A page of devices."""

    devices: list[DeviceAnswer]


class DeviceDetails(DeviceAnswer):
    """A device with its past."""

    certificates: list[DeviceCertificateAnswer] = Field(
        description="All it was admitted with, the latest issued first."
    )
    last_connections: list[ConnectionAttemptAnswer] = Field(
        description="Its latest attempts to connect, accepted and refused."
    )


class DeviceUpdate(Received):
    """Whether the device is let in."""

    enabled: bool


async def device_question(  # noqa: PLR0913 - each one is a part of the request
    *,
    platform: Served,
    search: Annotated[
        str | None,
        Query(
            max_length=MAX_SEARCH_CHARACTERS,
            description="How the device's id or its object's name begins; or the serial number (hexadecimal) of a "
            "certificate it has used, or how its fingerprint begins (SHA-1 or SHA-256, 8 digits at least).",
        ),
    ] = None,
    connected: Annotated[bool | None, Query(description="Devices that are connected now, or are not.")] = None,
    enabled: Annotated[bool | None, Query(description="Devices whose user is enabled, or is not.")] = None,
    expires_within_days: Annotated[
        int | None,
        Query(
            alias="expiresWithinDays",
            ge=0,
            le=MAX_DAYS,
            description="Devices whose certificate ends within so many days or has ended.",
        ),
    ] = None,
    expires_from: Annotated[
        Moment | None, Query(alias="expiresFrom", description="Devices whose certificate ends at this moment or later.")
    ] = None,
    expires_to: Annotated[
        Moment | None,
        Query(alias="expiresTo", description="Devices whose certificate ends at this moment or earlier."),
    ] = None,
    trusted_certificate: Annotated[
        str | None,
        Query(
            alias="trustedCertificate",
            max_length=100,
            description="Devices that were admitted by this trusted certificate the last time: its SHA-1.",
        ),
    ] = None,
) -> DeviceQuestion:
    """Read which devices are asked for."""
    ends = [expires_to] if expires_to is not None else []
    if expires_within_days is not None:
        ends.append(platform.clock.now() + timedelta(days=expires_within_days))
    stored = DeviceFilter(
        is_enabled=enabled,
        expires_by=min(ends, default=None),
        expires_from=expires_from,
        trusted=_fingerprint(trusted_certificate) if trusted_certificate is not None else None,
    )
    return DeviceQuestion(search=search, is_connected=connected, stored=stored)


@router.get(ALL, dependencies=[READERS], responses=documented_error(422))
async def list_devices(
    request: Request,
    platform: Served,
    principal: Caller,
    paging: KeyPaging,
    question: Annotated[DeviceQuestion, Depends(device_question)],
) -> Devices:
    """List the tenant's devices; all conditions must hold. The address of the next page is in `next`.

    Devices are what has a device user: registered by connecting, in bulk or one by one. They come in the order of their
    ids; a search gives those with the certificate first, then those with the id, then those with the name.
    """
    async with platform.database.reading() as tx:
        found = await devices.list_of(
            tx, platform, principal.tenant, question, place_of(paging.after), paging.page_size
        )
    return Devices(
        devices=[DeviceAnswer.of(device, request) for device in found.devices],
        **key_envelope(request, written_place(found.next) if found.next is not None else None),
    )


@router.get(ONE, dependencies=[READERS], responses=documented_error(404))
async def get_device(request: Request, platform: Served, principal: Caller, device: str) -> DeviceDetails:
    """Return one device with the certificates it has used and its latest attempts to connect."""
    tenant = principal.tenant
    async with platform.database.reading() as tx:
        found = await devices.get(tx, platform, tenant, device)
        certificates = await devices.certificates_of(tx, tenant, found.id)
        wanted, latest = AttemptFilter(device=found.id), PageRequest(page_size=LAST_CONNECTIONS)
        attempts = await connection_attempts.list_of(tx, tenant, wanted, latest)
    return DeviceDetails(
        **DeviceAnswer.of(found, request).model_dump(by_alias=False, exclude={"certificate", "managed_object"}),
        managed_object=ObjectReference.of(found.object, request) if found.object is not None else None,
        certificate=DeviceCertificateAnswer.of(found.certificate) if found.certificate is not None else None,
        certificates=[DeviceCertificateAnswer.of(one) for one in certificates],
        last_connections=[ConnectionAttemptAnswer.of(one, request) for one in attempts.items],
    )


@router.put(ONE, dependencies=[WRITERS], responses=documented_error(404))
async def update_device(
    request: Request,
    platform: Served,
    principal: Caller,
    device: str,
    update: Annotated[DeviceUpdate, Depends(JsonBody(DeviceUpdate))],
) -> DeviceAnswer:
    """Let a device in or keep it out; its session ends and its tokens are refused at once."""
    async with platform.database.transaction() as tx:
        found = await devices.get(tx, platform, principal.tenant, device)
        await user_administration.set_device_enabled(
            tx, platform, principal.tenant, found.user_name, is_enabled=update.enabled, by=principal
        )
    async with platform.database.reading() as tx:
        found = await devices.get(tx, platform, principal.tenant, device)
    return DeviceAnswer.of(found, request)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def delete_device(platform: Served, principal: Caller, device: str) -> None:
    """Remove a device with its user, its object and its measurements; it is disconnected.

    Where registration is automatic it comes back when it connects again: disable it or revoke its certificate instead.
    """
    async with platform.database.transaction() as tx:
        await devices.delete(tx, platform, principal.tenant, device, principal)


def place_of(cursor: str | None) -> Place:
    """Read where a list of devices goes on; raises ``InvalidFieldsError``."""
    if cursor is None:
        return Place()
    part, text, number = read(cursor, int, str, int)
    if not 0 <= number <= MAX_NUMBER or part < 0:
        raise InvalidFieldsError("after: not a place in this list")
    return Place(part, (text, number))


def written_place(place: Place) -> str:
    """Write where a list of devices goes on."""
    return written(place.part, *place.after)


def _fingerprint(text: str) -> Fingerprint:
    return Fingerprint(text.replace(":", "").lower())
