"""The credentials of a device that was registered on its own: made when the device collects them, handed out once.

Whoever asks holds the password of a bootstrap user, which many devices share: it tells nothing about who they are.
So nothing is stored for a device that nobody expects, nothing that is not ready yet tells it apart from one that does
not exist, and asking is slowed down. A device that gave a security token gets its password with that token only.
"""

import secrets
import string
from dataclasses import dataclass, field, replace
from typing import Any, Final

from certinel.bus.messages import CredentialsChanged, DevicesRegistered
from certinel.domain.audit import Actor, AuditEntry, AuditType
from certinel.domain.bulk_registration import AGENT_FRAGMENT
from certinel.domain.feature import PASSWORD_DEVICES
from certinel.domain.identifiers import MANAGEMENT_TENANT, DeviceId, TenantId, device_user_name
from certinel.domain.managed_object import DEVICE_FRAGMENT, SERIAL, ExternalId, ManagedObjectId
from certinel.domain.new_device_request import MAX_SECURITY_TOKEN_CHARACTERS, NewDeviceRequest, SecurityTokenPolicy
from certinel.domain.role import Principal
from certinel.domain.user_account import UserAccount
from certinel.services import audit, features, option_values, tenant_limits
from certinel.services.new_device_requests import NewDeviceRequestNotFoundError
from certinel.services.platform import Platform
from certinel.storage import device_groups, external_ids, managed_objects, new_device_requests, tenants, users
from certinel.storage.engine import Transaction
from certinel.storage.managed_objects import NewManagedObject

PASSWORD_CHARACTERS: Final = 32
"""Letters and digits, 190 random bits: as many characters as the contract allows a device's password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRequest:
    """A device that asks for its credentials."""

    bootstrap: Principal
    """The user with whose password it asks."""
    device: str
    security_token: str | None = field(default=None, repr=False)
    host: str = ""
    """The host name that the device used, perhaps with a port: a tenant's own domain means that tenant."""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCredentials:
    """What a device proves from now on who it is with."""

    tenant: TenantId
    device: DeviceId
    password: str = field(repr=False)

    @property
    def user_name(self) -> str:
        """The user that the device acts as."""
        return device_user_name(self.device)


async def collect(platform: Platform, asked: CredentialsRequest) -> DeviceCredentials:
    """Hand out the credentials of a device that was accepted; whoever asks after that gets nothing.

    Asking for the first time makes the request one that can be accepted. Of several tenants that expect a device of
    this name, each is asked; the one that expected it first and has accepted it gets it.

    Raises:
        NewDeviceRequestNotFoundError: nobody expects the device, nobody has accepted it yet, or the token is wrong.
        TooManyAttemptsError: it asks too often, or with too many wrong tokens.
        DeviceLimitReachedError: the tenant has as many devices as it may have.
    """
    platform.bootstrap_polls.begin(asked.bootstrap.tenant, asked.device, asked.address, platform.clock.now())
    found = await _requests_for(platform, asked)
    if not found:
        raise NewDeviceRequestNotFoundError(asked.device)
    ready = next((one for one, policy in found if one.is_ready and _knows_token(platform, asked, one, policy)), None)
    if ready is None:
        news = [one for one, policy in found if one.heard(_token(asked), policy) != one]
        await _note_that_it_asked(platform, asked, news)
        raise NewDeviceRequestNotFoundError(asked.device)
    password = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(PASSWORD_CHARACTERS))
    password_hash = await platform.passwords.hash(password)
    async with platform.database.transaction() as tx:
        await _hand_out(tx, platform, asked, ready, password_hash)
    return DeviceCredentials(tenant=ready.tenant, device=ready.device, password=password)


async def _requests_for(
    platform: Platform, asked: CredentialsRequest
) -> list[tuple[NewDeviceRequest, SecurityTokenPolicy]]:
    if not asked.device.isprintable():
        return []
    async with platform.database.reading() as tx:
        tenant: TenantId | None = asked.bootstrap.tenant
        if tenant == MANAGEMENT_TENANT:
            domain = asked.host.partition(":")[0]
            by_domain = await tenants.find_by_domain(tx, domain) if domain and domain.isprintable() else None
            tenant = by_domain.id if by_domain is not None else None
        found = await new_device_requests.of_device(tx, DeviceId(asked.device), tenant)
        return [
            (one, await option_values.security_token_policy(tx, one.tenant))
            for one in found
            if (owner := await tenants.find(tx, one.tenant)) is not None
            and owner.is_active
            and await features.is_active(tx, one.tenant, PASSWORD_DEVICES)
        ]


