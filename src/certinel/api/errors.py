"""Which error of the platform has which HTTP status: the only place that knows.

What is in no table is the platform's own fault: 500, see `headers`.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from certinel.api.problems import (
    MAX_MESSAGE_LENGTH,
    ApiError,
    InvalidFieldsError,
    Problem,
    faults_of,
    problem_response,
)
from certinel.domain.device_table import UnusableTableError
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.feature import FeatureNotOfferedError
from certinel.domain.inventory_query import InvalidInventoryQueryError
from certinel.domain.managed_object import InvalidManagedObjectError
from certinel.domain.new_device_request import (
    InvalidNewDeviceRequestError,
    NewDeviceRequestStateError,
    WrongSecurityTokenError,
)
from certinel.domain.possession import (
    MalformedSignatureError,
    NothingToProveError,
    VerificationCodeExpiredError,
    WrongSignatureError,
)
from certinel.domain.revocation_entry import UnacceptableRevocationError, UnsupportedDateError
from certinel.domain.revocation_list_form import UnacceptableListError
from certinel.domain.tenant import InvalidTenantError
from certinel.domain.tenant_option import InvalidTenantOptionError
from certinel.domain.trusted_certificate_draft import UnacceptableCertificateError
from certinel.domain.user_account import InvalidUserError
from certinel.services.audit import AuditRecordNotFoundError
from certinel.services.authentication import WrongCredentialsError
from certinel.services.authority_lists import AuthorityListNotFoundError
from certinel.services.connection_attempts import ConnectionAttemptNotFoundError
from certinel.services.devices import DeviceNotFoundError
from certinel.services.features import FeatureNotFoundError
from certinel.services.identity import ExternalIdAlreadyExistsError, ExternalIdNotFoundError
from certinel.services.inventory import ManagedObjectNotFoundError
from certinel.services.key_rotation import SigningKeyNeededError, SigningKeyNotFoundError
from certinel.services.login_attempts import TooManyAttemptsError
from certinel.services.measurements import MeasurementNotFoundError
from certinel.services.new_device_requests import (
    CertificateDeviceError,
    NewDeviceRequestAlreadyExistsError,
    NewDeviceRequestNotFoundError,
    PasswordDevicesOffError,
)
from certinel.services.passwords import PasswordsBusyError, UnacceptablePasswordError
from certinel.services.revocation import UnknownCertificateError
from certinel.services.signing_keys import TokenRefusedError
from certinel.services.tenant_limits import DeviceLimitReachedError, UserLimitReachedError
from certinel.services.tenant_options import TenantOptionFixedError, TenantOptionNotFoundError
from certinel.services.tenants import ManagementTenantError, TenantAlreadyExistsError, TenantNotFoundError
from certinel.services.trusted_certificates import (
    TrustedCertificateAlreadyExistsError,
    TrustedCertificateNotFoundError,
)
from certinel.services.user_administration import (
    BeyondOwnRightsError,
    DeviceUserFixedError,
    GroupNotFoundError,
    LastAdministratorError,
    UserAlreadyExistsError,
    WrongCurrentPasswordError,
)
from certinel.services.users import UserNotFoundError
from certinel.storage.errors import DatabaseLoginError, DatabaseUnreachableError, StorageBusyError, StorageFullError

REALM: Final = "certinel"
BAD_CREDENTIALS: Final = "Invalid credentials! : Bad credentials"
TRY_LATER: Final = "The platform cannot do this now; try again later."

logger = structlog.get_logger(__name__)


class Row(NamedTuple):
    """How an error is answered."""

    status: HTTPStatus
    error: str
    message: str | None = None
    """None tells the caller the error's own message."""


_BUSY: Final = Row(HTTPStatus.SERVICE_UNAVAILABLE, "general/Service Unavailable", TRY_LATER)

