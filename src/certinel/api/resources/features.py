"""Features that a tenant switches on or off."""

from typing import Annotated, Final, Literal, Self

from fastapi import Depends
from pydantic import RootModel

from certinel.api.authentication import ActingCaller, Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, Received
from certinel.api.routing import router as router_for
from certinel.api.tenant_of_path import ManagedTenant
from certinel.domain.feature import Phase
from certinel.domain.role import Role
from certinel.services import features
from certinel.services.features import FeatureState

router = router_for("features")

ALL: Final = "/features"
ONE: Final = ALL + "/{key:segment}"
BY_TENANT: Final = ONE + "/by-tenant"
OF_TENANT: Final = BY_TENANT + "/{tenant:segment}"
_WRITERS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN)
_OPERATORS: Final = requires(Role.TENANT_MANAGEMENT_ADMIN, in_management=True)


class FeatureSwitch(Received):
    """Whether it shall be on; whatever else is in the body is ignored."""

    active: bool


class FeatureAnswer(Answer):
    """A feature as it is for the tenant."""

    key: str
    phase: Phase
    active: bool
    strategy: Literal["TENANT", "DEFAULT"]

    @classmethod
    def of(cls, state: FeatureState) -> Self:
        """Describe ``state``."""
        strategy: Literal["TENANT", "DEFAULT"] = "TENANT" if state.is_own_choice else "DEFAULT"
        return cls(key=state.feature.key, phase=state.feature.phase, active=state.is_active, strategy=strategy)


class Features(RootModel[list[FeatureAnswer]]):
    """All features; a bare list."""


@router.get(ALL)
async def list_features(platform: Served, principal: Caller) -> Features:
    """List all features as they are for the caller's tenant; not paged."""
    async with platform.database.reading() as tx:
        states = await features.list_of(tx, principal.tenant)
    return Features([FeatureAnswer.of(state) for state in states])


@router.get(ONE, responses=documented_error(404))
async def get_feature(platform: Served, principal: Caller, key: str) -> FeatureAnswer:
    """Return one feature."""
    async with platform.database.reading() as tx:
        state = await features.get(tx, principal.tenant, key)
    return FeatureAnswer.of(state)


@router.put(BY_TENANT, dependencies=[_WRITERS], responses=documented_error(404))
async def switch_feature(
    platform: Served,
    principal: Caller,
    by: ActingCaller,
    key: str,
    change: Annotated[FeatureSwitch, Depends(JsonBody(FeatureSwitch))],
) -> FeatureAnswer:
    """Switch a feature on or off for the caller's tenant."""
    async with platform.database.transaction() as tx:
        state = await features.switch(tx, platform, principal.tenant, key, is_active=change.active, by=by)
    return FeatureAnswer.of(state)


@router.delete(BY_TENANT, dependencies=[_WRITERS], status_code=204, responses=documented_error(404))
async def reset_feature(platform: Served, principal: Caller, by: ActingCaller, key: str) -> None:
    """Let the platform's own choice hold again for the caller's tenant."""
    async with platform.database.transaction() as tx:
        await features.reset(tx, platform, principal.tenant, key, by)


@router.put(OF_TENANT, dependencies=[_OPERATORS], responses=documented_error(404))
async def switch_feature_of_tenant(
    platform: Served,
    tenant: ManagedTenant,
    by: ActingCaller,
    key: str,
    change: Annotated[FeatureSwitch, Depends(JsonBody(FeatureSwitch))],
) -> FeatureAnswer:
    """Switch a feature on or off for any tenant."""
    async with platform.database.transaction() as tx:
        state = await features.switch(tx, platform, tenant, key, is_active=change.active, by=by)
    return FeatureAnswer.of(state)


@router.delete(OF_TENANT, dependencies=[_OPERATORS], status_code=204, responses=documented_error(404))
async def reset_feature_of_tenant(platform: Served, tenant: ManagedTenant, by: ActingCaller, key: str) -> None:
    """Let the platform's own choice hold again for a tenant."""
    async with platform.database.transaction() as tx:
        await features.reset(tx, platform, tenant, key, by)
