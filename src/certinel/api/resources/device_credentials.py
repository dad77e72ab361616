"""The credentials that a new device collects with the password of a bootstrap user."""

from typing import Annotated, Final

from fastapi import Depends, Request, Response
from pydantic import Field, SecretStr

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, Received
from certinel.api.routing import router as router_for
from certinel.domain.role import Role
from certinel.services import device_credentials
from certinel.services.device_credentials import CredentialsRequest

PATH: Final = "/devicecontrol/deviceCredentials"

router = router_for("device control")


class DeviceCredentialsRequest(Received):
    """Which device asks."""

    id: str = Field(description="The name of the device.")
    security_token: SecretStr | None = Field(default=None, description="What whoever accepts the device has to know.")


class DeviceCredentialsAnswer(Answer):
    """What the device connects with from now on; answered once."""

    id: str
    self: str
    tenant_id: str
    username: str
    password: str


@router.post(
    PATH,
    dependencies=[requires(Role.DEVICE_BOOTSTRAP)],
    status_code=201,
    responses=represented_as("devicecredentials", status=201) | documented_error(404, 429),
)
async def collect_device_credentials(
    *,
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    asked: Annotated[DeviceCredentialsRequest, Depends(JsonBody(DeviceCredentialsRequest))],
) -> DeviceCredentialsAnswer:
    """Hand out the credentials of a device, once; 404 as long as nobody has accepted it, so ask again and again.

    Asking for the first time lets somebody accept it.
    """
    credentials = await device_credentials.collect(
        platform,
        CredentialsRequest(
            bootstrap=principal,
            device=asked.id,
            security_token=asked.security_token.get_secret_value() if asked.security_token is not None else None,
            host=request.headers.get("host", ""),
            address=request.client.host if request.client else "",
        ),
    )
    answer = DeviceCredentialsAnswer(
        id=credentials.device,
        self=link(request, "devicecontrol", "deviceCredentials", credentials.device),
        tenant_id=credentials.tenant,
        username=credentials.user_name,
        password=credentials.password,
    )
    response.headers["Location"] = answer.self
    return answer
