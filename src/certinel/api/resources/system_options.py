"""What the platform tells about itself, in the form of options."""

from typing import Final

from certinel.api.authentication import Caller
from certinel.api.negotiation import represented_as
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.services import system_options
from certinel.services.tenant_options import TenantOptionNotFoundError

router = router_for("system options")

PATH: Final = "/tenant/system/options"


class SystemOptionAnswer(Answer):
    """A fact about the platform."""

    category: str
    key: str
    value: str


class SystemOptions(Answer):
    """What the caller may know about the platform."""

    options: list[SystemOptionAnswer]


@router.get(PATH, responses=represented_as("optioncollection"))
async def list_system_options(platform: Served, principal: Caller) -> SystemOptions:
    """List what the platform tells the caller; who administers the platform sees its settings too."""
    async with platform.database.reading() as tx:
        facts = await system_options.facts_for(tx, platform, principal)
    return SystemOptions(
        options=[
            SystemOptionAnswer(category=category, key=key, value=value) for (category, key), value in facts.items()
        ]
    )


@router.get(PATH + "/{category:segment}/{key:segment}", responses=represented_as("option") | documented_error(404))
async def get_system_option(platform: Served, principal: Caller, category: str, key: str) -> SystemOptionAnswer:
    """Return one fact."""
    async with platform.database.reading() as tx:
        facts = await system_options.facts_for(tx, platform, principal)
    if (category, key) not in facts:
        raise TenantOptionNotFoundError(category, key)
    return SystemOptionAnswer(category=category, key=key, value=facts[category, key])
