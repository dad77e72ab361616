"""What the platform tells a device in SmartREST.

The texts are part of the contract to the letter: agents wait for some of them.
"""

from certinel.smartrest.csv import encode_row
from certinel.smartrest.errors import ErrorCode, Rejected, echo

DEVICE_ALREADY_EXISTS = Rejected(ErrorCode.NOT_CREATED, "100", "Device already existing")
"""The answer to a second 100; agents take it for a sign that they are connected."""

NO_TOKEN_WITHOUT_CERTIFICATE = Rejected(
    ErrorCode.NOT_CREATED,
    "",
    "MqttAuth: Cannot publish token for device that do not use certificate authentication",
)
"""The answer to a token request in a session that began with a password."""


def token(text: str) -> str:
    """Return the row of ``s/dat`` that carries a device token."""
    return encode_row(("71", text))


def credentials(tenant: str, user_name: str, password: str) -> str:
    """Return the row of ``s/dcr`` that carries the credentials of a device."""
    return encode_row(("70", tenant, user_name, password))


def server_error(message_id: str, message: str) -> Rejected:
    """Tell that a row could not be carried out, for a reason that is not in the row."""
    return Rejected(ErrorCode.SERVER_ERROR, echo(message_id), message)
