"""The users of a tenant, people and devices."""

from collections.abc import Sequence
from typing import Annotated, Final, Self

from fastapi import Depends, Query, Request, Response
from pydantic import Field, SecretStr

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.numbered import number_of
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, ContractTime, Received
from certinel.api.resources.users import GroupReferences, UserProfile, group_reference
from certinel.api.routing import router as router_for
from certinel.api.tenant_of_path import OwnTenant
from certinel.domain.device import DeviceCertificate, device_of_user
from certinel.domain.managed_object import ManagedObjectId
from certinel.domain.role import Role, UserKind
from certinel.domain.user_account import UserAccount
from certinel.services import devices, inventory, user_administration, users
from certinel.services.user_administration import UserChange
from certinel.storage.users import UserFilter

router = router_for("users")

ALL: Final = "/user/{tenant:segment}/users"
ONE: Final = ALL + "/{name:segment}"
OF_OBJECT: Final = "/inventory/managedObjects/{id:segment}/user"
READERS: Final = requires(Role.USER_MANAGEMENT_READ, Role.USER_MANAGEMENT_ADMIN)
WRITERS: Final = requires(Role.USER_MANAGEMENT_ADMIN)


class UserCreation(UserProfile):
    """A new person; groups are given afterwards."""

    user_name: str
    password: SecretStr = Field(description="Never answered.")
    enabled: bool = True


class UserUpdate(UserProfile):
    """What is to be different; fields that are left out stay as they are."""

    enabled: bool | None = None
    password: SecretStr | None = Field(default=None, description="Ends everything signed in with the old one.")


class PasswordUpdate(Received):
    """A new password."""

    new_password: SecretStr


class DeviceUserUpdate(Received):
    """Whether the device is let in."""

    enabled: bool


class ProvisionedCertificate(Answer):
    """A certificate that a device was admitted with."""

    serial_number: str = Field(description="Hexadecimal.", pattern="^-?[0-9a-f]+$")
    not_before: ContractTime
    not_after: ContractTime


class UserAnswer(UserProfile, Answer):
    """A user of a tenant."""

    id: str
    user_name: str
    enabled: bool
    should_reset_password: bool = False
    two_factor_authentication_enabled: bool = False
    groups: GroupReferences
    provisioned_certificates: list[ProvisionedCertificate] | None = Field(
        default=None, description="Of a device user, with `withCertificates=true`: the last five by the time of issue."
    )
    self: str

    @classmethod
    def of(cls, user: UserAccount, request: Request, certificates: Sequence[DeviceCertificate] | None = None) -> Self:
        """Describe ``user``."""
        address = link(request, "user", user.tenant, "users", user.name)
        return cls(
            id=user.name,
            user_name=user.name,
            **user.profile,
            enabled=user.is_enabled,
            groups=GroupReferences(
                references=[group_reference(user.tenant, group, request) for group in sorted(user.groups)],
                self=f"{address}/groups",
            ),
            provisioned_certificates=[_provisioned(one) for one in certificates] if certificates is not None else None,
            self=address,
        )


class Users(Collection):
    """A page of users, by name."""

    users: list[UserAnswer]


class DeviceUserAnswer(Answer):
    """The user that a device acts as."""

    user_name: str
    enabled: bool
    self: str


@router.get(ALL, dependencies=[READERS], responses=represented_as("usercollection") | documented_error(404, 422))
async def list_users(  # noqa: PLR0913 - each one is a part of the request
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    paging: Paging,
    only_devices: Annotated[bool, Query(alias="onlyDevices", description="Device users only.")] = False,
    username: Annotated[str | None, Query(description="Users whose name begins so.")] = None,
    groups: Annotated[str | None, Query(description="Users in one of these groups: ids, separated by commas.")] = None,
) -> Users:
    """List the users of the tenant; all conditions must hold."""
    wanted = UserFilter(
        kind=UserKind.DEVICE if only_devices else None,
        name_prefix=username,
        groups=frozenset(groups.split(",")) if groups else None,
    )
    async with platform.database.reading() as tx:
        page = await user_administration.list_of(tx, tenant, wanted, paging)
    return Users(users=[UserAnswer.of(user, request) for user in page.items], **envelope(request, page))


@router.post(
    ALL,
    dependencies=[WRITERS],
    status_code=201,
    responses=represented_as("user", status=201) | documented_error(404, 409),
)
async def create_user(
    *,
    request: Request,
    response: Response,
    platform: Served,
    tenant: OwnTenant,
    principal: Caller,
    creation: Annotated[UserCreation, Depends(JsonBody(UserCreation))],
) -> UserAnswer:
    """Add a person, in no group."""
    account = UserAccount.of_person(
        tenant,
        creation.user_name,
        groups=frozenset(),
        created_at=platform.clock.now(),
        password_hash=await platform.passwords.hash_new(creation.password.get_secret_value()),
        is_enabled=creation.enabled,
    ).described(creation.profile)
    async with platform.database.transaction() as tx:
        made = await user_administration.create(tx, platform, account, principal)
    answer = UserAnswer.of(made, request)
    response.headers["Location"] = answer.self
    return answer


