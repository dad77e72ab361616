"""Which devices would lose access, told before it is done. Our own addition."""

from typing import Annotated, Final, Self

from fastapi import Query, Request
from pydantic import Field

from certinel.api.authentication import Caller
from certinel.api.key_paging import KeyCollection, KeyPaging, key_envelope, read, written
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer
from certinel.api.resources.revocation import Entries
from certinel.api.resources.trusted_certificates import READERS, WRITERS
from certinel.api.routing import router as router_for
from certinel.services import rehearsals
from certinel.services.rehearsals import EXAMINED_OF_PAGE, LosingDevice, RehearsalPage, TrustedCertificateChange

router = router_for("rehearsals")
OF_TRUSTED: Final = "/certinel/rehearsals/trustedCertificates/{fingerprint:segment}"
OF_REVOCATION: Final = "/certinel/rehearsals/revocations"


class LosingDeviceAnswer(Answer):
    """A device that is let in now and would be refused."""

    device: str
    code: str = Field(description="The refusal it would get.", examples=["trust/disabled"])
    sentence: str

    @classmethod
    def of(cls, losing: LosingDevice) -> Self:
        """Describe ``losing``."""
        return cls(device=losing.device, code=losing.refusal.code, sentence=losing.refusal.sentence)


class LosingDevices(KeyCollection):
    """A part of those who would lose access; there may be none in it and more to come in the next one."""

    devices: list[LosingDeviceAnswer]
    examined_count: int = Field(
        description=f"How many devices were judged for this part; {EXAMINED_OF_PAGE} and some at most."
    )


@router.get(OF_TRUSTED, dependencies=[READERS], responses=documented_error(404, 422))
async def rehearse_change_of_trusted_certificate(
    request: Request,
    platform: Served,
    principal: Caller,
    paging: KeyPaging,
    fingerprint: str,
    change: Annotated[
        TrustedCertificateChange, Query(description="What would be done.")
    ] = TrustedCertificateChange.DISABLE,
) -> LosingDevices:
    """List the devices that would lose access if a trusted certificate were disabled, deleted or expired.

    Decided as for a connect, by the chain that each device connected with last; nothing is changed. Follow `next` to
    its end for all of them: every answer takes a second or two at most.
    """
    page = await rehearsals.of_trusted_certificate(
        platform, principal.tenant, fingerprint, change, after=_after(paging.after), limit=paging.page_size
    )
    return _answer(request, page)


@router.post(OF_REVOCATION, dependencies=[WRITERS], responses=documented_error(422))
async def rehearse_loss_by_revocation(
    request: Request, platform: Served, principal: Caller, paging: KeyPaging, entries: Entries
) -> LosingDevices:
    """List the devices that would lose access if these serial numbers were revoked; nothing is changed.

    While the tenant option `configuration/crl.offline.check.enabled` is off nobody would. Send the same again to the
    address in `next` for the part that follows.
    """
    page = await rehearsals.of_revocation(
        platform, principal.tenant, entries, after=_after(paging.after), limit=paging.page_size
    )
    return _answer(request, page)


def _after(cursor: str | None) -> str:
    return str(read(cursor, str)[0]) if cursor is not None else ""


def _answer(request: Request, page: RehearsalPage) -> LosingDevices:
    return LosingDevices(
        devices=[LosingDeviceAnswer.of(one) for one in page.devices],
        examined_count=page.examined,
        **key_envelope(request, written(page.next) if page.next is not None else None),
    )
