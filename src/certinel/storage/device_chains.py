"""Statements about the chains that devices presented: what their tokens are judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from certinel.domain.identifiers import DeviceId, TenantId
from certinel.storage.engine import Transaction
from certinel.storage.tables import device_certificate
from certinel.storage.tables import device_chain as table

_LENGTH_BYTES = 4
"""Each certificate is stored behind its length; a handshake takes far fewer than 4 GiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChain:
    """The chain that a device presented last with one certificate, leaf first, as DER."""

    tenant: TenantId
    device: DeviceId
    leaf_sha256: bytes
    presented: tuple[bytes, ...]
    seen_at: datetime


async def remember(tx: Transaction, chain: DeviceChain) -> None:
    """Keep ``chain``, in place of an earlier one with the same leaf."""
    await tx.upsert(
        table,
        {
            "tenant_id": chain.tenant,
            "leaf_sha256": chain.leaf_sha256.hex(),
            "device_id": chain.device,
            "chain": _joined(chain.presented),
            "seen_at": chain.seen_at,
        },
    )


async def remove(tx: Transaction, tenant: TenantId, device: DeviceId) -> None:
    """Remove all chains of a device; its tokens are refused from now on."""
    await tx.execute(delete(table).where(table.c.tenant_id == tenant, table.c.device_id == device))


async def find(tx: Transaction, tenant: TenantId, leaf_sha256: bytes) -> tuple[bytes, ...] | None:
    """Return the chain that was presented to ``tenant`` with this leaf."""
    statement = select(table.c.chain).where(table.c.tenant_id == tenant, table.c.leaf_sha256 == leaf_sha256.hex())
    blob: bytes | None = (await tx.execute(statement)).scalar_one_or_none()
    return _parted(blob) if blob is not None else None


async def following(
    tx: Transaction, tenant: TenantId, leaf_sha256: str, limit: int, *, only_current: bool = False
) -> list[DeviceChain]:
    """Return up to ``limit`` chains of ``tenant`` after the one with this leaf, in the order of their digests.

    ``only_current`` leaves out those that a device has not connected with last, and those of deleted devices.
    """
    statement = select(table).where(table.c.tenant_id == tenant, table.c.leaf_sha256 > leaf_sha256)
    if only_current:
        is_same = (device_certificate.c.tenant_id == tenant) & (device_certificate.c.sha256 == table.c.leaf_sha256)
        statement = statement.join(device_certificate, is_same).where(device_certificate.c.is_current)
    rows = await tx.execute(statement.order_by(table.c.leaf_sha256).limit(limit))
    return [
        DeviceChain(
            tenant=tenant,
            device=DeviceId(row.device_id),
            leaf_sha256=bytes.fromhex(row.leaf_sha256),
            presented=_parted(row.chain),
            seen_at=row.seen_at,
        )
        for row in rows
    ]


def _joined(presented: Sequence[bytes]) -> bytes:
    return b"".join(len(der).to_bytes(_LENGTH_BYTES, "big") + der for der in presented)


def _parted(blob: bytes) -> tuple[bytes, ...]:
    parts = []
    position = 0
    while position < len(blob):
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(blob[position:start], "big")
        parts.append(blob[start:position])
    return tuple(parts)
