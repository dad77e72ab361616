"""Who is calling, by password."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import argon2
import pytest
from typing_extensions import override

from certinel.domain.identifiers import MANAGEMENT_TENANT, DeviceId, TenantId
from certinel.domain.role import ADMINS, READERS, Principal, Role, UserKind
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.domain.user_account import UserAccount
from certinel.services import users
from certinel.services.authentication import PasswordCredentials, WrongCredentialsError, by_password
from certinel.services.login_attempts import PER_USER, TooManyAttemptsError
from certinel.services.passwords import Passwords
from certinel.services.platform import Platform
from certinel.storage import tenants as stored_tenants
from certinel.storage import users as stored_users
from certinel.storage.engine import Database
from support.clock import START, MovableClock
from support.platforms import ADMIN_PASSWORD, started_platform

PATIENCE_SECONDS = 10
T1 = TenantId("t1000")
T2 = TenantId("t2000")


def credentials(
    tenant: str | None, user_name: str, password: str = ADMIN_PASSWORD, host: str = "", address: str = "10.0.0.1"
) -> PasswordCredentials:
    return PasswordCredentials(
        tenant=TenantId(tenant) if tenant is not None else None,
        user_name=user_name,
        password=password,
        host=host,
        address=address,
    )


async def add_tenant(platform: Platform, tenant: Tenant) -> None:
    async with platform.database.transaction() as tx:
        await stored_tenants.insert_if_absent(tx, tenant)


async def add_person(platform: Platform, tenant: TenantId, name: str, groups: Sequence[str] = (ADMINS,)) -> UserAccount:
    account = UserAccount(
        tenant=tenant,
        name=name,
        kind=UserKind.PERSON,
        groups=frozenset(groups),
        created_at=START,
        password_hash=await platform.passwords.hash(f"password of {name}"),
    )
    async with platform.database.transaction() as tx:
        await stored_users.insert_if_absent(tx, account)
    return account


async def test_an_administrator_has_the_roles_of_administrators(platform: Platform) -> None:
    principal = await by_password(platform, credentials("t1000", "admin"))
    assert (principal.tenant, principal.user_name, principal.kind) == (T1, "admin", UserKind.PERSON)
    assert principal.has_any(Role.TENANT_ADMIN)
    assert not principal.has_any(Role.DEVICE)


async def test_a_reader_has_the_roles_of_readers(platform: Platform) -> None:
    await add_person(platform, T1, "eve", [READERS])
    principal = await by_password(platform, credentials("t1000", "eve", "password of eve"))
    assert principal.has_any(Role.INVENTORY_READ)
    assert not principal.has_any(Role.INVENTORY_ADMIN)


async def test_the_named_tenant_counts_whatever_the_host(platform: Platform) -> None:
    await add_tenant(platform, Tenant(id=T2, domain="two.example.org", created_at=START))
    principal = await by_password(platform, credentials("management", "admin", host="two.example.org"))
    assert principal.tenant == MANAGEMENT_TENANT


async def test_without_a_tenant_the_only_ordinary_one_is_meant(platform: Platform) -> None:
    assert (await by_password(platform, credentials(None, "admin", host="localhost:8443"))).tenant == T1


@pytest.mark.parametrize("host", ["two.example.org", "TWO.example.org", "two.example.org:8443"])
async def test_without_a_tenant_the_host_name_decides(platform: Platform, host: str) -> None:
    await add_tenant(platform, Tenant(id=T2, domain="Two.Example.org", created_at=START))
    await add_person(platform, T2, "eve")
    principal = await by_password(platform, credentials(None, "eve", "password of eve", host))
    assert principal == Principal(T2, "eve", UserKind.PERSON, principal.roles)


async def test_without_a_tenant_and_with_several_to_choose_from_nobody_is_meant(platform: Platform) -> None:
    await add_tenant(platform, Tenant(id=T2, created_at=START))
    with pytest.raises(WrongCredentialsError):
        await by_password(platform, credentials(None, "admin"))


@pytest.mark.parametrize(
    ("tenant", "user_name", "password"),
    [
        ("t1000", "admin", "wrong"),
        ("t1000", "admin", ""),
        ("t1000", "Admin", ADMIN_PASSWORD),
        ("t1000", "nobody", ADMIN_PASSWORD),
        ("t404", "admin", ADMIN_PASSWORD),
        ("", "admin", ADMIN_PASSWORD),
        ("t\0", "admin", ADMIN_PASSWORD),
        ("t1000", "a\0", ADMIN_PASSWORD),
        ("t1000", "\ud800", "\ud800"),
        ("t1000", "", ""),
    ],
)
async def test_wrong_credentials_of_every_kind_get_one_answer(
    platform: Platform, tenant: str, user_name: str, password: str
) -> None:
    with pytest.raises(WrongCredentialsError) as refusal:
        await by_password(platform, credentials(tenant, user_name, password))
    assert str(refusal.value) == "Invalid credentials! : Bad credentials"


async def test_a_disabled_user_is_refused_even_if_its_password_was_right_a_moment_ago(platform: Platform) -> None:
    await by_password(platform, credentials("t1000", "admin"))
    async with platform.database.transaction() as tx:
        await users.set_enabled(tx, platform, T1, "admin", is_enabled=False)
    with pytest.raises(WrongCredentialsError):
        await by_password(platform, credentials("t1000", "admin"))


async def test_a_user_of_a_suspended_tenant_is_refused(platform: Platform) -> None:
    await by_password(platform, credentials("t1000", "admin"))
    async with platform.database.transaction() as tx:
        await stored_tenants.save(tx, Tenant(id=T1, status=TenantStatus.SUSPENDED, created_at=START))
    with pytest.raises(WrongCredentialsError):
        await by_password(platform, credentials("t1000", "admin"))


async def test_a_changed_password_takes_effect_at_once(platform: Platform) -> None:
    account = await add_person(platform, T1, "eve")
    await by_password(platform, credentials("t1000", "eve", "password of eve"))
    async with platform.database.transaction() as tx:
        await stored_users.save(tx, replace(account, password_hash=await platform.passwords.hash("new")))
    with pytest.raises(WrongCredentialsError):
        await by_password(platform, credentials("t1000", "eve", "password of eve"))
    await by_password(platform, credentials("t1000", "eve", "new"))


async def test_a_device_user_has_no_password(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await users.register_device(tx, platform.bus, T1, DeviceId("pump-7"), START)
    for password in ("", "None", "device_pump-7"):
        with pytest.raises(WrongCredentialsError):
            await by_password(platform, credentials("t1000", "device_pump-7", password))


async def test_guessing_is_slowed_down_for_unknown_users_too(platform: Platform) -> None:
    for user_name in ("admin", "nobody"):
        for number in range(PER_USER.at_once):
            with pytest.raises(WrongCredentialsError):
                await by_password(platform, credentials("t1000", user_name, f"guess {number}", address=user_name))
        with pytest.raises(TooManyAttemptsError):
            await by_password(platform, credentials("t1000", user_name, "one more", address=user_name))


async def test_naming_the_tenant_or_not_gives_no_further_guesses(platform: Platform) -> None:
    for number in range(PER_USER.at_once):
        with pytest.raises(WrongCredentialsError):
            await by_password(platform, credentials("t1000" if number % 2 else None, "admin", f"guess {number}"))
    with pytest.raises(TooManyAttemptsError):
        await by_password(platform, credentials(None, "admin", "one more"))


async def test_many_guesses_at_once_do_not_get_past_the_limit(platform: Platform) -> None:
    guesses = [by_password(platform, credentials("t1000", "admin", f"guess {number}")) for number in range(40)]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(result, WrongCredentialsError) for result in results) == PER_USER.at_once
    assert sum(isinstance(result, TooManyAttemptsError) for result in results) == 40 - PER_USER.at_once


async def test_whoever_logged_in_lately_is_not_locked_out_by_a_guesser(platform: Platform) -> None:
    await by_password(platform, credentials("t1000", "admin"))
    for number in range(2 * PER_USER.at_once):
        with pytest.raises((WrongCredentialsError, TooManyAttemptsError)):
            await by_password(platform, credentials("t1000", "admin", f"guess {number}", address="10.6.6.6"))
    await by_password(platform, credentials("t1000", "admin"))


async def test_after_the_wait_the_right_password_lets_in_again(platform: Platform, clock: MovableClock) -> None:
    for number in range(PER_USER.at_once):
        with pytest.raises(WrongCredentialsError):
            await by_password(platform, credentials("t1000", "admin", f"guess {number}"))
    clock.move(PER_USER.one_per + timedelta(seconds=1))
    await by_password(platform, credentials("t1000", "admin"))


async def test_many_calls_at_once_with_the_right_password_all_get_in(platform: Platform) -> None:
    calls = [by_password(platform, credentials("t1000", "admin")) for _ in range(100)]
    principals = await asyncio.gather(*calls)
    assert {principal.user_name for principal in principals} == {"admin"}


def test_repr_does_not_show_the_password() -> None:
    assert ADMIN_PASSWORD not in repr(credentials("t1000", "admin"))


class CountingHasher(argon2.PasswordHasher):
    """Counts what takes the time."""

    checks = 0

    @override
    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.checks += 1
        return super().verify(hash, password)


@pytest.mark.parametrize(
    ("tenant", "user"),
    [
        ("t1000", "admin"),
        ("t1000", "nobody"),
        ("t1000", "disabled"),
        ("t1000", "device_pump-7"),
        ("t9999", "admin"),
        ("management", "devicebootstrap"),
        (None, "nobody"),
        ("t1000", "\0"),
    ],
)
async def test_every_wrong_credential_costs_exactly_one_hash(
    database: Database, clock: MovableClock, tenant: str | None, user: str
) -> None:
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    platform = replace(await started_platform(database, clock), passwords=Passwords(hasher))
    stored = await platform.passwords.hash("the right one")
    async with platform.database.transaction() as tx:
        await stored_users.insert_if_absent(tx, UserAccount.of_device(T1, DeviceId("pump-7"), START))
        person = UserAccount.of_person(
            T1, "disabled", groups=frozenset(), created_at=START, password_hash=stored, is_enabled=False
        )
        await stored_users.insert_if_absent(tx, person)
    with pytest.raises(WrongCredentialsError):
        await by_password(platform, credentials(tenant, user, "wrong"))
    assert hasher.checks == 1


class SlowHasher(argon2.PasswordHasher):
    """Says when it has begun with a password, and goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.begun, self.go_on = threading.Event(), threading.Event()

    @override
    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.begun.set()
        self.go_on.wait(PATIENCE_SECONDS)
        return super().verify(hash, password)


async def tenant_suspended(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await stored_tenants.save(tx, Tenant(id=T1, status=TenantStatus.SUSPENDED, created_at=START))


async def user_disabled(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        account = await users.get(tx, T1, "admin")
        await stored_users.save(tx, replace(account, is_enabled=False))


async def password_changed(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        account = await users.get(tx, T1, "admin")
        await stored_users.save(tx, replace(account, password_hash=await platform.passwords.hash("another password")))


@pytest.mark.parametrize("change", [tenant_suspended, user_disabled, password_changed])
async def test_right_that_is_lost_while_the_password_is_checked_is_lost(
    database: Database, change: Callable[[Platform], Awaitable[None]]
) -> None:
    hasher = SlowHasher()
    platform = replace(await started_platform(database), passwords=Passwords(hasher))
    calling = asyncio.create_task(by_password(platform, credentials("t1000", "admin")))
    assert await asyncio.to_thread(hasher.begun.wait, PATIENCE_SECONDS)
    await change(platform)
    hasher.go_on.set()
    with pytest.raises(WrongCredentialsError):
        await calling
