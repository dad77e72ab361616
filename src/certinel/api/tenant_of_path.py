"""Paths that name a tenant: whose tenant that has to be.

Only the management tenant is told which tenants there are; to everybody else another tenant and none are the same 403.
"""

from typing import Annotated

from fastapi import Depends, Path

from certinel.api.authentication import Caller
from certinel.api.platform_of import Served
from certinel.api.problems import ForbiddenError
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.services import tenants

TenantInPath = Annotated[str, Path(description="The id of the tenant.")]


async def own_tenant(platform: Served, principal: Caller, tenant: TenantInPath) -> TenantId:
    """Return the tenant of the path if it is the caller's; 403 for every other one."""
    return await _checked(platform, TenantId(tenant), is_allowed=principal.tenant == tenant)


async def own_or_managed_tenant(platform: Served, principal: Caller, tenant: TenantInPath) -> TenantId:
    """As `own_tenant`; callers of the management tenant may name any tenant, and get 404 where there is none."""
    is_allowed = principal.tenant in {tenant, MANAGEMENT_TENANT}
    return await _checked(platform, TenantId(tenant), is_allowed=is_allowed)


async def managed_tenant(platform: Served, principal: Caller, tenant: TenantInPath) -> TenantId:
    """Return the tenant of the path, whichever, to callers of the management tenant only."""
    return await _checked(platform, TenantId(tenant), is_allowed=principal.tenant == MANAGEMENT_TENANT)


async def _checked(platform: Served, tenant: TenantId, *, is_allowed: bool) -> TenantId:
    if not is_allowed:
        raise ForbiddenError
    async with platform.database.reading() as tx:
        await tenants.get(tx, tenant)
    return tenant


OwnTenant = Annotated[TenantId, Depends(own_tenant)]
OwnOrManagedTenant = Annotated[TenantId, Depends(own_or_managed_tenant)]
ManagedTenant = Annotated[TenantId, Depends(managed_tenant)]
