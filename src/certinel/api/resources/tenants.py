"""The tenant of the caller."""

from typing import Any

from fastapi import Request
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.negotiation import represented_as
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.domain.role import Role
from certinel.services import tenants

router = router_for("tenants")


class TenantApplications(Answer):
    """The applications of a tenant; this platform has none."""

    references: list[dict[str, Any]] = Field(default_factory=list)


class CurrentTenantAnswer(Answer):
    """The tenant that the caller belongs to."""

    name: str = Field(description="The id of the tenant.")
    domain_name: str = Field(description="The host name under which the tenant is reached.")
    allow_create_tenants: bool = False
    custom_properties: dict[str, Any] = Field(default_factory=dict)
    applications: TenantApplications = Field(default_factory=TenantApplications)
    self: str


@router.get(
    "/tenant/currentTenant",
    dependencies=[requires(Role.USER_MANAGEMENT_OWN_READ)],
    responses=represented_as("currenttenant"),
)
async def get_current_tenant(request: Request, platform: Served, principal: Caller) -> CurrentTenantAnswer:
    """Return the caller's tenant; agents read its id out of `name`."""
    async with platform.database.reading() as tx:
        tenant = await tenants.get(tx, principal.tenant)
    return CurrentTenantAnswer(
        name=tenant.id,
        domain_name=tenant.host(platform.options.public_host),
        self=link(request, "tenant", "currentTenant"),
    )
