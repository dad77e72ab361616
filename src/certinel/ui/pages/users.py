"""The people of a tenant: listed, added, let in or kept out, given passwords and groups, deleted."""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from certinel.domain.role import ADMINS, DEVICES, ROLES_OF_GROUP, UserKind
from certinel.domain.user_account import UserAccount
from certinel.services import user_administration, users
from certinel.services.user_administration import UserChange
from certinel.storage.page import PageRequest
from certinel.storage.users import UserFilter
from certinel.ui.forms import Form
from certinel.ui.rights import CHANGE_USERS, SEE_USERS
from certinel.ui.routing import FaultError, Pages
from certinel.ui.texts import ENGLISH
from certinel.ui.visit import Visit

pages = Pages()

PAGE_SIZE: Final = 50
GROUPS: Final = tuple(group for group in ROLES_OF_GROUP if group != DEVICES)
"""What people can be put into."""


def address_of(name: str) -> str:
    """Return the address of a user's page."""
    return f"/ui/users/{quote(name, safe='')}"


@pages.show("/users", SEE_USERS)
async def show_list(visit: Visit) -> Response:
    """List the people of the tenant."""
    wanted = UserFilter(kind=UserKind.PERSON, name_prefix=visit.query("q") or None)
    request = PageRequest(visit.page_number, PAGE_SIZE, with_total_elements=True)
    async with visit.platform.database.reading() as tx:
        page = await user_administration.list_of(tx, visit.session.tenant, wanted, request)
    return visit.page(
        "users/list.html",
        title=ENGLISH("users.title"),
        lead=ENGLISH("users.lead"),
        page=page,
        groups=GROUPS,
        may_change=visit.may(CHANGE_USERS),
        address_of=address_of,
    )


@pages.act("/users/add", CHANGE_USERS)
async def create(visit: Visit, form: Form) -> Response:
    """Add somebody."""
    platform, name = visit.platform, form.text("user")
    account = UserAccount.of_person(
        visit.session.tenant,
        name,
        groups=frozenset(group for group in form.lists.get("group", ()) if group in GROUPS),
        created_at=visit.now,
        password_hash=await platform.passwords.hash_new(form.whole_text("password")),
    )
    async with platform.database.transaction() as tx:
        await user_administration.create(tx, platform, account, visit.session.principal)
    return visit.go("/ui/users", "users.was-added", user=name)


@pages.show("/users/{name:path}/delete", CHANGE_USERS)
async def ask_to_delete(visit: Visit) -> Response:
    """Ask once."""
    user = await _person(visit)
    return visit.page(
        "users/delete.html", title=ENGLISH("users.delete-title", user=user.name), user=user, back=address_of(user.name)
    )


@pages.show("/users/{name:path}", SEE_USERS)
async def show_user(visit: Visit) -> Response:
    """Show one of the people, with what can be changed."""
    user = await _person(visit)
    return visit.page(
        "users/user.html",
        title=user.name,
        user=user,
        groups=GROUPS,
        roles=sorted(role.removeprefix("ROLE_") for group in user.groups for role in ROLES_OF_GROUP.get(group, ())),
        is_oneself=user.name == visit.session.principal.user_name,
        may_change=visit.may(CHANGE_USERS),
        here=address_of(user.name),
        administrators=ADMINS,
    )


@pages.act("/users/{name:path}/enabled", CHANGE_USERS)
async def set_enabled(visit: Visit, form: Form) -> Response:
    """Let somebody in, or keep somebody out."""
    is_enabled = form.text("enabled") == "true"
    name = await _change(visit, UserChange(is_enabled=is_enabled))
    return visit.go(address_of(name), "users.was-enabled" if is_enabled else "users.was-disabled", user=name)


@pages.act("/users/{name:path}/password", CHANGE_USERS)
async def set_password(visit: Visit, form: Form) -> Response:
    """Give somebody another password."""
    password = form.whole_text("password")
    if password != form.whole_text("password-again"):
        raise FaultError(ENGLISH("users.passwords-differ"))
    name = await _change(visit, UserChange(password_hash=await visit.platform.passwords.hash_new(password)))
    return visit.go(address_of(name), "users.password-changed", user=name)


@pages.act("/users/{name:path}/groups", CHANGE_USERS)
async def set_groups(visit: Visit, form: Form) -> Response:
    """Put somebody into the chosen groups, and take somebody out of the others."""
    user = await _person(visit)
    wanted = {group for group in form.lists.get("group", ()) if group in GROUPS}
    async with visit.platform.database.transaction() as tx:
        for group in GROUPS:
            where = (tx, visit.platform, user.tenant, user.name, group, visit.session.principal)
            if group in wanted - user.groups:
                await user_administration.put_into_group(*where)
            elif group in user.groups - wanted:
                await user_administration.take_out_of_group(*where)
    return visit.go(address_of(user.name), "users.groups-changed", user=user.name)


@pages.act("/users/{name:path}/delete", CHANGE_USERS)
async def delete(visit: Visit, _: Form) -> Response:
    """Remove somebody."""
    user = await _person(visit)
    async with visit.platform.database.transaction() as tx:
        await user_administration.delete(tx, visit.platform, user.tenant, user.name, visit.session.principal)
    return visit.go("/ui/users", "users.was-deleted", user=user.name)


async def _person(visit: Visit) -> UserAccount:
    name = visit.request.path_params["name"]
    async with visit.platform.database.reading() as tx:
        user = await users.get(tx, visit.session.tenant, name)
    if user.kind is not UserKind.PERSON:
        raise users.UserNotFoundError(name)
    return user


async def _change(visit: Visit, change: UserChange) -> str:
    user = await _person(visit)
    async with visit.platform.database.transaction() as tx:
        await user_administration.update(tx, visit.platform, user.tenant, user.name, change, visit.session.principal)
    return user.name