def _token(asked: CredentialsRequest) -> str | None:
    """Return the token; one that is too long is none that anybody could type."""
    token = asked.security_token
    return token if token and len(token) <= MAX_SECURITY_TOKEN_CHARACTERS and token.isprintable() else None


def _knows_token(
    platform: Platform, asked: CredentialsRequest, request: NewDeviceRequest, policy: SecurityTokenPolicy
) -> bool:
    """Compare the token, a few times only: tokens are short."""
    if policy is SecurityTokenPolicy.IGNORED:
        return True
    if not request.asks_for_token:
        return policy is SecurityTokenPolicy.OPTIONAL
    who = (request.tenant, f"registration of {request.device}", asked.address)
    platform.login_attempts.begin(*who, platform.clock.now())
    is_right = request.is_token(_token(asked))
    if is_right:
        platform.login_attempts.give_back(*who)
    return is_right


async def _note_that_it_asked(platform: Platform, asked: CredentialsRequest, requests: list[NewDeviceRequest]) -> None:
    if not requests:
        return
    async with platform.database.transaction() as tx:
        for one in requests:
            policy = await option_values.security_token_policy(tx, one.tenant)
            current = await new_device_requests.find_to_change(tx, one.tenant, one.device)
            if current is not None:
                await new_device_requests.put(tx, current.heard(_token(asked), policy))


async def _hand_out(
    tx: Transaction, platform: Platform, asked: CredentialsRequest, ready: NewDeviceRequest, password_hash: str
) -> None:
    """Give the device its user and its password; the request has served its purpose."""
    current = await new_device_requests.find_to_change(tx, ready.tenant, ready.device)
    if current != ready:  # somebody else collected them, or it was removed, a moment ago
        raise NewDeviceRequestNotFoundError(asked.device)
    at, tenant = platform.clock.now(), ready.tenant
    name = device_user_name(ready.device)
    known = await users.find(tx, tenant, name)
    if known is not None and known.password_hash is None:  # it came with a certificate meanwhile
        raise NewDeviceRequestNotFoundError(asked.device)
    if known is None:
        await tenant_limits.check_room_for_devices(tx, tenant)
        account = replace(UserAccount.of_device(tenant, ready.device, at), password_hash=password_hash)
        if not await users.insert_if_absent(tx, account):
            raise NewDeviceRequestNotFoundError(asked.device)
        tx.after_commit(platform.bus.publish, DevicesRegistered(tenant, frozenset({name})))
    else:
        await users.set_password_hashes(tx, tenant, {name: password_hash})
        tx.after_commit(platform.bus.publish, CredentialsChanged(tenant, name))
    await _store_object(tx, platform, ready)
    await new_device_requests.remove(tx, tenant, ready.device)
    audit.record(
        tx,
        AuditEntry(
            tenant=tenant,
            by=Actor.of_device(tenant, name),
            type=AuditType.USER,
            source=name,
            activity=f"User {'registered' if known is None else 'credentials updated'}: '{name}'.",
            text=f"User: '{name}'.\n Kind='DEVICE', by single registration, collected from '{asked.address}'",
            time=at,
            recorded_at=at,
        ),
    )


async def _store_object(tx: Transaction, platform: Platform, request: NewDeviceRequest) -> None:
    """Make the device's object where the request says something about it; otherwise the device makes it itself."""
    if not (request.group or request.name or request.type or request.fragments):
        return
    known = await external_ids.get(tx, request.tenant, SERIAL, request.device)
    number = known.managed_object if known is not None else await _new_object(tx, platform, request)
    if request.group is not None and await managed_objects.get(tx, request.tenant, request.group) is not None:
        await device_groups.put_in(tx, request.tenant, [(request.group, number)])


async def _new_object(tx: Transaction, platform: Platform, request: NewDeviceRequest) -> ManagedObjectId:
    fragments: dict[str, Any] = {**request.fragments, DEVICE_FRAGMENT: {}}
    fragments.setdefault(AGENT_FRAGMENT, {})
    new = NewManagedObject(
        tenant=request.tenant,
        name=request.name or request.device,
        type=request.type,
        owner=device_user_name(request.device),
        created_at=platform.clock.now(),
        fragments=fragments,
    )
    (number,) = await managed_objects.create(tx, [new])
    external_ids.add(tx, request.tenant, ExternalId(SERIAL, request.device, number))
    return number