STATUS_BY_ERROR: Final[Mapping[type[DeviceIdentityError], Row]] = MappingProxyType(
    {
        TrustedCertificateNotFoundError: Row(HTTPStatus.NOT_FOUND, "certificate/Not Found"),
        TrustedCertificateAlreadyExistsError: Row(HTTPStatus.CONFLICT, "tenants/Conflict"),
        UnacceptableCertificateError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "tenants/Unprocessable Entity"),
        WrongSignatureError: Row(HTTPStatus.BAD_REQUEST, "tenants/Bad Request"),
        VerificationCodeExpiredError: Row(HTTPStatus.BAD_REQUEST, "tenants/Bad Request"),
        MalformedSignatureError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "tenants/Invalid Data"),
        NothingToProveError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "tenants/Unprocessable Entity"),
        UnsupportedDateError: Row(HTTPStatus.BAD_REQUEST, "Device Certificates/Bad Request"),
        UnacceptableRevocationError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "Device Certificates/Unprocessable Entity"),
        UnknownCertificateError: Row(HTTPStatus.NOT_FOUND, "Device Certificates/Not Found"),
        UnacceptableListError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "revocation-list/unacceptable"),
        AuthorityListNotFoundError: Row(HTTPStatus.NOT_FOUND, "revocation-list/not-found"),
        TenantNotFoundError: Row(HTTPStatus.NOT_FOUND, "security/Not Found"),
        TenantAlreadyExistsError: Row(HTTPStatus.CONFLICT, "tenants/Conflict"),
        InvalidTenantError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "tenants/Unprocessable Entity"),
        ManagementTenantError: Row(HTTPStatus.FORBIDDEN, "security/Forbidden"),
        UserAlreadyExistsError: Row(HTTPStatus.CONFLICT, "users/Conflict"),
        LastAdministratorError: Row(HTTPStatus.CONFLICT, "users/Conflict"),
        GroupNotFoundError: Row(HTTPStatus.NOT_FOUND, "user/Not Found"),
        BeyondOwnRightsError: Row(HTTPStatus.FORBIDDEN, "security/Forbidden"),
        WrongCurrentPasswordError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "users/Unprocessable Entity"),
        DeviceUserFixedError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "users/Unprocessable Entity"),
        InvalidUserError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "users/Unprocessable Entity"),
        UnacceptablePasswordError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "users/Unprocessable Entity"),
        UserNotFoundError: Row(HTTPStatus.NOT_FOUND, "user/Not Found"),
        FeatureNotFoundError: Row(HTTPStatus.NOT_FOUND, "features/Not Found"),
        FeatureNotOfferedError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "features/Unprocessable Entity"),
        PasswordDevicesOffError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Unprocessable Entity"),
        TenantOptionFixedError: Row(HTTPStatus.FORBIDDEN, "options/Forbidden"),
        TenantOptionNotFoundError: Row(HTTPStatus.NOT_FOUND, "options/Not Found"),
        InvalidTenantOptionError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "options/Unprocessable Entity"),
        ExternalIdNotFoundError: Row(HTTPStatus.NOT_FOUND, "identity/Not Found"),
        ExternalIdAlreadyExistsError: Row(HTTPStatus.CONFLICT, "identity/Duplicate Data"),
        InvalidInventoryQueryError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "inventory/Unprocessable Entity"),
        InvalidManagedObjectError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "inventory/Unprocessable Entity"),
        ManagedObjectNotFoundError: Row(HTTPStatus.NOT_FOUND, "inventory/Not Found"),
        MeasurementNotFoundError: Row(HTTPStatus.NOT_FOUND, "measurement/Not Found"),
        AuditRecordNotFoundError: Row(HTTPStatus.NOT_FOUND, "audit/Not Found"),
        DeviceNotFoundError: Row(HTTPStatus.NOT_FOUND, "certinel/Not Found"),
        ConnectionAttemptNotFoundError: Row(HTTPStatus.NOT_FOUND, "certinel/Not Found"),
        UnusableTableError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Unprocessable Entity"),
        NewDeviceRequestNotFoundError: Row(HTTPStatus.NOT_FOUND, "devicecontrol/Not Found"),
        NewDeviceRequestAlreadyExistsError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Non Unique Result"),
        InvalidNewDeviceRequestError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "undefined/validationError"),
        NewDeviceRequestStateError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Unprocessable Entity"),
        WrongSecurityTokenError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Unprocessable Entity"),
        CertificateDeviceError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Unprocessable Entity"),
        DeviceLimitReachedError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "devicecontrol/Unprocessable Entity"),
        UserLimitReachedError: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "users/Unprocessable Entity"),
        SigningKeyNotFoundError: Row(HTTPStatus.NOT_FOUND, "certinel/Not Found"),
        SigningKeyNeededError: Row(HTTPStatus.CONFLICT, "certinel/Conflict"),
        TooManyAttemptsError: Row(HTTPStatus.TOO_MANY_REQUESTS, "security/Too Many Requests"),
        WrongCredentialsError: Row(HTTPStatus.UNAUTHORIZED, "security/Unauthorized", BAD_CREDENTIALS),
        TokenRefusedError: Row(HTTPStatus.UNAUTHORIZED, "security/Unauthorized", BAD_CREDENTIALS),
        PasswordsBusyError: _BUSY,
        StorageBusyError: _BUSY,
        StorageFullError: _BUSY,
        DatabaseUnreachableError: _BUSY,
        DatabaseLoginError: _BUSY,
    }
)


