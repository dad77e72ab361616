"""What a new platform begins with."""

import asyncio

import pytest

from certinel.domain.identifiers import TenantId
from certinel.domain.role import Role
from certinel.services import first_start, signing_keys, tenants, tokens
from certinel.services.authentication import PasswordCredentials, by_password
from certinel.services.first_start import Beginnings
from certinel.services.key_rotation import KeySchedule
from certinel.services.platform import Platform, PlatformOptions
from certinel.services.secrets import SealedSecretUnreadableError, Sealer
from certinel.services.signing_keys import SigningAlgorithm
from certinel.storage import tenants as stored_tenants
from certinel.storage.engine import Database
from support.clock import START, MovableClock
from support.platforms import SEALING_KEY, begin, quick_passwords, started_platform


def beginnings(given_password: str | None = None) -> Beginnings:
    return Beginnings(passwords=quick_passwords(), sealer=Sealer(SEALING_KEY), given_password=given_password)


async def test_an_empty_database_gets_the_management_tenant_and_t1000(database: Database) -> None:
    async with database.transaction() as tx:
        await first_start.prepare(tx, beginnings(), START)
    async with database.reading() as tx:
        assert [tenant.id for tenant in await stored_tenants.all_of_them(tx)] == ["management", "t1000"]


async def test_the_administrators_log_in_with_the_generated_password(database: Database) -> None:
    async with database.transaction() as tx:
        made = await first_start.prepare(tx, beginnings(), START)
    assert made is not None
    assert made.was_generated
    assert len(made.password) == 24
    platform = await Platform.load(database, MovableClock(), Sealer(SEALING_KEY), quick_passwords(), PlatformOptions())
    for tenant in made.tenants:
        credentials = PasswordCredentials(tenant=tenant, user_name=made.user_name, password=made.password)
        principal = await by_password(platform, credentials)
        assert principal.has_any(Role.TENANT_ADMIN)


async def test_a_given_password_is_taken_and_not_generated(database: Database) -> None:
    async with database.transaction() as tx:
        made = await first_start.prepare(tx, beginnings("given by the operator"), START)
    assert made is not None
    assert (made.password, made.was_generated) == ("given by the operator", False)


async def test_a_second_start_changes_nothing(database: Database) -> None:
    platform = await started_platform(database)
    async with database.reading() as tx:
        before = await tokens.public_keys(tx, START)
    async with database.transaction() as tx:
        assert await first_start.prepare(tx, beginnings("another password"), START) is None
    async with database.reading() as tx:
        assert await tokens.public_keys(tx, START) == before
    restarted = await Platform.load(database, MovableClock(), Sealer(SEALING_KEY), quick_passwords(), PlatformOptions())
    assert (restarted.trust.tenant(TenantId("t1000"))) == platform.trust.tenant(TenantId("t1000"))


async def test_a_start_that_fails_leaves_the_database_empty(database: Database) -> None:
    async def fail_after_preparing() -> None:
        async with database.transaction() as tx:
            await first_start.prepare(tx, beginnings(), START)
            raise RuntimeError("as meant by the test")

    with pytest.raises(RuntimeError):
        await fail_after_preparing()
    async with database.transaction() as tx:
        assert await first_start.prepare(tx, beginnings(), START) is not None


async def test_another_algorithm_gets_a_key_of_its_own_and_the_old_one_stays(database: Database) -> None:
    clock = MovableClock()
    await begin(database, quick_passwords(), clock)
    await begin(
        database, quick_passwords(), clock, options=PlatformOptions(keys=KeySchedule(algorithm=SigningAlgorithm.RS256))
    )
    async with database.reading() as tx:
        assert {key["alg"] for key in (await tokens.public_keys(tx, START))["keys"]} == {"ES256", "RS256"}


async def test_the_published_keys_hold_nothing_private(database: Database) -> None:
    await started_platform(database)
    async with database.reading() as tx:
        (key,) = (await tokens.public_keys(tx, START))["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


async def test_signing_keys_do_not_open_with_another_node_key(database: Database) -> None:
    await started_platform(database)
    async with database.reading() as tx:
        with pytest.raises(SealedSecretUnreadableError):
            await signing_keys.load(tx, Sealer(bytes(32)), START)


async def test_an_unknown_tenant_is_not_found(database: Database) -> None:
    await started_platform(database)
    async with database.reading() as tx:
        for name in ("t404", "", "t\0", "t1000 "):
            with pytest.raises(tenants.TenantNotFoundError):
                await tenants.get(tx, TenantId(name))


async def test_of_nodes_that_start_at_once_one_begins_and_all_share_its_key(database: Database) -> None:
    made = await asyncio.gather(*(begin(database, quick_passwords(), MovableClock()) for _ in range(4)))
    assert sum(one is not None for one in made) == 1
    async with database.reading() as tx:
        assert len((await tokens.public_keys(tx, START))["keys"]) == 1


async def test_nodes_that_start_at_once_with_another_algorithm_share_the_new_key(database: Database) -> None:
    await begin(database, quick_passwords(), MovableClock())
    options = PlatformOptions(keys=KeySchedule(algorithm=SigningAlgorithm.RS256))
    await asyncio.gather(*(begin(database, quick_passwords(), MovableClock(), options=options) for _ in range(3)))
    async with database.reading() as tx:
        assert sorted(key["alg"] for key in (await tokens.public_keys(tx, START))["keys"]) == ["ES256", "RS256"]
