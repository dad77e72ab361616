"""Certificates that end soon, of devices and trusted ones, and how many end in which month. Our own addition."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query, Request
from pydantic import Field

from certinel.api.authentication import Caller
from certinel.api.key_paging import KeyCollection, KeyPaging, key_envelope, read, written
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.problems import InvalidFieldsError, documented_error
from certinel.api.representation import Answer, ContractTime
from certinel.api.resources.devices import MAX_DAYS, DeviceCertificateAnswer
from certinel.api.resources.trusted_certificates import READERS
from certinel.api.routing import router as router_for
from certinel.services import expiries

router = router_for("expiries")
OF_DEVICES: Final = "/certinel/expiries/devices"
OF_TRUSTED: Final = "/certinel/expiries/trustedCertificates"
BY_MONTH: Final = "/certinel/expiries/months"
DEFAULT_DAYS: Final = 90
DEFAULT_MONTHS: Final = 12
MAX_MONTHS: Final = 120

Days = Annotated[
    int,
    Query(alias="withinDays", ge=0, le=MAX_DAYS, description="Those that end within so many days or have ended."),
]


class EndingDeviceCertificate(DeviceCertificateAnswer):
    """A certificate that a device connects with."""

    device: str


class EndingDeviceCertificates(KeyCollection):
    """A page of certificates that end soon, the first to end first."""

    certificates: list[EndingDeviceCertificate]


class EndingTrustedCertificate(Answer):
    """A trusted certificate that ends soon."""

    name: str
    subject: str
    fingerprint: str = Field(pattern="^[0-9a-f]{40}$")
    not_after: ContractTime
    status: str
    self: str


class EndingTrustedCertificates(Answer):
    """All trusted certificates that end soon, the first to end first."""

    certificates: list[EndingTrustedCertificate]


class MonthAnswer(Answer):
    """How many certificates end within a month."""

    month: str = Field(pattern=r"^\d{4}-\d{2}$", description="In UTC.", examples=["2027-01"])
    device_certificates: int = Field(description="Of those that devices connected with the last time.")
    trusted_certificates: int


class MonthsAnswer(Answer):
    """Expiries of some months, without gaps."""

    months: list[MonthAnswer]


@router.get(OF_DEVICES, dependencies=[READERS], responses=documented_error(422))
async def list_expiring_device_certificates(
    request: Request, platform: Served, principal: Caller, paging: KeyPaging, within_days: Days = DEFAULT_DAYS
) -> EndingDeviceCertificates:
    """List the certificates that devices connected with the last time and that end soon, or have ended."""
    until = platform.clock.now() + timedelta(days=within_days)
    after = _place(paging.after) if paging.after is not None else None
    async with platform.database.reading() as tx:
        found = await expiries.of_devices(tx, principal.tenant, until, after, paging.page_size + 1)
    shown = found[: paging.page_size]
    last = written(int(shown[-1].not_after.timestamp()), shown[-1].sha256) if len(found) > len(shown) else None
    return EndingDeviceCertificates(
        certificates=[
            EndingDeviceCertificate(device=one.device, **DeviceCertificateAnswer.of(one).model_dump(by_alias=False))
            for one in shown
        ],
        **key_envelope(request, last),
    )


@router.get(OF_TRUSTED, dependencies=[READERS], responses=documented_error(422))
async def list_expiring_trusted_certificates(
    request: Request, platform: Served, principal: Caller, within_days: Days = DEFAULT_DAYS
) -> EndingTrustedCertificates:
    """List the trusted certificates that end soon, or have ended."""
    until = platform.clock.now() + timedelta(days=within_days)
    return EndingTrustedCertificates(
        certificates=[
            EndingTrustedCertificate(
                name=one.name,
                subject=one.certificate.subject_text,
                fingerprint=one.fingerprint,
                not_after=one.certificate.not_after,
                status=one.status,
                self=link(request, "tenant", "tenants", one.tenant, "trusted-certificates", one.fingerprint),
            )
            for one in expiries.of_trusted(platform, principal.tenant, until)
        ]
    )


@router.get(BY_MONTH, dependencies=[READERS], responses=documented_error(422))
async def count_expiries_by_month(
    platform: Served,
    principal: Caller,
    months: Annotated[int, Query(ge=1, le=MAX_MONTHS, description="How many, the current one included.")] = (
        DEFAULT_MONTHS
    ),
) -> MonthsAnswer:
    """Count the certificates that end in each month from the current one on."""
    async with platform.database.reading() as tx:
        counted = await expiries.by_month(tx, platform, principal.tenant, platform.clock.now(), months)
    return MonthsAnswer(
        months=[
            MonthAnswer(
                month=f"{one.begins:%Y-%m}",
                device_certificates=one.device_certificates,
                trusted_certificates=one.trusted_certificates,
            )
            for one in counted
        ]
    )


def _place(cursor: str) -> tuple[datetime, str]:
    seconds, digest = read(cursor, int, str)
    try:
        return datetime.fromtimestamp(seconds, UTC), digest
    except (ValueError, OverflowError, OSError):
        raise InvalidFieldsError("after: not a place in this list") from None
