"""The audit log: what was changed and by whom, recorded in the transaction of the change, and verified afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from certinel.domain.audit import AuditEntry, AuditRecord, ChainHead, broken_link
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.storage import audit_records
from certinel.storage.audit_records import AuditFilter
from certinel.storage.engine import Database, Transaction
from certinel.storage.errors import StorageError
from certinel.storage.page import Page, PageRequest

VERIFIED_AT_ONCE = 1000
"""Records that are in memory while a chain is verified."""

HEAD_NOTED = "audit.head"
"""The log line that holds the end of a chain: ``tenant``, ``sequence``, ``hash``."""

logger = structlog.get_logger(__name__)


class AuditRecordNotFoundError(DeviceIdentityError):
    """The tenant has no such record."""

    code = "audit-record/not-found"

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no audit record with id = {number}")
        self.number = number


def record(tx: Transaction, entry: AuditEntry) -> None:
    """Write ``entry`` to its tenant's chain when ``tx`` commits, and not at all when it does not.

    Cheap to call; everything recorded in one transaction is written together, at its end.
    """
    tx.at_commit(_append, entry)


async def append(tx: Transaction, entry: AuditEntry) -> AuditRecord:
    """Write ``entry`` and return it with its place in the chain; others who append wait until ``tx`` ends."""
    return (await _append_all(tx, [entry]))[0]


async def _append(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    await _append_all(tx, entries)


async def _append_all(tx: Transaction, entries: Sequence[AuditEntry]) -> list[AuditRecord]:
    records = await audit_records.append_all(tx, entries)
    for head in {record.tenant: record.head for record in records}.values():
        tx.after_commit(_note_head, head)
    return records


def _note_head(head: ChainHead) -> None:
    """Write the end of a chain to the log: who can change the database can hardly change where the log went."""
    logger.info(HEAD_NOTED, tenant=head.tenant, sequence=head.sequence, hash=head.hash.hex())


async def note_heads(database: Database) -> None:
    """Write the end of every chain to the log: when a node starts and when it stops."""
    try:
        async with database.reading() as tx:
            for head in await audit_records.heads(tx):
                _note_head(head)
    except StorageError as error:
        logger.warning("audit.heads_not_noted", reason=str(error))


async def list_of(tx: Transaction, tenant: TenantId, wanted: AuditFilter, request: PageRequest) -> Page[AuditRecord]:
    """Return a page of a tenant's records, the latest first unless ``wanted`` says otherwise."""
    return await audit_records.list_of(tx, tenant, wanted, request)


async def get(tx: Transaction, tenant: TenantId, number: int) -> AuditRecord:
    """Return one record; raises ``AuditRecordNotFoundError``."""
    found = await audit_records.find(tx, tenant, number)
    if found is None:
        raise AuditRecordNotFoundError(number)
    return found


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What the verification of one tenant's chain found."""

    head: ChainHead
    """The last record that is sound."""
    fault: str | None = None
    """What is wrong after it, in words; None when the chain is whole."""


NotedHeads = Mapping[TenantId, Mapping[int, bytes]]
"""Hashes that were noted outside the database, by tenant and sequence."""


def by_tenant(heads: Iterable[ChainHead]) -> NotedHeads:
    """Sort noted heads for ``verify``; of two that contradict each other, the earlier one counts."""
    noted: dict[TenantId, dict[int, bytes]] = {}
    for head in heads:
        noted.setdefault(head.tenant, {}).setdefault(head.sequence, head.hash)
    return noted


async def verify(database: Database, noted: NotedHeads) -> list[ChainReport]:
    """Follow every chain from its first record to its last, and compare it with the heads that were ``noted``.

    Sees one moment of the database, also while nodes go on writing.
    """
    async with database.reading() as tx:
        heads = {head.tenant: head for head in await audit_records.heads(tx)}
        tenants = sorted({*await audit_records.tenants(tx), *noted})
        return [await _verify(tx, heads.get(tenant, ChainHead(tenant)), noted.get(tenant, {})) for tenant in tenants]


async def _verify(tx: Transaction, stated: ChainHead, noted: Mapping[int, bytes]) -> ChainReport:
    reached = ChainHead(stated.tenant)
    try:
        while records := await audit_records.following(tx, reached.tenant, reached.sequence, VERIFIED_AT_ONCE):
            for link in records:
                fault = broken_link(link, after=reached)
                if fault is None and noted.get(link.sequence, link.hash) != link.hash:
                    fault = f"record {link.sequence} is not the one whose hash was noted outside the database"
                if fault is not None:
                    return ChainReport(reached, fault)
                reached = link.head
    except (TypeError, ValueError) as error:  # somebody wrote values into the table that no program of ours writes
        return ChainReport(reached, f"a record after {reached.sequence} cannot be read: {error}")
    return ChainReport(reached, _fault_at_end(reached, stated, noted))


def _fault_at_end(reached: ChainHead, stated: ChainHead, noted: Mapping[int, bytes]) -> str | None:
    last_noted = max(noted, default=0)
    if last_noted > reached.sequence:
        return f"record {last_noted} was noted outside the database, but the chain ends with {reached.sequence}"
    if reached != stated:
        return f"the chain ends with record {reached.sequence}, but should with {stated.sequence}"
    return None
