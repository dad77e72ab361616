"""What the platform tells every caller about itself, in the form of options."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from certinel.api.authentication import Caller
from certinel.api.negotiation import represented_as
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.services.platform import PlatformOptions
from certinel.services.tenant_options import TenantOptionNotFoundError

router = router_for("system options")

PATH: Final = "/tenant/system/options"

FACTS: Final[Mapping[tuple[str, str], Callable[[PlatformOptions], str]]] = MappingProxyType(
    {("ssl", "shared-truststore.enabled"): lambda options: str(options.shared_certificates).lower()}
)
"""Every fact by category and key; clients want strings, also for what is true or false."""


class SystemOptionAnswer(Answer):
    """A fact about the platform."""

    category: str
    key: str
    value: str


class SystemOptions(Answer):
    """All facts about the platform."""

    options: list[SystemOptionAnswer]


@router.get(PATH, responses=represented_as("optioncollection"))
async def list_system_options(platform: Served, _: Caller) -> SystemOptions:
    """List what the platform tells every caller."""
    return SystemOptions(
        options=[
            SystemOptionAnswer(category=category, key=key, value=value_of(platform.options))
            for (category, key), value_of in FACTS.items()
        ]
    )


@router.get(PATH + "/{category:segment}/{key:segment}", responses=represented_as("option") | documented_error(404))
async def get_system_option(platform: Served, _: Caller, category: str, key: str) -> SystemOptionAnswer:
    """Return one fact."""
    value_of = FACTS.get((category, key))
    if value_of is None:
        raise TenantOptionNotFoundError(category, key)
    return SystemOptionAnswer(category=category, key=key, value=value_of(platform.options))
