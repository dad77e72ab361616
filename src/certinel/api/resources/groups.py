"""Groups, their members, and roles."""

from typing import Annotated, Final
from urllib.parse import unquote

from fastapi import Depends, Request
from pydantic import Field

from certinel.api.authentication import Caller, requires
from certinel.api.json_body import JsonBody
from certinel.api.negotiation import represented_as
from certinel.api.pagination import Collection, Paging, envelope, link
from certinel.api.platform_of import Served
from certinel.api.problems import documented_error
from certinel.api.representation import Answer, Received
from certinel.api.resources.tenant_users import READERS, WRITERS, UserAnswer
from certinel.api.resources.users import GroupAnswer, GroupReference, RoleAnswer, group_reference
from certinel.api.routing import router as router_for
from certinel.api.tenant_of_path import OwnTenant
from certinel.domain.role import ROLES_OF_GROUP, Role
from certinel.services import user_administration, users
from certinel.storage.page import Page
from certinel.storage.users import UserFilter

router = router_for("groups")

ALL: Final = "/user/{tenant:segment}/groups"
ONE: Final = ALL + "/{group:segment}"
MEMBERS: Final = ONE + "/users"
OF_USER: Final = "/user/{tenant:segment}/users/{name:segment}/groups"


class Groups(Collection):
    """A page of groups, by name."""

    groups: list[GroupAnswer]


class GroupsOfUser(Collection):
    """A page of the groups that a user is in, by name."""

    references: list[GroupReference]


class Roles(Collection):
    """A page of roles, by name."""

    roles: list[RoleAnswer]


class UserReference(Answer):
    """A user as a member of a list."""

    user: UserAnswer
    self: str


class Members(Collection):
    """A page of the members of a group, by name."""

    references: list[UserReference]


class UserNamed(Received):
    """A user, by address or by name."""

    self: str = Field(default="", description="The address of the user, as it was answered.")
    id: str = Field(default="", description="Or its name.")


class Membership(Received):
    """Who is to be a member."""

    user: UserNamed

    @property
    def user_name(self) -> str:
        """The name of the user."""
        return self.user.id or unquote(self.user.self.rstrip("/").rpartition("/")[2])


@router.get(ALL, dependencies=[READERS], responses=represented_as("groupcollection") | documented_error(404, 422))
async def list_groups(request: Request, tenant: OwnTenant, paging: Paging) -> Groups:
    """List the groups; they are the same in every tenant."""
    names = sorted(ROLES_OF_GROUP)
    page = Page(tuple(names[paging.offset : paging.offset + paging.page_size]), paging, len(names))
    return Groups(
        groups=[group_reference(tenant, group, request).group for group in page.items], **envelope(request, page)
    )


@router.get(ONE, dependencies=[READERS], responses=represented_as("group") | documented_error(404))
async def get_group(request: Request, tenant: OwnTenant, group: str) -> GroupAnswer:
    """Return one group with its roles."""
    return group_reference(tenant, user_administration.check_group(group), request).group


@router.get(
    "/user/{tenant:segment}/groupByName/{group:segment}",
    dependencies=[READERS],
    responses=represented_as("group") | documented_error(404),
)
async def get_group_by_name(request: Request, tenant: OwnTenant, group: str) -> GroupAnswer:
    """Return one group by its name."""
    return group_reference(tenant, user_administration.check_group(group), request).group


@router.get(
    OF_USER, dependencies=[READERS], responses=represented_as("groupreferencecollection") | documented_error(404, 422)
)
async def list_groups_of_user(
    request: Request, platform: Served, tenant: OwnTenant, name: str, paging: Paging
) -> GroupsOfUser:
    """List the groups that a user is in."""
    async with platform.database.reading() as tx:
        names = sorted((await users.get(tx, tenant, name)).groups)
    page = Page(tuple(names[paging.offset : paging.offset + paging.page_size]), paging, len(names))
    return GroupsOfUser(
        references=[group_reference(tenant, group, request) for group in page.items], **envelope(request, page)
    )


@router.get(
    MEMBERS, dependencies=[READERS], responses=represented_as("userreferencecollection") | documented_error(404, 422)
)
async def list_members(request: Request, platform: Served, tenant: OwnTenant, group: str, paging: Paging) -> Members:
    """List the members of a group."""
    wanted = UserFilter(groups=frozenset({user_administration.check_group(group)}))
    async with platform.database.reading() as tx:
        page = await user_administration.list_of(tx, tenant, wanted, paging)
    answers = [UserAnswer.of(user, request) for user in page.items]
    references = [UserReference(user=answer, self=answer.self) for answer in answers]
    return Members(references=references, **envelope(request, page))


@router.post(
    MEMBERS,
    dependencies=[WRITERS],
    status_code=201,
    responses=represented_as("userreference", status=201) | documented_error(404),
)
async def add_member(
    *,
    request: Request,
    platform: Served,
    tenant: OwnTenant,
    principal: Caller,
    group: str,
    membership: Annotated[Membership, Depends(JsonBody(Membership))],
) -> UserReference:
    """Make a person a member; nobody can give more rights than they hold."""
    async with platform.database.transaction() as tx:
        user = await user_administration.put_into_group(tx, platform, tenant, membership.user_name, group, principal)
    return UserReference(
        user=UserAnswer.of(user, request), self=link(request, "user", tenant, "groups", group, "users", user.name)
    )


@router.delete(
    MEMBERS + "/{name:segment}", dependencies=[WRITERS], status_code=204, responses=documented_error(404, 409)
)
async def remove_member(platform: Served, tenant: OwnTenant, principal: Caller, group: str, name: str) -> None:
    """End a membership."""
    async with platform.database.transaction() as tx:
        await user_administration.take_out_of_group(tx, platform, tenant, name, group, principal)


@router.get(
    "/user/roles",
    dependencies=[requires(Role.USER_MANAGEMENT_READ, Role.USER_MANAGEMENT_ADMIN)],
    responses=represented_as("rolecollection") | documented_error(422),
)
async def list_roles(request: Request, paging: Paging) -> Roles:
    """List all roles."""
    names = sorted(Role)
    page = Page(tuple(names[paging.offset : paging.offset + paging.page_size]), paging, len(names))
    return Roles(roles=[RoleAnswer.of(role, request) for role in page.items], **envelope(request, page))
