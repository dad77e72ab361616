"""The tenant of the caller; for the management tenant, all of them."""

from typing import Annotated, Any, Final, Self

from fastapi import Depends, Query, Request, Response
from pydantic import Field, SecretStr

from certinel.api.authentication import ActingCaller, Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.routing import router as router_for
from certinel.domain.identifiers import TenantId
from certinel.domain.role import Role
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.services import tenants
from certinel.services.tenants import TenantChange, TenantDraft
from certinel.storage.tenants import TenantFilter

MAX_LIMIT: Final = 2**31 - 1
"""The contract's integers are those of Java."""

router = router_for("tenants")

ALL: Final = "/tenant/tenants"
ONE: Final = ALL + "/{tenant:segment}"
READERS: Final = requires(Role.TENANT_MANAGEMENT_READ, Role.TENANT_MANAGEMENT_ADMIN, in_management=True)
WRITERS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, in_management=True)


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


Limit = Annotated[int | None, Field(ge=0, le=MAX_LIMIT)]


class TenantCreation(Received):
    """A new tenant with its first administrator."""

    id: str | None = Field(default=None, description="The id; without one, the platform chooses it.")
    domain: str | None = Field(default=None, description="A host name that is this tenant's own.")
    company: str | None = None
    admin_name: str = Field(description="The name of the administrator that the tenant begins with.")
    admin_pass: SecretStr = Field(description="Its password; never answered.")
    admin_email: str | None = None
    max_devices: Limit = Field(default=None, description="How many devices it may have; 0 or nothing for any number.")
    max_users: Limit = Field(default=None, description="How many people may be users; 0 or nothing for any number.")


class TenantUpdate(Received):
    """What is to be different; fields that are left out stay as they are."""

    status: TenantStatus | None = Field(default=None, description="`SUSPENDED` keeps users and devices out at once.")
    domain: str | None = None
    company: str | None = None
    admin_email: str | None = None
    max_devices: Limit = Field(default=None, description="0 takes the limit away; devices that are there stay.")
    max_users: Limit = Field(default=None, description="0 takes the limit away; users who are there stay.")


class TenantAnswer(Answer):
    """A tenant."""

    id: str
    domain: str = Field(description="The host name under which the tenant is reached.")
    company: str | None = None
    admin_name: str | None = None
    admin_email: str | None = None
    status: TenantStatus
    creation_time: ContractTime
    max_devices: int | None = None
    max_users: int | None = None
    self: str

    @classmethod
    def of(cls, tenant: Tenant, request: Request, public_host: str) -> Self:
        """Describe ``tenant``."""
        return cls(
            id=tenant.id,
            domain=tenant.host(public_host),
            company=tenant.company,
            admin_name=tenant.admin_name,
            admin_email=tenant.admin_email,
            status=tenant.status,
            creation_time=tenant.created_at,
            max_devices=tenant.max_devices,
            max_users=tenant.max_users,
            self=link(request, "tenant", "tenants", tenant.id),
        )


class Tenants(Collection):
    """A page of tenants, by id."""

    tenants: list[TenantAnswer]


@router.get(ALL, dependencies=[READERS], responses=represented_as("tenantcollection") | documented_error(422))
async def list_tenants(
    *,
    request: Request,
    platform: Served,
    paging: Paging,
    company: Annotated[str | None, Query(description="Tenants of this company.")] = None,
    domain: Annotated[str | None, Query(description="The tenant of this domain.")] = None,
) -> Tenants:
    """List the tenants of the platform."""
    async with platform.database.reading() as tx:
        page = await tenants.list_of(tx, TenantFilter(company=company, domain=domain), paging)
    public_host = platform.options.public_host
    answers = [TenantAnswer.of(tenant, request, public_host) for tenant in page.items]
    return Tenants(tenants=answers, **envelope(request, page))


@router.post(
    ALL,
    dependencies=[WRITERS],
    status_code=201,
    responses=represented_as("tenant", status=201) | documented_error(409),
)
async def create_tenant(
    request: Request,
    response: Response,
    platform: Served,
    by: ActingCaller,
    creation: Annotated[TenantCreation, Depends(JsonBody(TenantCreation))],
) -> TenantAnswer:
    """Make a tenant with an administrator. The id of a tenant that was deleted is not given again."""
    draft = TenantDraft(
        id=TenantId(creation.id) if creation.id is not None else None,
        domain=creation.domain,
        company=creation.company,
        admin_name=creation.admin_name,
        admin_email=creation.admin_email,
        max_devices=creation.max_devices,
        max_users=creation.max_users,
        password_hash=await platform.passwords.hash_new(creation.admin_pass.get_secret_value()),
    )
    async with platform.database.transaction() as tx:
        tenant = await tenants.create(tx, platform, draft, by)
    answer = TenantAnswer.of(tenant, request, platform.options.public_host)
    response.headers["Location"] = answer.self
    return answer


@router.get(ONE, dependencies=[READERS], responses=represented_as("tenant") | documented_error(404))
async def get_tenant(request: Request, platform: Served, tenant: str) -> TenantAnswer:
    """Return one tenant."""
    async with platform.database.reading() as tx:
        found = await tenants.get(tx, TenantId(tenant))
    return TenantAnswer.of(found, request, platform.options.public_host)


@router.put(ONE, dependencies=[WRITERS], responses=represented_as("tenant") | documented_error(404, 409))
async def update_tenant(
    request: Request,
    platform: Served,
    by: ActingCaller,
    tenant: str,
    update: Annotated[TenantUpdate, Depends(JsonBody(TenantUpdate))],
) -> TenantAnswer:
    """Change, suspend or resume a tenant; suspending ends its sessions."""
    change = TenantChange(
        status=update.status,
        domain=update.domain,
        company=update.company,
        admin_email=update.admin_email,
        max_devices=update.max_devices,
        max_users=update.max_users,
    )
    async with platform.database.transaction() as tx:
        changed = await tenants.update(tx, platform, TenantId(tenant), change, by)
    return TenantAnswer.of(changed, request, platform.options.public_host)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def delete_tenant(platform: Served, by: ActingCaller, tenant: str) -> None:
    """Remove a tenant with everything that belongs to it; its audit log stays."""
    async with platform.database.transaction() as tx:
        await tenants.delete(tx, platform, TenantId(tenant), by)
