"""Revocation lists of CAs, which their tenants upload: the platform fetches none."""

from typing import Annotated, Any, BinaryIO, Final, Self

from fastapi import Depends, Request, Response
from pydantic import Field

from certinel.api.authentication import ActingCaller, Caller
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime
from certinel.api.resources.revocation import CRL
from certinel.api.resources.trusted_certificates import READERS, WRITERS
from certinel.api.routing import router as router_for
from certinel.api.spooled_file import SpooledBody
from certinel.domain.authority_list import MAX_LIST_BYTES
from certinel.domain.revocation import AuthorityList
from certinel.services import authority_lists

router = router_for("revocation lists of CAs")

ALL: Final = "/certinel/revocationLists"
ONE: Final = ALL + "/{list_id:segment}"
MAX_SENT_BYTES: Final = MAX_LIST_BYTES * 3 // 2
"""The largest list as PEM, with some certificates."""
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_SENT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {CRL: _BINARY, "application/x-pem-file": _BINARY}}
}


class RevocationListAnswer(Answer):
    """A revocation list that the tenant has uploaded."""

    id: str
    self: str
    issuer: str
    issuer_fingerprint: str = Field(description="SHA-1 of the CA certificate that verified the list.")
    number: str | None = Field(default=None, description="The list's number (CRLNumber), in decimal digits.")
    this_update: ContractTime
    next_update: ContractTime
    current: bool = Field(description="Whether the next list is not due yet.")
    entry_count: int
    uploaded_at: ContractTime

    @classmethod
    def of(cls, known: AuthorityList, request: Request, platform: Served) -> Self:
        """Describe ``known``."""
        return cls(
            id=str(known.id),
            self=link(request, "certinel", "revocationLists", str(known.id)),
            issuer=known.issuer.subject_text,
            issuer_fingerprint=known.issuer.fingerprint,
            number=str(known.number) if known.number is not None else None,
            this_update=known.this_update,
            next_update=known.next_update,
            current=known.is_current(platform.clock.now()),
            entry_count=known.count,
            uploaded_at=known.uploaded_at,
        )


class RevocationLists(Collection):
    """A page of uploaded revocation lists, in the order of upload."""

    revocation_lists: list[RevocationListAnswer]


@router.post(
    ALL, dependencies=[WRITERS], status_code=201, openapi_extra=_SENT, responses=documented_error(400, 413, 422)
)
async def upload_revocation_list(
    request: Request,
    response: Response,
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    sent: Annotated[BinaryIO, Depends(SpooledBody(MAX_SENT_BYTES))],
) -> RevocationListAnswer:
    """Upload the current, complete revocation list of a CA, in place of the one before.

    DER, or PEM with the certificates between the list's issuer and a trusted certificate beside it. It counts at once,
    whatever the switches say; with `configuration/crl.online.check.enabled` every CA above a device needs one that is
    current. What is not accepted is answered with 422 and a code `revocation-list/…`.
    """
    stored = await authority_lists.upload(platform, principal.tenant, sent, by)
    answer = RevocationListAnswer.of(stored, request, platform)
    response.headers["Location"] = answer.self
    return answer


@router.get(ALL, dependencies=[READERS], responses=documented_error(422))
async def list_revocation_lists(
    request: Request, platform: Served, principal: Caller, paging: Paging
) -> RevocationLists:
    """List the tenant's uploaded revocation lists."""
    async with platform.database.reading() as tx:
        page = await authority_lists.list_of(tx, principal.tenant, paging)
    answers = [RevocationListAnswer.of(known, request, platform) for known in page.items]
    return RevocationLists(revocation_lists=answers, **envelope(request, page))


@router.get(ONE, dependencies=[READERS], responses=documented_error(404))
async def get_revocation_list(
    request: Request, platform: Served, principal: Caller, list_id: str
) -> RevocationListAnswer:
    """Return what is known of one uploaded list."""
    async with platform.database.reading() as tx:
        known = await authority_lists.get(tx, principal.tenant, number_of(list_id))
    return RevocationListAnswer.of(known, request, platform)


@router.get(
    ONE + "/file",
    dependencies=[READERS],
    response_class=Response,
    responses={200: {"content": {CRL: _BINARY}, "description": "DER."}, **documented_error(404)},
)
async def get_file_of_revocation_list(platform: Served, principal: Caller, list_id: str) -> Response:
    """Return one list as it was uploaded, in DER."""
    async with platform.database.reading() as tx:
        der = await authority_lists.file_of(tx, principal.tenant, number_of(list_id))
    return Response(der, media_type=CRL)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def delete_revocation_list(platform: Served, principal: Caller, by: ActingCaller, list_id: str) -> None:
    """Forget one list: what only it names is no longer revoked."""
    async with platform.database.transaction() as tx:
        await authority_lists.delete(tx, platform, principal.tenant, number_of(list_id), by)
