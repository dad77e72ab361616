"""The tenants of the platform, for its operator: listed, made, suspended, resumed, deleted with all that is theirs."""

from typing import Final

from starlette.responses import Response

from certinel.domain.identifiers import TenantId
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.services import overview, tenants
from certinel.services.tenants import TenantChange, TenantDraft
from certinel.storage.page import PageRequest
from certinel.storage.tenants import TenantFilter
from certinel.ui.forms import Form
from certinel.ui.rights import CHANGE_TENANTS, SEE_TENANTS
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

PAGE_SIZE: Final = 50


@pages.show("/tenants", SEE_TENANTS)
async def show_list(visit: Visit) -> Response:
    """List the tenants, with a form for a further one."""
    request = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True)
    async with visit.platform.database.reading() as tx:
        page = await tenants.list_of(tx, TenantFilter(), request)
    return visit.page(
        "tenants/list.html",
        title=ENGLISH("tenants.title"),
        lead=ENGLISH("tenants.lead"),
        page=page,
        states={one.id: overview.state_of(visit.platform, one.id) for one in page.items},
        public_host=visit.platform.options.public_host,
        may_change=visit.may(CHANGE_TENANTS),
    )


@pages.act("/tenants", CHANGE_TENANTS)
async def create(visit: Visit, form: Form) -> Response:
    """Make a tenant with its first administrator."""
    platform = visit.platform
    draft = TenantDraft(
        id=TenantId(form.text("tenant")) if form.text("tenant") else None,
        domain=form.text("domain").lower() or None,
        company=form.text("company") or None,
        admin_name=form.text("admin"),
        admin_email=form.text("email") or None,
        password_hash=await platform.passwords.hash_new(form.whole_text("password")),
    )
    async with platform.database.transaction() as tx:
        made = await tenants.create(tx, platform, draft, visit.session.actor)
    return visit.go("/ui/tenants", "tenants.was-made", tenant=made.id)


@pages.show("/tenants/{tenant}", SEE_TENANTS)
async def show_tenant(visit: Visit) -> Response:
    """Show one tenant, with what can be done about it and what that takes along."""
    found = await _tenant(visit)
    return visit.page(
        "tenants/tenant.html",
        title=found.id,
        tenant=found,
        state=overview.state_of(visit.platform, found.id),
        host=found.host(visit.platform.options.public_host),
        may_change=visit.may(CHANGE_TENANTS),
    )


@pages.act("/tenants/{tenant}/status", CHANGE_TENANTS)
async def set_status(visit: Visit, form: Form) -> Response:
    """Suspend or resume a tenant."""
    is_active = form.text("status") == TenantStatus.ACTIVE
    change = TenantChange(status=TenantStatus.ACTIVE if is_active else TenantStatus.SUSPENDED)
    found = await _tenant(visit)
    async with visit.platform.database.transaction() as tx:
        await tenants.update(tx, visit.platform, found.id, change, visit.session.actor)
    key = "tenants.was-resumed" if is_active else "tenants.was-suspended"
    return visit.go(f"/ui/tenants/{found.id}", key, tenant=found.id)


@pages.act("/tenants/{tenant}/delete", CHANGE_TENANTS)
async def delete(visit: Visit, form: Form) -> Response:
    """Remove a tenant whose id was typed."""
    found = await _tenant(visit)
    if form.text("typed-id") != found.id:
        raise FaultError(ENGLISH("tenants.type-id", tenant=found.id))
    async with visit.platform.database.transaction() as tx:
        await tenants.delete(tx, visit.platform, found.id, visit.session.actor)
    return visit.go("/ui/tenants", "tenants.was-deleted", tenant=found.id)


async def _tenant(visit: Visit) -> Tenant:
    async with visit.platform.database.reading() as tx:
        return await tenants.get(tx, TenantId(visit.request.path_params["tenant"]))
