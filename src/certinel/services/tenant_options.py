"""The options a tenant sets for itself, and those it inherits.

A secret (a key that starts with ``credentials.``) is stored sealed and reads as ``<<Encrypted>>``; only ``reveal``
opens it.
"""

import base64
from dataclasses import replace
from typing import NamedTuple

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
from certinel.services import audit, option_values
from certinel.services.platform import Platform
from certinel.storage import tenant_options
from certinel.storage.engine import Transaction
from certinel.storage.page import Page, PageRequest


class TenantOptionNotFoundError(DeviceIdentityError):
    """The tenant has not set this option."""

    code = "tenant-option/not-found"

    def __init__(self, category: str, key: str) -> None:
        super().__init__(f"Unable to find option by given key: {category}/{key}")
        self.category, self.key = category, key


class TenantOptionFixedError(DeviceIdentityError):
    """The operator has fixed the option."""

    code = "tenant-option/fixed"

    def __init__(self, option: TenantOption) -> None:
        super().__init__(f"The option {option.category}/{option.key} is not editable.")


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
    """Return what ``tenant`` has set; raises ``TenantOptionNotFoundError``."""
    return _readable(await _stored(tx, tenant, category, key))


async def get_in_force(tx: Transaction, tenant: TenantId, category: str, key: str) -> TenantOption:
    """Return what holds for ``tenant``, set by itself or inherited; raises ``TenantOptionNotFoundError``."""
    try:
        return await get(tx, tenant, category, key)
    except TenantOptionNotFoundError:
        return await get_inherited(tx, category, key)


async def get_inherited(tx: Transaction, category: str, key: str) -> TenantOption:
    """Return what holds for tenants that set nothing themselves; raises ``TenantOptionNotFoundError``."""
    inherited = await option_values.inherited(tx, category, key)
    if inherited is None:
        raise TenantOptionNotFoundError(category, key)
    return inherited


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
        TenantOptionFixedError: the operator has fixed it.
    """
    check_value(option)
    before = await tenant_options.find(tx, option.tenant, option.category, option.key)
    _check_editable(before)
    if not option.is_secret:
        await tenant_options.put(tx, option)
    elif option.value != ENCRYPTED:
        sealed = platform.sealer.seal(option.value.encode(), _context(option))
        await tenant_options.put(tx, replace(option, value=base64.b64encode(sealed).decode("ascii")))
    else:
        await _stored(tx, option.tenant, option.category, option.key)
    unchanged = ENCRYPTED if option.is_secret else _value(before)
    if option.value != unchanged:
        _record(tx, platform, option, by, "set", Change("value", _value(before), _value(option)))
    tx.after_commit(platform.bus.publish, OptionChanged(option.tenant, option.category, option.key))
    return _readable(option)


async def delete(
    tx: Transaction, platform: Platform, tenant: TenantId, category: str, key: str, by: Actor = PLATFORM
) -> None:
    """Remove an option, so that its default holds again.

    Raises:
        TenantOptionNotFoundError, TenantOptionFixedError: it is not set, or the operator has fixed it.
    """
    option = await _stored(tx, tenant, category, key)
    _check_editable(option)
    await tenant_options.remove(tx, tenant, category, key)
    _record(tx, platform, option, by, "removed", Change("value", _value(option), None))
    tx.after_commit(platform.bus.publish, OptionChanged(tenant, category, key))


class OptionName(NamedTuple):
    """One option of one tenant."""

    tenant: TenantId
    category: str
    key: str


async def set_editable(
    tx: Transaction, platform: Platform, name: OptionName, *, is_editable: bool, by: Actor
) -> TenantOption:
    """Fix an option as the tenant has set it, or let it change it again; raises ``TenantOptionNotFoundError``."""
    before = await _stored(tx, *name)
    after = replace(before, is_editable=is_editable)
    await tenant_options.put(tx, after)
    if after != before:
        change = Change("editable", option_text(before.is_editable), option_text(is_editable))
        _record(tx, platform, after, by, "freed" if is_editable else "fixed", change)
    return _readable(after)


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


def _check_editable(option: TenantOption | None) -> None:
    if option is not None and not option.is_editable:
        raise TenantOptionFixedError(option)


def _readable(option: TenantOption) -> TenantOption:
    return replace(option, value=ENCRYPTED) if option.is_secret else option


def _context(option: TenantOption) -> bytes:
    """Bind a secret to its place; none of the parts but the last can hold the separator."""
    return f"tenant_option/{option.tenant}/{option.category}/{option.key}".encode()


def _record(tx: Transaction, platform: Platform, option: TenantOption, by: Actor, verb: str, change: Change) -> None:
    """Write down what was done to an option: its value too, unless that is secret."""
    at, name = platform.clock.now(), f"{option.category}/{option.key}"
    value = f"Value='{_readable(option).value}'" if verb != "removed" else "Its default holds again"
    audit.record(
        tx,
        AuditEntry(
            tenant=option.tenant,
            by=by,
            type=AuditType.OPTION,
            source=name,
            activity=f"Option {verb}: '{name}'.",
            text=f"Option: '{name}'.\n {value}",
            time=at,
            recorded_at=at,
            changes=(change,),
        ),
    )


def _value(option: TenantOption | None) -> str | None:
    return None if option is None else _readable(option).value
