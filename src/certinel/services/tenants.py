"""Which tenants there are, and which one a caller means."""

from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.tenant import Tenant
from certinel.storage import tenants
from certinel.storage.engine import Transaction


class TenantNotFoundError(DeviceIdentityError):
    """There is no such tenant."""

    code = "tenant/not-found"

    def __init__(self, tenant: str) -> None:
        super().__init__(f"There is no tenant with id = {tenant}")
        self.tenant = tenant


async def get(tx: Transaction, tenant: TenantId) -> Tenant:
    """Return one tenant, suspended or not; raises ``TenantNotFoundError``."""
    found = await tenants.find(tx, tenant) if tenant.isprintable() else None
    if found is None:
        raise TenantNotFoundError(tenant)
    return found


async def meant_by(tx: Transaction, tenant: TenantId | None, host: str) -> Tenant | None:
    """Return the tenant of a caller: the one it names, else the one of the host name, else the only ordinary one.

    ``host`` is what the caller typed, perhaps with a port. None when that leaves no tenant or several.
    """
    if tenant is not None:
        return await tenants.find(tx, tenant) if tenant.isprintable() else None
    domain = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    by_host = await tenants.find_by_domain(tx, domain) if domain.isprintable() and domain else None
    if by_host is not None:
        return by_host
    ordinary = [one for one in await tenants.all_of_them(tx) if not one.is_management]
    return ordinary[0] if len(ordinary) == 1 else None