@router.get(ONE, dependencies=[READERS], responses=represented_as("user") | documented_error(404))
async def get_user(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    name: str,
    with_certificates: Annotated[
        bool, Query(alias="withCertificates", description="Show the certificates that a device was admitted with.")
    ] = False,
) -> UserAnswer:
    """Return one user."""
    async with platform.database.reading() as tx:
        user = await users.get(tx, tenant, name)
        certificates = None
        if with_certificates and user.kind is UserKind.DEVICE:
            certificates = await devices.provisioned_certificates(tx, tenant, device_of_user(user.name))
    return UserAnswer.of(user, request, certificates)


@router.put(ONE, dependencies=[WRITERS], responses=represented_as("user") | documented_error(404, 409))
async def update_user(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    principal: Caller,
    name: str,
    update: Annotated[UserUpdate, Depends(JsonBody(UserUpdate))],
) -> UserAnswer:
    """Enable or disable a user, or give a person another password."""
    new = update.password.get_secret_value() if update.password is not None else None
    change = UserChange(
        is_enabled=update.enabled,
        password_hash=await platform.passwords.hash_new(new) if new is not None else None,
        profile=update.profile,
    )
    async with platform.database.transaction() as tx:
        user = await user_administration.update(tx, platform, tenant, name, change, principal)
    return UserAnswer.of(user, request)


@router.put(ONE + "/password", dependencies=[WRITERS], responses=represented_as("user") | documented_error(404))
async def update_user_password(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    principal: Caller,
    name: str,
    update: Annotated[PasswordUpdate, Depends(JsonBody(PasswordUpdate))],
) -> UserAnswer:
    """Give a person another password; everything signed in with the old one ends. Refused for device users."""
    change = UserChange(password_hash=await platform.passwords.hash_new(update.new_password.get_secret_value()))
    async with platform.database.transaction() as tx:
        user = await user_administration.update(tx, platform, tenant, name, change, principal)
    return UserAnswer.of(user, request)


@router.delete(ONE, dependencies=[WRITERS], status_code=204, responses=documented_error(404, 409))
async def delete_user(platform: Served, tenant: OwnTenant, principal: Caller, name: str) -> None:
    """Remove a user; a connected device is disconnected."""
    async with platform.database.transaction() as tx:
        await user_administration.delete(tx, platform, tenant, name, principal)


@router.get(
    OF_OBJECT,
    dependencies=[requires(Role.INVENTORY_READ, Role.INVENTORY_ADMIN, or_device=True)],
    responses=represented_as("managedobjectuser") | documented_error(404),
)
async def get_device_user(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
) -> DeviceUserAnswer:
    """Return the device user that owns an object, and whether it is let in."""
    async with platform.database.reading() as tx:
        found = await inventory.get(tx, principal, ManagedObjectId(number_of(id)))
        user = await user_administration.device_user(tx, principal.tenant, found.owner)
    return _device_user(user, id, request)


@router.put(
    OF_OBJECT,
    dependencies=[requires(Role.USER_MANAGEMENT_ADMIN, Role.INVENTORY_ADMIN)],
    responses=represented_as("managedobjectuser") | documented_error(404),
)
async def update_device_user(
    request: Request,
    platform: Served,
    principal: Caller,
    id: str,  # noqa: A002 - the name in the path
    update: Annotated[DeviceUserUpdate, Depends(JsonBody(DeviceUserUpdate))],
) -> DeviceUserAnswer:
    """Let the device that owns an object in or keep it out; its session ends and its tokens are refused at once."""
    async with platform.database.transaction() as tx:
        found = await inventory.get(tx, principal, ManagedObjectId(number_of(id)))
        user = await user_administration.set_device_enabled(
            tx, platform, principal.tenant, found.owner, is_enabled=update.enabled, by=principal
        )
    return _device_user(user, id, request)


def _provisioned(certificate: DeviceCertificate) -> ProvisionedCertificate:
    return ProvisionedCertificate(
        serial_number=certificate.serial, not_before=certificate.not_before, not_after=certificate.not_after
    )


def _device_user(user: UserAccount, number: str, request: Request) -> DeviceUserAnswer:
    address = link(request, "inventory", "managedObjects", number, "user")
    return DeviceUserAnswer(user_name=user.name, enabled=user.is_enabled, self=address)
