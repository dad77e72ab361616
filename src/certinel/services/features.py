"""Features, switched on or off tenant by tenant."""

from dataclasses import dataclass

from certinel.domain.audit import Actor, AuditEntry, AuditType, Change
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.feature import FEATURES, Feature
from certinel.domain.identifiers import TenantId
from certinel.domain.tenant_option import option_text
from certinel.services import audit
from certinel.services.platform import Platform
from certinel.storage import feature_toggles
from certinel.storage.engine import Transaction


class FeatureNotFoundError(DeviceIdentityError):
    """There is no such feature."""

    code = "feature/not-found"

    def __init__(self, key: str) -> None:
        super().__init__(f"There is no feature with key {key}")


@dataclass(frozen=True, slots=True)
class FeatureState:
    """A feature as it is for one tenant."""

    feature: Feature
    is_active: bool
    is_own_choice: bool
    """Whether the tenant has chosen, or the platform."""


async def list_of(tx: Transaction, tenant: TenantId) -> list[FeatureState]:
    """Return all features as they are for ``tenant``, by key."""
    own = await feature_toggles.of_tenant(tx, tenant)
    return [
        FeatureState(feature, own.get(key, feature.is_active), key in own) for key, feature in sorted(FEATURES.items())
    ]


async def get(tx: Transaction, tenant: TenantId, key: str) -> FeatureState:
    """Return one feature; raises ``FeatureNotFoundError``."""
    feature, own = _feature(key), await feature_toggles.of_tenant(tx, tenant)
    return FeatureState(feature, own.get(key, feature.is_active), key in own)


async def is_active(tx: Transaction, tenant: TenantId, key: str) -> bool:
    """Tell whether a feature of ours is on for ``tenant``."""
    return (await get(tx, tenant, key)).is_active


async def switch(
    tx: Transaction, platform: Platform, tenant: TenantId, key: str, *, is_active: bool, by: Actor
) -> FeatureState:
    """Switch a feature on or off; raises ``FeatureNotFoundError`` and ``FeatureNotOfferedError``."""
    before = await get(tx, tenant, key)
    before.feature.check(is_active=is_active)
    await feature_toggles.put(tx, tenant, key, is_active=is_active)
    _record(tx, platform, tenant, before, is_active=is_active, by=by)
    return FeatureState(before.feature, is_active, is_own_choice=True)


async def reset(tx: Transaction, platform: Platform, tenant: TenantId, key: str, by: Actor) -> None:
    """Let the platform's own choice hold again; raises ``FeatureNotFoundError``."""
    before = await get(tx, tenant, key)
    if await feature_toggles.remove(tx, tenant, key):
        _record(tx, platform, tenant, before, is_active=before.feature.is_active, by=by)


def _feature(key: str) -> Feature:
    feature = FEATURES.get(key)
    if feature is None:
        raise FeatureNotFoundError(key)
    return feature


def _record(
    tx: Transaction, platform: Platform, tenant: TenantId, before: FeatureState, *, is_active: bool, by: Actor
) -> None:
    key, at = before.feature.key, platform.clock.now()
    audit.record(
        tx,
        AuditEntry(
            tenant=tenant,
            by=by,
            type=AuditType.OPTION,
            source=key,
            activity=f"Feature switched {'on' if is_active else 'off'}: '{key}'.",
            text=f"Feature: '{key}'.\n Active='{option_text(is_active)}'",
            time=at,
            recorded_at=at,
            changes=(Change("active", option_text(before.is_active), option_text(is_active)),),
        ),
    )
