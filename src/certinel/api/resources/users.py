"""The user who is calling, and how users, groups and roles look."""

from collections.abc import Iterable
from typing import Any, Self

from fastapi import Request
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.negotiation import represented_as
from certinel.api.pagination import link
from certinel.api.platform_of import Served
from certinel.api.representation import Answer
from certinel.api.routing import router as router_for
from certinel.domain.role import ROLES_OF_GROUP, Role
from certinel.domain.user_account import UserAccount
from certinel.services import users

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


class CurrentUserAnswer(Answer):
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
    "/user/currentUser",
    dependencies=[requires(Role.USER_MANAGEMENT_OWN_READ)],
    responses=represented_as("currentuser", "user"),
)
async def get_current_user(request: Request, platform: Served, principal: Caller) -> CurrentUserAnswer:
    """Return the caller with groups and roles."""
    async with platform.database.reading() as tx:
        user = await users.get(tx, principal.tenant, principal.user_name)
    return CurrentUserAnswer.of(user, request)
