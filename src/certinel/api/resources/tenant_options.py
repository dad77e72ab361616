"""What a tenant can set for itself."""

from typing import Annotated, Final, Self

from fastapi import Depends, Query, Request
from pydantic import RootModel

from certinel.api.authentication import ActingCaller, Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, Received
from certinel.api.routing import router as router_for
from certinel.domain.audit import Actor
from certinel.domain.identifiers import TenantId
from certinel.domain.role import Role
from certinel.domain.tenant_option import TenantOption, option_text
from certinel.services import tenant_options, tenants
from certinel.services.tenant_options import OptionName

router = router_for("tenant options")

ALL: Final = "/tenant/options"
CATEGORY: Final = ALL + "/{category:segment}"
ONE: Final = CATEGORY + "/{key:segment}"
READERS: Final = requires(Role.OPTION_MANAGEMENT_READ, Role.OPTION_MANAGEMENT_ADMIN)
WRITERS: Final = requires(Role.OPTION_MANAGEMENT_ADMIN)


class OptionCreation(Received):
    """A new option. Booleans and numbers are kept as text."""

    category: str
    key: str
    value: str | bool | int | float


class OptionChange(Received):
    """A new value; whatever else is in the body is ignored."""

    value: str | bool | int | float


class OptionEditable(Received):
    """Whether the tenant may change it."""

    editable: bool


class OptionsOfCategory(RootModel[dict[str, str]]):
    """Keys and values of one category."""


class OptionChanges(RootModel[dict[str, str | bool | int | float]]):
    """Keys and new values of one category; booleans and numbers are kept as text."""


class OptionAnswer(Answer):
    """An option; the value of a secret reads `<<Encrypted>>`."""

    category: str
    key: str
    value: str
    self: str

    @classmethod
    def of(cls, option: TenantOption, request: Request) -> Self:
        """Describe ``option``."""
        address = link(request, "tenant", "options", option.category, option.key)
        return cls(category=option.category, key=option.key, value=option.value, self=address)


class Options(Collection):
    """A page of a tenant's options."""

    options: list[OptionAnswer]


@router.get(ALL, dependencies=[READERS], responses=represented_as("optioncollection") | documented_error(422))
async def list_tenant_options(request: Request, platform: Served, principal: Caller, paging: Paging) -> Options:
    """List the options of the caller's tenant."""
    async with platform.database.reading() as tx:
        page = await tenant_options.list_of(tx, principal.tenant, paging)
    return Options(options=[OptionAnswer.of(option, request) for option in page.items], **envelope(request, page))


@router.post(ALL, dependencies=[WRITERS], responses=represented_as("option"))
async def create_tenant_option(
    request: Request,
    platform: Served,
    principal: Caller,
    creation: Annotated[OptionCreation, Depends(JsonBody(OptionCreation))],
) -> OptionAnswer:
    """Set an option, whether it exists or not; answers 200, not 201."""
    option = TenantOption(principal.tenant, creation.category, creation.key, option_text(creation.value))
    async with platform.database.transaction() as tx:
        stored = await tenant_options.put(tx, platform, option, Actor.of(principal))
    return OptionAnswer.of(stored, request)


@router.get(CATEGORY, dependencies=[READERS], responses=represented_as("option"))
async def get_options_of_category(platform: Served, principal: Caller, category: str) -> OptionsOfCategory:
    """Return the keys and values of one category; empty when nothing is set there."""
    async with platform.database.reading() as tx:
        options = await tenant_options.of_category(tx, principal.tenant, category)
    return OptionsOfCategory({option.key: option.value for option in options})


@router.put(CATEGORY, dependencies=[WRITERS], responses=represented_as("option"))
async def update_options_of_category(
    platform: Served,
    principal: Caller,
    category: str,
    changes: Annotated[OptionChanges, Depends(JsonBody(OptionChanges))],
) -> OptionsOfCategory:
    """Set several options of one category, all or none; others stay as they are."""
    options = [TenantOption(principal.tenant, category, key, option_text(value)) for key, value in changes.root.items()]
    async with platform.database.transaction() as tx:
        for option in options:
            await tenant_options.put(tx, platform, option, Actor.of(principal))
        stored = await tenant_options.of_category(tx, principal.tenant, category)
    return OptionsOfCategory({option.key: option.value for option in stored})


@router.get(ONE, dependencies=[READERS], responses=represented_as("option") | documented_error(404))
async def get_tenant_option(
    request: Request,
    platform: Served,
    principal: Caller,
    category: str,
    key: str,
    evaluate: Annotated[
        str | None,
        Query(description="`current`: only what the tenant has set; `inherited`: only what it would inherit."),
    ] = None,
) -> OptionAnswer:
    """Return one option: what the tenant has set, else what it inherits from the tenant `management`."""
    async with platform.database.reading() as tx:
        match evaluate:
            case "current":
                option = await tenant_options.get(tx, principal.tenant, category, key)
            case "inherited":
                option = await tenant_options.get_inherited(tx, category, key)
            case _:
                option = await tenant_options.get_in_force(tx, principal.tenant, category, key)
    return OptionAnswer.of(option, request)


@router.put(ONE, dependencies=[WRITERS], responses=represented_as("option"))
async def update_tenant_option(
    request: Request,
    platform: Served,
    principal: Caller,
    category: str,
    key: str,
    change: Annotated[OptionChange, Depends(JsonBody(OptionChange))],
) -> OptionAnswer:
    """Set one option, whether it exists or not."""
    option = TenantOption(principal.tenant, category, key, option_text(change.value))
    async with platform.database.transaction() as tx:
        stored = await tenant_options.put(tx, platform, option, Actor.of(principal))
    return OptionAnswer.of(stored, request)


async def _option_of_tenant(
    category: str,
    key: str,
    target_tenant: Annotated[str, Query(alias="targetTenant", description="The tenant whose option it is.")],
) -> OptionName:
    return OptionName(TenantId(target_tenant), category, key)


@router.put(
    ONE + "/editable",
    dependencies=[requires(Role.OPTION_MANAGEMENT_ADMIN, in_management=True)],
    responses=represented_as("option") | documented_error(404),
)
async def set_tenant_option_editable(
    *,
    request: Request,
    platform: Served,
    by: ActingCaller,
    name: Annotated[OptionName, Depends(_option_of_tenant)],
    change: Annotated[OptionEditable, Depends(JsonBody(OptionEditable))],
) -> OptionAnswer:
    """Fix an option of a tenant as it is, or let the tenant change it again."""
    async with platform.database.transaction() as tx:
        await tenants.get(tx, name.tenant)
        option = await tenant_options.set_editable(tx, platform, name, is_editable=change.editable, by=by)
    return OptionAnswer.of(option, request)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404))
async def delete_tenant_option(platform: Served, principal: Caller, category: str, key: str) -> None:
    """Remove one option."""
    async with platform.database.transaction() as tx:
        await tenant_options.delete(tx, platform, principal.tenant, category, key, Actor.of(principal))