_PARTS: Final = (
    ("/tenant/options", "options"),
    ("/tenant/system/options", "options"),
    ("/tenant", "tenants"),
    ("/inventory", "inventory"),
    ("/identity", "identity"),
    ("/measurement", "measurement"),
    ("/user", "users"),
    ("/audit", "audit"),
    ("/devicecontrol", "devicecontrol"),
)


def part_of(path: str) -> str:
    """Return the word before the slash of an ``error`` for what lives at ``path``."""
    return next((name for prefix, name in _PARTS if path.startswith(prefix)), "general")


def challenge(request: Request) -> Mapping[str, str]:
    """Return the challenge of a 401; scripts ask for ``XBasic``, so that browsers show no pop-up."""
    scheme = "XBasic" if request.headers.get("usexbasic", "").lower() == "true" else "Basic"
    return {"WWW-Authenticate": f'{scheme} realm="{REALM}"'}


async def _answer_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this class only
    problem = error.problem
    return problem_response(_challenged(request, problem))


async def _answer_by_table(request: Request, error: Exception) -> Response:
    row = next(STATUS_BY_ERROR[kind] for kind in type(error).mro() if kind in STATUS_BY_ERROR)
    if row.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("api.platform_cannot", reason=str(error))
    message = str(error)[:MAX_MESSAGE_LENGTH] if row.message is None else row.message
    name = error.fault if isinstance(error, UnacceptableListError) else row.error  # the fault is a code of its own
    headers: dict[str, str] = {}
    if isinstance(error, TooManyAttemptsError):
        headers["Retry-After"] = str(math.ceil(error.retry_after.total_seconds()))
    return problem_response(_challenged(request, Problem(row.status, name, message, headers)))


def _challenged(request: Request, problem: Problem) -> Problem:
    is_unauthorized = problem.status == HTTPStatus.UNAUTHORIZED
    return replace(problem, headers=challenge(request)) if is_unauthorized else problem


async def _answer_invalid(request: Request, error: Exception) -> Response:
    faults = faults_of(error.errors()) if isinstance(error, RequestValidationError) else str(error)
    part = part_of(request.url.path)
    return problem_response(Problem(422, f"{part}/Unprocessable Entity", faults[:MAX_MESSAGE_LENGTH]))


async def _answer_http(request: Request, error: Exception) -> Response:
    """Answer what routing itself raises: no such route, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    phrase = HTTPStatus(error.status_code).phrase
    message = f"{phrase}: {request.method} {request.url.path}"[:MAX_MESSAGE_LENGTH]
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return problem_response(Problem(error.status_code, f"general/{phrase}", message, headers))


def _methods_at(request: Request) -> set[str]:
    """Return what all routes of this path answer; each route by itself knows only its own method."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return methods | {"HEAD"} if "GET" in methods else methods


def install_error_answers(app: FastAPI) -> None:
    """Let every exception that a request can end with be answered in the contract's shape."""
    app.add_exception_handler(ApiError, _answer_api_error)
    for kind in STATUS_BY_ERROR:
        app.add_exception_handler(kind, _answer_by_table)
    app.add_exception_handler(InvalidFieldsError, _answer_invalid)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
