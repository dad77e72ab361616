"""What the platform follows for a tenant: what it has set itself, else what it inherits from the management tenant."""

from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.new_device_request import SecurityTokenPolicy
from certinel.domain.tenant_option import INHERITED, SECURITY_TOKEN_POLICY, TenantOption
from certinel.storage import tenant_options
from certinel.storage.engine import Transaction


async def in_force(tx: Transaction, tenant: TenantId, category: str, key: str) -> TenantOption | None:
    """Return the option that holds for ``tenant``; None where the platform's default does."""
    own = await tenant_options.find(tx, tenant, category, key)
    return own if own is not None else await inherited(tx, category, key)


async def inherited(tx: Transaction, category: str, key: str) -> TenantOption | None:
    """Return what every tenant gets that has set nothing itself; most options are nobody else's business."""
    if (category, key) not in INHERITED:
        return None
    return await tenant_options.find(tx, MANAGEMENT_TENANT, category, key)


async def security_token_policy(tx: Transaction, tenant: TenantId) -> SecurityTokenPolicy:
    """Return how ``tenant`` wants devices and those who accept them to know each other."""
    option = await in_force(tx, tenant, *SECURITY_TOKEN_POLICY)
    return SecurityTokenPolicy(option.value) if option is not None else SecurityTokenPolicy.OPTIONAL
