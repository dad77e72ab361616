"""Devices that are expected: requests for single registration, as the simple form of bulk registration makes them."""

from typing import Annotated, Any, Final, Self

from fastapi import Depends, Request, Response
from pydantic import Field, RootModel, SecretStr

from certinel.api.authentication import ActingCaller, Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.routing import router as router_for
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.new_device_request import NewDeviceRequest, RequestStatus
from certinel.domain.role import Principal, Role
from certinel.services import new_device_requests, tenant_limits, tenants
from certinel.services.new_device_requests import Acceptance, NewDeviceDraft

PATH: Final = "/devicecontrol/newDeviceRequests"

router = router_for("device control")
_READERS: Final = requires(Role.DEVICE_CONTROL_READ, Role.DEVICE_CONTROL_ADMIN)
_WRITERS: Final = requires(Role.DEVICE_CONTROL_ADMIN)


class NewDeviceRequestCreation(Received):
    """A device that is to be registered with a password of its own."""

    id: str = Field(description="The name of the device.")
    group_id: str | None = Field(default=None, description="The group that the device will be in.")
    type: str | None = None
    name: str | None = None
    tenant_id: str | None = Field(default=None, description="For callers of the tenant `management`; else ignored.")
    custom_properties: dict[str, Any] = Field(
        default_factory=dict, description="What the device's object will hold besides."
    )
    enrollment_token: SecretStr | None = Field(
        default=None, description="Refused: devices with certificates register themselves or in bulk."
    )


class NewDeviceRequestUpdate(Received):
    """Only the status can change, and only to `ACCEPTED`."""

    status: str = Field(description="`ACCEPTED`.")
    security_token: SecretStr | None = Field(default=None, description="The token that the device gave, if it did.")


class NewDeviceRequestAnswer(Answer):
    """A device that is expected."""

    id: str = Field(description="The name of the device.")
    self: str
    status: RequestStatus
    tenant_id: str
    owner: str = Field(description="The user who asked for it.")
    creation_time: ContractTime
    group_id: str | None = Field(default=None, description="The group that the device will be in.")
    type: str | None = None
    name: str | None = None
    custom_properties: dict[str, Any] | None = None

    @classmethod
    def of(cls, found: NewDeviceRequest, request: Request) -> Self:
        """Describe ``found``."""
        return cls(
            id=found.device,
            self=link(request, "devicecontrol", "newDeviceRequests", found.device),
            status=found.status,
            tenant_id=found.tenant,
            owner=found.owner,
            creation_time=found.created_at,
            group_id=str(found.group) if found.group is not None else None,
            type=found.type,
            name=found.name,
            custom_properties=dict(found.fragments) or None,
        )


class NewDeviceRequests(Collection):
    """A page of requests, by the name of the device."""

    new_device_requests: list[NewDeviceRequestAnswer]


class DeviceLimit(Answer):
    """How many devices the tenant has, and may have."""

    is_reached: bool
    limit: int | None = Field(default=None, description="Missing where there is no limit.")
    device_count: int


class AcceptanceAnswer(Answer):
    """What became of one request."""

    id: str
    successful: bool
    error: str | None = None

    @classmethod
    def of(cls, outcome: Acceptance) -> Self:
        """Describe ``outcome``."""
        return cls(id=outcome.device, successful=outcome.error is None, error=outcome.error)


class Acceptances(RootModel[list[AcceptanceAnswer]]):
    """What became of the requests; a bare list."""


@router.get(
    PATH,
    dependencies=[_READERS],
    responses=represented_as("newdevicerequestcollection") | documented_error(422),
)
async def list_new_device_requests(
    request: Request, platform: Served, principal: Caller, paging: Paging
) -> NewDeviceRequests:
    """List the devices that are expected."""
    async with platform.database.reading() as tx:
        page = await new_device_requests.list_of(tx, principal.tenant, paging)
    answers = [NewDeviceRequestAnswer.of(found, request) for found in page.items]
    return NewDeviceRequests(new_device_requests=answers, **envelope(request, page))


