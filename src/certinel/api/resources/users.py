"""The user who is calling, and how users, groups and roles look."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Self

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, Received
from certinel.api.routing import router as router_for
from certinel.domain.role import ROLES_OF_GROUP, Role
from certinel.domain.user_account import UserAccount
from certinel.services import user_administration, users

CURRENT: Final = "/user/currentUser"

router = router_for("users")


class RoleAnswer(Answer):
    """A right."""

    id: str
    name: str
    self: str

    @classmethod
    def of(cls, role: Role, request: Request) -> Self:
        """Describe ``role``."""
        return cls(id=role, name=role, self=link(request, "user", "roles", role))


class RoleReference(Answer):
    """A role as a member of a list."""

    role: RoleAnswer
    self: str


class RoleReferences(Answer):
    """Roles that a group or a user has."""

    references: list[RoleReference]
    self: str


class GroupAnswer(Answer):
    """A group with the roles its members have."""

    id: str
    name: str
    roles: RoleReferences
    self: str


class GroupReference(Answer):
    """A group as a member of a list."""

    group: GroupAnswer
    self: str


class GroupReferences(Answer):
    """The groups a user is in."""

    references: list[GroupReference]
    self: str


class UserProfile(BaseModel):
    """What a person says of itself."""

    model_config = ConfigDict(alias_generator=to_camel)

    display_name: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None

    @property
    def profile(self) -> dict[str, str | None]:
        """The same, by the names of the contract."""
        return {to_camel(name): getattr(self, name) for name in UserProfile.model_fields}


class CurrentUserUpdate(UserProfile):
    """What is to be different; fields that are left out stay as they are."""


class OwnPasswordUpdate(Received):
    """The password there is, and another one."""

    current_user_password: SecretStr
    new_password: SecretStr


class CurrentUserAnswer(UserProfile, Answer):
    """The caller, in both of the contract's forms at once."""

    id: str
    user_name: str
    self: str
    enabled: bool
    effective_roles: list[RoleAnswer] = Field(description="All roles, through whatever group.")
    device_permissions: dict[str, Any] = Field(default_factory=dict)
    should_reset_password: bool = False
    two_factor_authentication_enabled: bool = False
    groups: GroupReferences
    roles: RoleReferences = Field(description="Roles held without a group; there are none.")
    applications: list[dict[str, Any]] = Field(default_factory=list)

    @classmethod
    def of(cls, user: UserAccount, request: Request) -> Self:
        """Describe ``user``."""
        path = ("user", user.tenant, "users", user.name)
        return cls(
            id=user.name,
            user_name=user.name,
            **user.profile,
            self=link(request, *path),
            enabled=user.is_enabled,
            effective_roles=[RoleAnswer.of(role, request) for role in sorted(user.principal.roles)],
            groups=GroupReferences(
                references=[group_reference(user.tenant, group, request) for group in sorted(user.groups)],
                self=link(request, *path, "groups"),
            ),
            roles=_roles((), request, *path, "roles"),
        )


def group_reference(tenant: str, group: str, request: Request) -> GroupReference:
    """Describe a group of ``tenant``."""
    path = ("user", tenant, "groups", group)
    roles = sorted(ROLES_OF_GROUP.get(group, frozenset()))
    answer = GroupAnswer(id=group, name=group, roles=_roles(roles, request, *path, "roles"), self=link(request, *path))
    return GroupReference(group=answer, self=answer.self)


def _roles(roles: Iterable[Role], request: Request, *path: str) -> RoleReferences:
    answers = [RoleAnswer.of(role, request) for role in roles]
    return RoleReferences(
        references=[RoleReference(role=answer, self=answer.self) for answer in answers], self=link(request, *path)
    )


@router.get(
    CURRENT,
    dependencies=[requires(Role.USER_MANAGEMENT_OWN_READ)],
    responses=represented_as("currentuser", "user"),
)
async def get_current_user(request: Request, platform: Served, principal: Caller) -> CurrentUserAnswer:
    """Return the caller with groups and roles."""
    async with platform.database.reading() as tx:
        user = await users.get(tx, principal.tenant, principal.user_name)
    return CurrentUserAnswer.of(user, request)


@router.put(
    CURRENT,
    dependencies=[requires(Role.USER_MANAGEMENT_OWN_ADMIN)],
    responses=represented_as("currentuser", "user"),
)
async def update_current_user(
    request: Request,
    platform: Served,
    principal: Caller,
    update: Annotated[CurrentUserUpdate, Depends(JsonBody(CurrentUserUpdate))],
) -> CurrentUserAnswer:
    """Change what the caller says of itself; name, groups and password are not changed here."""
    async with platform.database.transaction() as tx:
        user = await user_administration.describe_oneself(tx, platform, principal, update.profile)
    return CurrentUserAnswer.of(user, request)


@router.put(
    CURRENT + "/password",
    dependencies=[requires(Role.USER_MANAGEMENT_OWN_ADMIN)],
    status_code=204,
    responses=documented_error(422, 429),
)
async def update_own_password(
    request: Request,
    platform: Served,
    principal: Caller,
    update: Annotated[OwnPasswordUpdate, Depends(JsonBody(OwnPasswordUpdate))],
) -> None:
    """Give the caller another password; everything signed in with the one before ends, this call's token too."""
    await user_administration.change_own_password(
        platform,
        principal,
        request.client.host if request.client else "",
        update.current_user_password.get_secret_value(),
        update.new_password.get_secret_value(),
    )
