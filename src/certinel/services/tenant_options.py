"""The options a tenant sets for itself, and what it may know of the platform's.

A secret (a key that starts with ``credentials.``) is stored sealed and reads as ``<<Encrypted>>``; only ``reveal``
opens it.
"""

import base64
from dataclasses import replace

from certinel.bus.messages import OptionChanged
from certinel.domain.audit import PLATFORM, Actor, AuditEntry, AuditType, Change
from certinel.domain.errors import DeviceIdentityError
from certinel.domain.identifiers import TenantId
from certinel.domain.tenant_option import (
    ENCRYPTED,
    InvalidTenantOptionError,
    TenantOption,
    check_category,
    check_key,
    check_value,
    option_text,
)
from certinel.services import audit
from certinel.services.platform import Platform, PlatformOptions
from certinel.storage import tenant_options
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest


class TenantOptionNotFoundError(DeviceIdentityError):
    """The tenant has not set this option."""

    code = "tenant-option/not-found"

    def __init__(self, category: str, key: str) -> None:
        super().__init__(f"Unable to find option by given key: {category}/{key}")
        self.category, self.key = category, key


async def list_of(tx: Transaction, tenant: TenantId, request: PageRequest) -> Page[TenantOption]:
    """Return a page of what ``tenant`` has set, by category and key."""
    page = await tenant_options.list_of(tx, tenant, request)
    return replace(page, items=tuple(_readable(option) for option in page.items))


async def of_category(tx: Transaction, tenant: TenantId, category: str) -> tuple[TenantOption, ...]:
    """Return what ``tenant`` has set of a category, by key; a category nobody used is empty."""
    try:
        check_category(category)
    except InvalidTenantOptionError:
        return ()
    return tuple(_readable(option) for option in await tenant_options.of_category(tx, tenant, category))


async def get(tx: Transaction, tenant: TenantId, category: str, key: str) -> TenantOption:
    """Return one option; raises ``TenantOptionNotFoundError``."""
    return _readable(await _stored(tx, tenant, category, key))


async def reveal(tx: Transaction, platform: Platform, tenant: TenantId, category: str, key: str) -> str:
    """Return the value itself, a secret's too: for the platform's own use, never for an answer.

    Raises:
        TenantOptionNotFoundError: it is not set.
        SealedSecretUnreadableError: another node's key sealed it.
    """
    option = await _stored(tx, tenant, category, key)
    if not option.is_secret:
        return option.value
    return platform.sealer.open(base64.b64decode(option.value), _context(option)).decode()


async def put(tx: Transaction, platform: Platform, option: TenantOption, by: Actor = PLATFORM) -> TenantOption:
    """Set an option, whether it was set before or not; returns it as it will be read.

    A secret that is written back as it was read, ``<<Encrypted>>``, stays what it is.

    Raises:
        InvalidTenantOptionError: the platform could not follow the value.
    """
    check_value(option)
    before = await tenant_options.find(tx, option.tenant, option.category, option.key)
    if not option.is_secret:
        await tenant_options.put(tx, option)
    elif option.value != ENCRYPTED:
        sealed = platform.sealer.seal(option.value.encode(), _context(option))
        await tenant_options.put(tx, replace(option, value=base64.b64encode(sealed).decode("ascii")))
    else:
        await _stored(tx, option.tenant, option.category, option.key)
    unchanged = ENCRYPTED if option.is_secret else _value(before)
    if option.value != unchanged:
        _record(tx, platform, option, by, before=before, after=option)
    tx.after_commit(platform.bus.publish, OptionChanged(option.tenant, option.category, option.key))
    return _readable(option)


async def delete(
    tx: Transaction, platform: Platform, tenant: TenantId, category: str, key: str, by: Actor = PLATFORM
) -> None:
    """Remove an option, so that its default holds again; raises ``TenantOptionNotFoundError``."""
    option = await _stored(tx, tenant, category, key)
    await tenant_options.remove(tx, tenant, category, key)
    _record(tx, platform, option, by, before=option, after=None)
    tx.after_commit(platform.bus.publish, OptionChanged(tenant, category, key))


def system_options(options: PlatformOptions) -> dict[tuple[str, str], str]:
    """Return what clients ask of the platform itself, by category and key; all values are text."""
    return {("ssl", "shared-truststore.enabled"): option_text(options.shared_certificates)}


def system_option(options: PlatformOptions, category: str, key: str) -> str:
    """Return one fact about the platform; raises ``TenantOptionNotFoundError``."""
    value = system_options(options).get((category, key))
    if value is None:
        raise TenantOptionNotFoundError(category, key)
    return value


async def _stored(tx: Transaction, tenant: TenantId, category: str, key: str) -> TenantOption:
    try:
        check_category(category)
        check_key(key)
    except InvalidTenantOptionError as error:
        raise TenantOptionNotFoundError(category, key) from error
    option = await tenant_options.find(tx, tenant, category, key)
    if option is None:
        raise TenantOptionNotFoundError(category, key)
    return option


def _readable(option: TenantOption) -> TenantOption:
    return replace(option, value=ENCRYPTED) if option.is_secret else option


def _context(option: TenantOption) -> bytes:
    """Bind a secret to its place; none of the parts but the last can hold the separator."""
    return f"tenant_option/{option.tenant}/{option.category}/{option.key}".encode()


def _record(
    tx: Transaction,
    platform: Platform,
    option: TenantOption,
    by: Actor,
    *,
    before: TenantOption | None,
    after: TenantOption | None,
) -> None:
    """Write down that an option was set or removed: the values too, unless they are secret."""
    at, name = platform.clock.now(), f"{option.category}/{option.key}"
    value = f"Value='{_readable(after).value}'" if after is not None else "Its default holds again"
    audit.record(
        tx,
        AuditEntry(
            tenant=option.tenant,
            by=by,
            type=AuditType.OPTION,
            source=name,
            activity=f"Option {'removed' if after is None else 'set'}: '{name}'.",
            text=f"Option: '{name}'.\n {value}",
            time=at,
            recorded_at=at,
            changes=(Change("value", _value(before), _value(after)),),
        ),
    )


def _value(option: TenantOption | None) -> str | None:
    return None if option is None else _readable(option).value
