"""Statements about revocation lists of CAs that tenants have uploaded."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Row, Select, delete, func, select

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import TenantId
from certinel.domain.revocation import AuthorityList, identity_of
from certinel.domain.revoked_serials import RevokedSerials, issuer_digest
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest, fetch_page
from certinel.storage.tables import authority_list as table

_FACTS = [column for column in table.c if column.name not in {"serials", "der"}]
"""Everything but what is large."""


@dataclass(frozen=True, slots=True)
class ListUpload:
    """A list with the bytes it was read from."""

    list: AuthorityList
    der: bytes = field(repr=False)


async def put(tx: Transaction, upload: ListUpload) -> AuthorityList:
    """Store a list in place of the one of the same CA, and return it with its id, which is new every time."""
    known = upload.list
    key = {"tenant_id": known.tenant, "issuer_digest": _digest_of(known.issuer)}
    await tx.execute(delete(table).where(*(table.c[name] == value for name, value in key.items())))
    row = {
        **key,
        "issuer_certificate": known.issuer.der,
        "number": str(known.number) if known.number is not None else None,
        "this_update": known.this_update,
        "next_update": known.next_update,
        "uploaded_at": known.uploaded_at,
        "entry_count": known.count,
        "serials": known.serials.to_bytes(),
        "der": upload.der,
    }
    await tx.insert_if_absent(table, row)
    statement = select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
    return replace(known, id=(await tx.execute(statement)).scalar_one())


async def list_of(tx: Transaction, tenant: TenantId, request: PageRequest) -> Page[AuthorityList]:
    """Return a page of the lists of ``tenant``, without their serials, in the order of upload."""
    return await fetch_page(tx, _facts(tenant).order_by(table.c.id), request, _without_serials)


async def all_of(tx: Transaction, tenant: TenantId) -> tuple[AuthorityList, ...]:
    """Return all lists of ``tenant``, without their serials."""
    return tuple(_without_serials(row) for row in await tx.execute(_facts(tenant).order_by(table.c.id)))


async def find(tx: Transaction, tenant: TenantId, number: int) -> AuthorityList | None:
    """Return the list with this id, without its serials."""
    row = (await tx.execute(_facts(tenant).where(table.c.id == number))).one_or_none()
    return _without_serials(row) if row is not None else None


async def find_by_issuer(tx: Transaction, tenant: TenantId, issuer: Certificate) -> AuthorityList | None:
    """Return the list of a CA, whichever of its certificates is given, without its serials."""
    row = (await tx.execute(_facts(tenant).where(table.c.issuer_digest == _digest_of(issuer)))).one_or_none()
    return _without_serials(row) if row is not None else None


async def serials_of(tx: Transaction, known: AuthorityList) -> AuthorityList:
    """Return ``known`` with its serials."""
    stored: bytes = (await tx.execute(select(table.c.serials).where(table.c.id == known.id))).scalar_one()
    # a tenth of a second for a million
    return replace(known, serials=await asyncio.to_thread(RevokedSerials.from_bytes, stored))


async def der_of(tx: Transaction, known: AuthorityList) -> bytes:
    """Return the list as it was uploaded, in DER."""
    der: bytes = (await tx.execute(select(table.c.der).where(table.c.id == known.id))).scalar_one()
    return der


async def remove(tx: Transaction, known: AuthorityList) -> None:
    """Forget a list."""
    await tx.execute(delete(table).where(table.c.id == known.id))


async def count_of_entries(tx: Transaction, tenant: TenantId) -> int:
    """Return how many entries all lists of ``tenant`` have together."""
    statement = select(func.coalesce(func.sum(table.c.entry_count), 0)).where(table.c.tenant_id == tenant)
    return int((await tx.execute(statement)).scalar_one())


def _facts(tenant: TenantId) -> Select[*tuple[Any, ...]]:
    return select(*_FACTS).where(table.c.tenant_id == tenant)


def _digest_of(issuer: Certificate) -> str:
    return b"".join(issuer_digest(part) for part in identity_of(issuer)).hex()


def _without_serials(row: Row[*tuple[Any, ...]]) -> AuthorityList:
    return AuthorityList(
        id=row.id,
        tenant=TenantId(row.tenant_id),
        issuer=Certificate.parse(row.issuer_certificate),
        number=int(row.number) if row.number is not None else None,
        this_update=row.this_update,
        next_update=row.next_update,
        uploaded_at=row.uploaded_at,
        count=row.entry_count,
        serials=RevokedSerials(),
    )
