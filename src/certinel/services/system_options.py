"""What the platform tells about itself in the form of options: some to everybody, the rest to its operator."""

from collections.abc import Mapping

from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.domain.new_device_request import SecurityTokenPolicy
from certinel.domain.role import Principal, Role
from certinel.domain.tenant_option import SECURITY_TOKEN_POLICY, option_text
from certinel.services import option_values
from certinel.services.platform import Platform, PlatformOptions
from certinel.storage.engine import Transaction

Facts = Mapping[tuple[str, str], str]
"""By category and key; all values are text, also of what is true or false."""


async def facts_for(tx: Transaction, platform: Platform, caller: Principal) -> Facts:
    """Return what ``caller`` may know: the settings of the whole platform are for who administers it."""
    inherited = await option_values.inherited(tx, *SECURITY_TOKEN_POLICY)
    policy = inherited.value if inherited is not None else SecurityTokenPolicy.OPTIONAL.value
    facts: dict[tuple[str, str], str] = {**_known_to_all(platform.options), SECURITY_TOKEN_POLICY: policy}
    if caller.tenant == MANAGEMENT_TENANT and caller.has_any(Role.OPTION_MANAGEMENT_READ, Role.OPTION_MANAGEMENT_ADMIN):
        facts |= _known_to_operators(platform.options)
    return facts


def _known_to_all(options: PlatformOptions) -> dict[tuple[str, str], str]:
    return {("ssl", "shared-truststore.enabled"): option_text(options.shared_certificates)}


def _known_to_operators(options: PlatformOptions) -> dict[tuple[str, str], str]:
    """Return the settings of ``certinel.toml`` that decide for all tenants, under the names they have there."""
    lifetime = options.keys.lifetime
    values: dict[tuple[str, str], object] = {
        ("trust", "max_chain_length"): options.policy.max_chain_length,
        ("trust", "require_proof"): options.policy.require_proof,
        ("trust", "max_staleness"): options.max_staleness.total_seconds(),
        ("trust", "shared_certificates"): options.shared_certificates,
        ("token", "algorithm"): options.keys.algorithm.value,
        ("token", "key_lifetime_days"): lifetime.total_seconds() / 86_400 if lifetime is not None else 0,
        ("token", "key_overlap_days"): options.keys.overlap.total_seconds() / 86_400,
        ("node", "public_host"): options.public_host,
    }
    return {name: option_text(value) for name, value in values.items()}
