"""Registration of many devices from a file."""

import asyncio
import json
from typing import Annotated, Any, BinaryIO, Final, Literal

from fastapi import Depends, Response
from pydantic import Field

from certinel.api.authentication import ActingCaller, Caller, requires
from certinel.api.multipart_body import FormField
from certinel.api.negotiation import JSON, represented_as
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.api.spooled_file import SpooledFile
from certinel.domain.role import Role
from certinel.services import bulk_registration, new_device_requests
from certinel.services.bulk_registration import BulkResult

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""Of the whole request; ours. A hundred thousand devices with all columns take half of it."""
AT_ONCE: Final = 4
"""Files that one node works on; further ones wait."""

PATH: Final = "/devicecontrol/bulkNewDeviceRequests"

router = router_for("device control")
_ADMINISTRATORS: Final = requires(Role.DEVICE_CONTROL_ADMIN)
_FILE: Final = FormField(
    "file",
    "CSV: the first line names the columns (ID, AUTH_TYPE, CREDENTIALS, ENROLLMENT_OTP, TENANT, TYPE, NAME, ICCID, "
    "IDTYPE, PATH, SHELL, com_cumulocity_model_Agent.active, external-TYPE, any property), each further line is a "
    "device. Separated by tabs, semicolons or commas; UTF-8 or Windows-1252.",
    is_file=True,
)


class UpdatedDevice(Answer):
    """A device that was registered before."""

    bulk_new_device_status: Literal["CREDENTIAL_UPDATED"]
    device_id: str


class FailedDevice(Answer):
    """A row that was not carried out."""

    bulk_new_device_status: Literal["FAILED"]
    device_id: str
    failure_reason: str
    line: str = Field(description="The row in words, without its credentials.")


class BulkRegistrationAnswer(Answer):
    """What became of the rows."""

    number_of_all: int
    number_of_created: int
    number_of_failed: int
    number_of_successful: int = Field(description="Created and updated devices.")
    credential_updated_list: list[UpdatedDevice]
    failed_creation_list: list[FailedDevice]


@router.post(
    PATH,
    dependencies=[_ADMINISTRATORS],
    status_code=201,
    response_model=BulkRegistrationAnswer,
    responses=represented_as("bulknewdevicerequest", status=201) | documented_error(415, 422),
)
async def register_devices(
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    file: Annotated[BinaryIO, Depends(SpooledFile(_FILE, MAX_FILE_BYTES))],
) -> Response:
    """Register every device of a file: user, managed object, external ids and groups.

    A device that exists is updated. Rows that are wrong are listed and keep no other row from being carried out; a
    file that is no table of devices is refused as a whole. A file with the columns ID and PATH alone makes new device
    requests. After an interruption the same file can be sent again.
    """
    async with _turns:
        result = await bulk_registration.register(platform, principal.tenant, file, by)
        content = await asyncio.to_thread(_answer, result)
    return Response(content, status_code=201, media_type=JSON)


_turns = asyncio.Semaphore(AT_ONCE)


@router.delete(PATH + "/{id:segment}", dependencies=[_ADMINISTRATORS], status_code=204, responses=documented_error(404))
async def remove_expected_device(
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    id: str,  # noqa: A002 - the name in the path
) -> None:
    """Forget that a device is expected; a device that is registered stays so."""
    async with platform.database.transaction() as tx:
        await new_device_requests.remove(tx, platform, principal.tenant, id, by)


def _answer(result: BulkResult) -> bytes:
    """Write the answer; off the event loop, since it may name every device of the file."""
    answer: dict[str, Any] = {
        "numberOfAll": result.all,
        "numberOfCreated": result.created,
        "numberOfFailed": len(result.failed),
        "numberOfSuccessful": result.successful,
        "credentialUpdatedList": [
            {"bulkNewDeviceStatus": "CREDENTIAL_UPDATED", "deviceId": device} for device in result.updated
        ],
        "failedCreationList": [
            {
                "bulkNewDeviceStatus": "FAILED",
                "deviceId": row.device,
                "failureReason": row.reason,
                "line": row.line,
            }
            for row in result.failed
        ],
    }
    return json.dumps(answer, ensure_ascii=False).encode()
