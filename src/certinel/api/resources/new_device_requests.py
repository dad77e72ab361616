"""Devices that are expected: requests for single registration, as the simple form of bulk registration makes them."""

from typing import Final, Self

from fastapi import Request
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.negotiation import represented_as
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime
from certinel.api.routing import router as router_for
from certinel.domain.new_device_request import NewDeviceRequest, RequestStatus
from certinel.domain.role import Role
from certinel.services import new_device_requests

PATH: Final = "/devicecontrol/newDeviceRequests"

router = router_for("device control")
_READERS: Final = requires(Role.DEVICE_CONTROL_READ, Role.DEVICE_CONTROL_ADMIN)


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
        )


class NewDeviceRequests(Collection):
    """A page of requests, by the name of the device."""

    new_device_requests: list[NewDeviceRequestAnswer]


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


@router.delete(
    PATH + "/{id:segment}",
    dependencies=[requires(Role.USER_MANAGEMENT_ADMIN)],
    status_code=204,
    responses=documented_error(404),
)
async def remove_new_device_request(
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> None:
    """Forget that a device is expected; a device that is registered stays so."""
    async with platform.database.transaction() as tx:
        await new_device_requests.remove(tx, principal.tenant, id)