@router.post(
    PATH,
    dependencies=[_WRITERS],
    status_code=201,
    responses=represented_as("newdevicerequest", status=201) | documented_error(404),
)
async def create_new_device_request(
    *,
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    creation: Annotated[NewDeviceRequestCreation, Depends(JsonBody(NewDeviceRequestCreation))],
) -> NewDeviceRequestAnswer:
    """Expect a device. It asks for credentials, somebody accepts it, and it collects them."""
    draft = NewDeviceDraft(
        device=creation.id,
        group=None if creation.group_id is None else ManagedObjectId(number_of(creation.group_id)),
        name=creation.name,
        type=creation.type,
        fragments=creation.custom_properties,
        is_for_certificate=creation.enrollment_token is not None,
    )
    async with platform.database.transaction() as tx:
        tenant = _target(principal, creation.tenant_id)
        await tenants.get(tx, tenant)
        made = await new_device_requests.create(tx, platform, tenant, draft, by)
    answer = NewDeviceRequestAnswer.of(made, request)
    response.headers["Location"] = answer.self
    return answer


@router.get(PATH + "/limit", dependencies=[_READERS])
async def get_device_limit(platform: Served, principal: Caller) -> DeviceLimit:
    """Tell how many devices the tenant has, and how many it may have."""
    async with platform.database.reading() as tx:
        room = await tenant_limits.room_for_devices(tx, principal.tenant)
    return DeviceLimit(is_reached=room.is_reached, limit=room.limit, device_count=room.count)


@router.post(PATH + "/acceptAll", dependencies=[_WRITERS])
async def accept_new_device_requests(platform: Served, principal: Caller, by: ActingCaller) -> Acceptances:
    """Accept every device that has asked for credentials and gave no security token."""
    async with platform.database.transaction() as tx:
        outcomes = await new_device_requests.accept_all(tx, platform, principal.tenant, by)
    return Acceptances([AcceptanceAnswer.of(outcome) for outcome in outcomes])


@router.get(
    PATH + "/{id:segment}",
    dependencies=[_READERS],
    responses=represented_as("newdevicerequest") | documented_error(404),
)
async def get_new_device_request(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> NewDeviceRequestAnswer:
    """Return one device that is expected."""
    async with platform.database.reading() as tx:
        found = await new_device_requests.get(tx, principal.tenant, id)
    return NewDeviceRequestAnswer.of(found, request)


@router.put(
    PATH + "/{id:segment}",
    dependencies=[_WRITERS],
    responses=represented_as("newdevicerequest") | documented_error(404),
)
async def accept_new_device_request(
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    id: str,  # noqa: A002 - the name in the path
    update: Annotated[NewDeviceRequestUpdate, Depends(JsonBody(NewDeviceRequestUpdate))],
) -> NewDeviceRequestAnswer:
    """Accept a device that has asked for credentials; 404 as long as it has not. Too many wrong tokens block it."""
    new_device_requests.check_status(id, update.status)
    token = update.security_token.get_secret_value() if update.security_token is not None else None
    accepted = await new_device_requests.accept(platform, principal.tenant, id, token, by)
    return NewDeviceRequestAnswer.of(accepted, request)


@router.delete(
    PATH + "/{id:segment}",
    dependencies=[requires(Role.USER_MANAGEMENT_ADMIN)],
    status_code=204,
    responses=documented_error(404),
)
async def remove_new_device_request(
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    id: str,  # noqa: A002 - the name in the path
) -> None:
    """Forget that a device is expected; a device that is registered stays so."""
    async with platform.database.transaction() as tx:
        await new_device_requests.remove(tx, platform, principal.tenant, id, by)


def _target(principal: Principal, tenant: str | None) -> TenantId:
    is_elsewhere = tenant is not None and principal.tenant == MANAGEMENT_TENANT
    return TenantId(tenant) if tenant is not None and is_elsewhere else principal.tenant
