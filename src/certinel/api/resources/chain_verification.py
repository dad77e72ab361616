"""Would a device with this chain be let in? The contract's short answer; `explanations` has the long one."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Depends, Header
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.multipart_body import FormField, MultipartBody
from certinel.api.platform_of import Served
from certinel.api.problems import ApiError, ForbiddenError, UnauthorizedError, documented_error
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.domain.admission import Admission
from certinel.domain.errors import Code
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.pem import CertificateTextError, all_der
from certinel.domain.role import Principal, Role
from certinel.services import explanation, tenants
from certinel.services.explanation import ChainQuestion
from certinel.services.platform import Platform
from certinel.services.tenants import TenantNotFoundError

router = router_for("trusted certificates")
PATH: Final = "/tenant/trusted-certificates/verify-cert-chain"
MAX_CERTIFICATES_IN_FILE: Final = 10
MAX_CERTIFICATES_IN_HEADER: Final = 5
ALLOWED: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_MANAGEMENT_READ)
FORM: Final = MultipartBody(
    FormField(
        "file", f"The chain in PEM, the device certificate first; at most {MAX_CERTIFICATES_IN_FILE}.", is_file=True
    ),
    FormField("tenantId", "The tenant that the device would name; without it the chain decides."),
)

Form = Annotated[Mapping[str, bytes] | None, Depends(FORM)]
ChainHeader = Annotated[
    str | None,
    Header(
        alias="X-Cumulocity-Client-Cert-Chain",
        description="The chain in PEM when there is no form: certificates separated by commas, spaces for line ends; "
        f"at most {MAX_CERTIFICATES_IN_HEADER}.",
    ),
]
TenantHeader = Annotated[
    str | None, Header(alias="X-Cumulocity-TenantId", description="As `tenantId`, when there is no form.")
]


class UnusableChainError(ApiError):
    """There are no certificates to verify in what was sent."""

    error = "Device Certificates/Bad Request"

    @classmethod
    def unreadable(cls, reason: str) -> "UnusableChainError":
        """Certificates that cannot be parsed, in the contract's words."""
        return cls(f"Cannot parse X509 certificate. : {reason}")


class UnknownTenantError(ApiError):
    """A tenant is named that does not exist."""

    status = HTTPStatus.NOT_FOUND
    error = "Device Certificates/Not Found"

    def __init__(self) -> None:
        super().__init__("Tenant Id doesn't exists")


class ChainVerification(Answer):
    """A chain that is good for connecting."""

    is_validated: bool = Field(alias="successfullyValidated")
    tenant_id: str = Field(description="The tenant that the device belongs to.")
    subject: str = Field(description="Of the device certificate.", examples=["CN=iotdevice0001,O=device,ST=PL,C=EU"])
    issuer: str


@router.post(PATH, dependencies=[ALLOWED], responses=documented_error(400, 404))
async def verify_certificate_chain(
    platform: Served,
    principal: Caller,
    form: Form,
    chain: ChainHeader = None,
    tenant: TenantHeader = None,
) -> ChainVerification:
    """Tell whether a device with this chain would be let in now, under the name in its certificate.

    The form wins over the headers. A chain that would be refused, for whatever reason, is answered with 401; the reason
    is told at `/certinel/explanations`. So is the chain of another tenant, unless the management tenant asks.
    """
    if form is not None and "file" in form:
        presented = _certificates(form["file"].decode(errors="replace"), MAX_CERTIFICATES_IN_FILE)
        tenant = form.get("tenantId", b"").decode(errors="replace")
    else:
        presented = _certificates((chain or "").replace(",", " "), MAX_CERTIFICATES_IN_HEADER)
    question = ChainQuestion(presented=presented, tenant=await tenant_to_name(platform, principal, tenant))
    verdict = explanation.explain(platform, question, principal.tenant).verdict
    if isinstance(verdict, Admission):
        leaf = verdict.path[0].parsed
        return ChainVerification(
            is_validated=True,
            tenant_id=verdict.tenant,
            subject=leaf.subject.rfc4514_string(),
            issuer=leaf.issuer.rfc4514_string(),
        )
    if verdict.code is Code.MALFORMED:
        raise UnusableChainError.unreadable(f"Could not parse certificate: {verdict.sentence}")
    raise UnauthorizedError("Invalid certificate chain!")


def _certificates(text: str, limit: int) -> list[bytes]:
    presented = certificates_in(text)
    if len(presented) > limit:
        raise UnusableChainError(f"The chain has {len(presented)} certificates; at most {limit} are verified.")
    return presented


def certificates_in(text: str) -> list[bytes]:
    """Return the DER of every certificate in ``text``; raises UnusableChainError when there is none to be decoded."""
    try:
        return all_der(text)
    except CertificateTextError as error:
        raise UnusableChainError.unreadable(str(error)) from None


async def tenant_to_name(platform: Platform, principal: Principal, tenant: str | None) -> TenantId | None:
    """Return the tenant that a device may be said to name: the caller's own, or any if the management tenant asks.

    To everybody else another tenant and none are the same 403.
    """
    if not tenant:
        return None
    if principal.tenant not in {tenant, MANAGEMENT_TENANT}:
        raise ForbiddenError
    try:
        async with platform.database.reading() as tx:
            await tenants.get(tx, TenantId(tenant))
    except TenantNotFoundError:
        raise UnknownTenantError from None
    return TenantId(tenant)
