"""Reading what a tenant has revoked into the trust store; only what is new is read."""

from certinel.domain.identifiers import TenantId
from certinel.domain.revocation import NOTHING_REVOKED, OFFLINE_CHECK, ONLINE_CHECK, TenantRevocation
from certinel.domain.trust_store import TrustStore
from certinel.storage import authority_lists, revoked_certificates, tenant_options
from certinel.storage.engine import Transaction


async def refresh(tx: Transaction, store: TrustStore, tenant: TenantId) -> None:
    """Make the store know the switches, the lists, and all entries of ``tenant``."""
    known = store.revocation(tenant)
    revocation = TenantRevocation() if known is NOTHING_REVOKED else known
    revocation.offline_check = await _is_on(tx, tenant, OFFLINE_CHECK)
    revocation.online_check = await _is_on(tx, tenant, ONLINE_CHECK)
    await _read_lists(tx, tenant, revocation)
    await _read_entries(tx, tenant, revocation)
    store.put_revocation(tenant, revocation)


async def _is_on(tx: Transaction, tenant: TenantId, switch: tuple[str, str]) -> bool:
    option = await tenant_options.find(tx, tenant, *switch)
    return option is not None and option.value.lower() == "true"


async def _read_lists(tx: Transaction, tenant: TenantId, revocation: TenantRevocation) -> None:
    known = {one.id: one for one in revocation.lists}
    stored = await authority_lists.all_of(tx, tenant)
    revocation.replace_lists([known.get(one.id) or await authority_lists.serials_of(tx, one) for one in stored])


async def _read_entries(tx: Transaction, tenant: TenantId, revocation: TenantRevocation) -> None:
    while True:
        last, rows = await revoked_certificates.serials_following(tx, tenant, revocation.last_entry)
        if not rows:
            return
        revocation.own.update((serial, revoked_at_ms // 1000, issuer) for serial, revoked_at_ms, issuer in rows)
        revocation.last_entry = last
