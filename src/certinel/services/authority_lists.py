"""Revocation lists of CAs that a tenant uploads: the platform never fetches one.

An uploaded list counts from the commit on, whatever the switches are; deleting it takes it back.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from certinel.bus.messages import RevocationChanged
from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType
from certinel.domain.authority_list import ReceivedList
from certinel.domain.certificate import Certificate
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.revocation import AuthorityList
from certinel.domain.revocation_list_form import ListFault, UnacceptableListError
from certinel.domain.revocation_list_text import SentList
from certinel.services import audit, known_certificates, revocation
from certinel.services.platform import Platform
from certinel.storage import authority_lists
from certinel.storage.authority_lists import ListUpload
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest

MAX_ENTRIES = 4_000_000
"""Of all lists of one tenant together: 64 MB of every node's memory."""

_NOT_STORED = 0


class AuthorityListNotFoundError(DeviceIdentityError):
    """The tenant has no revocation list with this id."""

    code = "revocation-list/not-found"

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no revocation list with id = {number}")


async def upload(platform: Platform, tenant: TenantId, sent: BinaryIO, by: Actor = PLATFORM) -> AuthorityList:
    """Take a revocation list (DER, or PEM with intermediate certificates beside it) in place of the CA's last one.

    Sessions that it ends are ended when this returns. Only one list at a time is in memory, whoever sends how many.

    Raises:
        UnacceptableListError: it is not the current, complete list of a CA that the tenant trusts.
    """
    async with platform.large_lists:
        text = await asyncio.to_thread(lambda: SentList.read(sent.read()))
        received = await asyncio.to_thread(ReceivedList.read, text.der)
        async with platform.database.reading() as tx:
            trusted = await _vouched_for(tx, tenant)
        at = platform.clock.now()
        issuer = await asyncio.to_thread(received.accepted_from, trusted, text.certificates, at)
        new = AuthorityList(
            id=_NOT_STORED,
            tenant=tenant,
            issuer=issuer,
            number=received.number,
            this_update=received.this_update,
            next_update=received.next_update or received.this_update,
            uploaded_at=at,
            count=len(received.serials),
            serials=received.serials,
        )
        async with platform.database.transaction() as tx:
            return await _store(tx, platform, received, new, by)


async def _vouched_for(tx: Transaction, tenant: TenantId) -> Sequence[Certificate]:
    """Return whose lists may be uploaded without more: trusted ones, and those whose list was accepted before."""
    return await known_certificates.trusted_and_issuers(tx, tenant)


async def _store(
    tx: Transaction, platform: Platform, received: ReceivedList, new: AuthorityList, by: Actor
) -> AuthorityList:
    await revocation.lock(tx, platform, new.tenant)  # two uploads at once: the older list must not win by being slower
    known = await authority_lists.find_by_issuer(tx, new.tenant, new.issuer)
    if known is not None:
        received.check_newer_than(known)
    others = await authority_lists.count_of_entries(tx, new.tenant) - (known.count if known is not None else 0)
    if others + new.count > MAX_ENTRIES:
        sentence = f"All revocation lists of a tenant together hold at most {MAX_ENTRIES} entries."
        raise UnacceptableListError(ListFault.TOO_LARGE, sentence)
    stored = await authority_lists.put(tx, ListUpload(new, received.der))
    _record(tx, new, f"Revocation list uploaded to '{new.tenant}'.", by, new.uploaded_at)
    tx.after_commit(platform.bus.publish, RevocationChanged(new.tenant))
    return stored


async def list_of(tx: Transaction, tenant: TenantId, request: PageRequest) -> Page[AuthorityList]:
    """Return a page of the tenant's uploaded lists, without their serials."""
    return await authority_lists.list_of(tx, tenant, request)


async def get(tx: Transaction, tenant: TenantId, number: int) -> AuthorityList:
    """Return one uploaded list, without its serials; raises ``AuthorityListNotFoundError``."""
    found = await authority_lists.find(tx, tenant, number)
    if found is None:
        raise AuthorityListNotFoundError(number)
    return found


async def file_of(tx: Transaction, tenant: TenantId, number: int) -> bytes:
    """Return one list as it was uploaded, in DER; raises ``AuthorityListNotFoundError``."""
    return await authority_lists.der_of(tx, await get(tx, tenant, number))


async def delete(tx: Transaction, platform: Platform, tenant: TenantId, number: int, by: Actor = PLATFORM) -> None:
    """Forget one list: what only it names is no longer revoked. Raises ``AuthorityListNotFoundError``."""
    known = await get(tx, tenant, number)
    await authority_lists.remove(tx, known)
    _record(tx, known, f"Revocation list deleted from '{tenant}'.", by, platform.clock.now())
    tx.after_commit(platform.bus.publish, RevocationChanged(tenant))


def _record(tx: Transaction, known: AuthorityList, activity: str, by: Actor, at: datetime) -> None:
    number = "none" if known.number is None else str(known.number)
    entry = AuditEntry(
        tenant=known.tenant,
        by=by,
        type=AuditType.TRUSTED_CERTIFICATES,
        source=known.issuer.fingerprint,
        activity=activity,
        text=f"Issuer: '{known.issuer.subject_text}'.\n Number='{number}', ThisUpdate='{known.this_update:{_DATE}}', "
        f"NextUpdate='{known.next_update:{_DATE}}', Entries='{known.count}'",
        time=at,
        recorded_at=at,
    )
    audit.record(tx, entry)


_DATE = "%Y-%m-%dT%H:%M:%S.000Z"
