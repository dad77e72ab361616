"""Who has tried to connect, and how it ended. Not part of the original contract."""

from typing import Annotated, Final, Self

from fastapi import Query, Request
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.moments import Moment
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime
from certinel.api.routing import router as router_for
from certinel.domain.connection_attempt import ConnectionAttempt, Outcome, PresentedCertificate
from certinel.domain.identifiers import Fingerprint
from certinel.domain.pem import armoured
from certinel.domain.role import Role
from certinel.services import connection_attempts
from certinel.storage.connection_attempts import AttemptFilter

router = router_for("connection attempts")
PATH: Final = "/certinel/connectionAttempts"
READERS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, Role.TENANT_ADMIN, Role.TENANT_MANAGEMENT_READ)


class PresentedCertificateAnswer(Answer):
    """A certificate that the client presented."""

    subject: str
    issuer: str
    serial_number_hex: str = Field(pattern="^-?[0-9a-f]+$")
    fingerprint: str = Field(description="SHA-1 of the DER.", pattern="^[0-9a-f]{40}$")
    sha256: str = Field(description="SHA-256 of the DER.", pattern="^[0-9a-f]{64}$")
    not_before: ContractTime
    not_after: ContractTime
    is_failing: bool = Field(alias="failing", description="Whether it is the certificate at fault.")
    cert_in_pem_format: str | None = Field(
        default=None, description="The certificate, if it is a CA and trusting it would let the client in."
    )

    @classmethod
    def of(cls, certificate: PresentedCertificate) -> Self:
        """Describe ``certificate``."""
        return cls(
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial_number_hex=certificate.serial_number_hex,
            fingerprint=certificate.sha1,
            sha256=certificate.sha256,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            is_failing=certificate.is_at_fault,
            cert_in_pem_format=armoured(certificate.der) if certificate.der is not None else None,
        )


class ConnectionAttemptAnswer(Answer):
    """An attempt, or several identical ones within an hour: same code, certificate, client id and address."""

    id: str = Field(pattern="^[0-9]+$")
    self: str
    outcome: Outcome
    code: str = Field(description="`admitted`, or why not.", examples=["trust/disabled"])
    sentence: str = Field(description="What happened, in one sentence.")
    remedy: str | None = Field(default=None, description="What to do about it.")
    facts: dict[str, str] = Field(description="What the sentence is made of.")
    first_time: ContractTime
    last_time: ContractTime
    count: int = Field(description="How many attempts these were.")
    is_summary: bool = Field(
        alias="summary",
        description="Whether these are different attempts with this code, too many to be kept one by one.",
    )
    client_id: str | None = None
    device: str | None = Field(
        default=None, description="The name in the device certificate; without one, the device the client id names."
    )
    user_name: str | None = None
    remote_address: str | None = None
    tls_version: str | None = Field(default=None, examples=["TLSv1.3"])
    mqtt_version: str | None = Field(default=None, examples=["V3_1_1"])
    chain: list[PresentedCertificateAnswer] = Field(
        description="The presented certificates that can be read, the device's own first, in the order of the path."
    )
    trusted_certificate: str | None = Field(
        default=None, description="SHA-1 of the tenant's trusted certificate at the end of the path."
    )

    @classmethod
    def of(cls, attempt: ConnectionAttempt, request: Request) -> Self:
        """Describe ``attempt``."""
        number = str(attempt.id)
        return cls(
            id=number,
            self=link(request, "certinel", "connectionAttempts", number),
            outcome=attempt.outcome,
            code=attempt.code,
            sentence=attempt.sentence,
            remedy=attempt.remedy or None,
            facts=dict(attempt.facts),
            first_time=attempt.first_at,
            last_time=attempt.last_at,
            count=attempt.count,
            is_summary=attempt.is_summary,
            client_id=attempt.client_id,
            device=attempt.device,
            user_name=attempt.user_name,
            remote_address=attempt.address,
            tls_version=attempt.tls_version,
            mqtt_version=attempt.mqtt_version,
            chain=[PresentedCertificateAnswer.of(certificate) for certificate in attempt.chain],
            trusted_certificate=attempt.trusted,
        )


class ConnectionAttempts(Collection):
    """A page of attempts, the latest first."""

    connection_attempts: list[ConnectionAttemptAnswer]


@router.get(PATH, dependencies=[READERS], responses=documented_error(422))
async def list_connection_attempts(  # noqa: PLR0913 - each one is a part of the request
    *,
    request: Request,
    platform: Served,
    principal: Caller,
    paging: Paging,
    code: Annotated[str | None, Query(description="Attempts that ended with this code.")] = None,
    outcome: Annotated[Outcome | None, Query(description="Accepted or refused ones only.")] = None,
    device: Annotated[str | None, Query(description="Attempts of this device.")] = None,
    fingerprint: Annotated[
        str | None, Query(description="Attempts with this device certificate: its SHA-1 or SHA-256.")
    ] = None,
    trusted_certificate: Annotated[
        str | None, Query(alias="trustedCertificate", description="Attempts under this trusted certificate: its SHA-1.")
    ] = None,
    date_from: Annotated[Moment | None, Query(alias="dateFrom", description="At this moment or later.")] = None,
    date_to: Annotated[Moment | None, Query(alias="dateTo", description="At this moment or earlier.")] = None,
) -> ConnectionAttempts:
    """List who has tried to connect to the caller's tenant; all conditions must hold.

    What no tenant has a claim to is shown to the management tenant. Attempts are kept for 30 days, 100,000 a tenant.
    """
    wanted = AttemptFilter(
        code=code,
        outcome=outcome,
        device=device,
        fingerprint=_bare(fingerprint) if fingerprint is not None else None,
        trusted=Fingerprint(_bare(trusted_certificate)) if trusted_certificate is not None else None,
        date_from=date_from,
        date_to=date_to,
    )
    async with platform.database.reading() as tx:
        page = await connection_attempts.list_of(tx, principal.tenant, wanted, paging)
    return ConnectionAttempts(
        connection_attempts=[ConnectionAttemptAnswer.of(attempt, request) for attempt in page.items],
        **envelope(request, page),
    )


@router.get(PATH + "/{id:segment}", dependencies=[READERS], responses=documented_error(404))
async def get_connection_attempt(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> ConnectionAttemptAnswer:
    """Return one attempt."""
    async with platform.database.reading() as tx:
        attempt = await connection_attempts.get(tx, principal.tenant, number_of(id))
    return ConnectionAttemptAnswer.of(attempt, request)


def _bare(fingerprint: str) -> str:
    """Take a fingerprint as openssl prints it, too: upper case, with colons."""
    return fingerprint.replace(":", "").lower()
