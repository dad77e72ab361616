"""Nobody gives or takes more rights than they hold."""

import pytest

from certinel.domain.identifiers import TenantId
from certinel.domain.role import ADMINS, READERS, Principal, Role, UserKind
from certinel.domain.user_account import UserAccount
from certinel.services import user_administration
from certinel.services.platform import Platform
from certinel.services.user_administration import BeyondOwnRightsError, LastAdministratorError, UserChange
from certinel.storage.page import PageRequest
from certinel.storage.users import UserFilter
from support.clock import START

T1 = TenantId("t1000")
CLERK = Principal(T1, "clerk", UserKind.PERSON, frozenset({Role.USER_MANAGEMENT_ADMIN, Role.USER_MANAGEMENT_READ}))
ADMINISTRATOR = Principal(T1, "admin", UserKind.PERSON, frozenset(Role))


def person(name: str, *groups: str) -> UserAccount:
    return UserAccount.of_person(T1, name, groups=frozenset(groups), created_at=START, password_hash="x")


async def create(platform: Platform, account: UserAccount, by: Principal = ADMINISTRATOR) -> None:
    async with platform.database.transaction() as tx:
        await user_administration.create(tx, platform, account, by)


async def test_who_holds_less_cannot_give_more(platform: Platform) -> None:
    await create(platform, person("clerk"))
    with pytest.raises(BeyondOwnRightsError):
        await create(platform, person("anna", READERS), CLERK)
    for group in (ADMINS, READERS):
        with pytest.raises(BeyondOwnRightsError):
            async with platform.database.transaction() as tx:
                await user_administration.put_into_group(tx, platform, T1, "clerk", group, CLERK)


async def test_who_holds_less_cannot_change_who_holds_more(platform: Platform) -> None:
    await create(platform, person("second", ADMINS))
    for change in (UserChange(password_hash="y"), UserChange(is_enabled=False)):
        with pytest.raises(BeyondOwnRightsError):
            async with platform.database.transaction() as tx:
                await user_administration.update(tx, platform, T1, "admin", change, CLERK)
    with pytest.raises(BeyondOwnRightsError):
        async with platform.database.transaction() as tx:
            await user_administration.delete(tx, platform, T1, "admin", CLERK)


async def test_who_holds_less_changes_those_who_hold_no_more(platform: Platform) -> None:
    await create(platform, person("anna"), CLERK)
    async with platform.database.transaction() as tx:
        change = UserChange(is_enabled=False)
        assert not (await user_administration.update(tx, platform, T1, "anna", change, CLERK)).is_enabled


async def test_last_administrator_stays(platform: Platform) -> None:
    await create(platform, person("reader", READERS))
    with pytest.raises(LastAdministratorError):
        async with platform.database.transaction() as tx:
            await user_administration.delete(tx, platform, T1, "admin", ADMINISTRATOR)
    await create(platform, person("second", ADMINS))
    async with platform.database.transaction() as tx:
        await user_administration.delete(tx, platform, T1, "admin", ADMINISTRATOR)


async def test_users_are_found_by_group_and_by_name(platform: Platform) -> None:
    await create(platform, person("a_b", READERS))
    await create(platform, person("axb", READERS, ADMINS))

    async def names(wanted: UserFilter) -> list[str]:
        async with platform.database.reading() as tx:
            page = await user_administration.list_of(tx, T1, wanted, PageRequest(page_size=10))
        return [user.name for user in page.items]

    assert await names(UserFilter(groups=frozenset({READERS}))) == ["a_b", "axb"]
    assert await names(UserFilter(groups=frozenset({ADMINS}))) == ["admin", "axb"]
    assert await names(UserFilter(name_prefix="a_")) == ["a_b"]
    assert await names(UserFilter(kind=UserKind.DEVICE)) == []
