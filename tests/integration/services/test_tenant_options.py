"""Options of a tenant, and what clients ask of the platform."""

import pytest
from sqlalchemy import select

from certinel.bus.messages import OptionChanged
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.role import Principal, Role, UserKind
from certinel.domain.tenant_option import ENCRYPTED, InvalidTenantOptionError, TenantOption
from certinel.services import system_options, tenant_options
from certinel.services.platform import Platform, PlatformOptions
from certinel.services.tenant_options import TenantOptionNotFoundError
from certinel.storage.engine import Database
from certinel.storage.page import PageRequest
from certinel.storage.tables import tenant_option
from support.platforms import started_platform

T1 = TenantId("t1000")


async def put(platform: Platform, category: str, key: str, value: str, tenant: TenantId = T1) -> TenantOption:
    async with platform.database.transaction() as tx:
        return await tenant_options.put(tx, platform, TenantOption(tenant, category, key, value))


async def get(platform: Platform, category: str, key: str, tenant: TenantId = T1) -> TenantOption:
    async with platform.database.reading() as tx:
        return await tenant_options.get(tx, tenant, category, key)


async def reveal(platform: Platform, category: str, key: str) -> str:
    async with platform.database.reading() as tx:
        return await tenant_options.reveal(tx, platform, T1, category, key)


async def delete(platform: Platform, category: str, key: str) -> None:
    async with platform.database.transaction() as tx:
        await tenant_options.delete(tx, platform, T1, category, key)


async def test_an_option_is_made_by_writing_it_and_changed_by_writing_it_again(platform: Platform) -> None:
    await put(platform, "configuration", "crl.online.check.enabled", "true")
    await put(platform, "configuration", "crl.online.check.enabled", "false")
    assert (await get(platform, "configuration", "crl.online.check.enabled")).value == "false"


@pytest.mark.parametrize(
    ("category", "key"), [("a", "b"), ("", ""), ("a b", "c"), ("a", "\0"), ("\0", "a"), ("a", "\ud800")]
)
async def test_an_option_that_is_not_set_is_not_found_in_the_words_of_the_contract(
    platform: Platform, category: str, key: str
) -> None:
    for call in (get(platform, category, key), reveal(platform, category, key), delete(platform, category, key)):
        with pytest.raises(TenantOptionNotFoundError) as refusal:
            await call
        assert str(refusal.value) == f"Unable to find option by given key: {category}/{key}"


async def test_options_belong_to_one_tenant(platform: Platform) -> None:
    await put(platform, "a", "b", "mine")
    await put(platform, "a", "b", "yours", MANAGEMENT_TENANT)
    assert (await get(platform, "a", "b")).value == "mine"
    assert (await get(platform, "a", "b", MANAGEMENT_TENANT)).value == "yours"


async def test_a_category_is_read_as_a_whole(platform: Platform) -> None:
    await put(platform, "a", "y", "2")
    await put(platform, "a", "x", "1")
    await put(platform, "a", "credentials.z", "secret")
    await put(platform, "b", "x", "3")
    async with platform.database.reading() as tx:
        options = await tenant_options.of_category(tx, T1, "a")
        assert {option.key: option.value for option in options} == {"x": "1", "y": "2", "credentials.z": ENCRYPTED}
        assert await tenant_options.of_category(tx, T1, "unused") == ()
        assert await tenant_options.of_category(tx, T1, "no category\0") == ()


async def test_the_list_is_paged_by_category_and_key(platform: Platform) -> None:
    for category, key in [("b", "x"), ("a", "y"), ("a", "x"), ("a", "credentials.x")]:
        await put(platform, category, key, "value")
    async with platform.database.reading() as tx:
        page = await tenant_options.list_of(tx, T1, PageRequest(1, 3, with_total_elements=True))
        last = await tenant_options.list_of(tx, T1, PageRequest(2, 3))
    assert [(option.category, option.key) for option in page.items] == [("a", "credentials.x"), ("a", "x"), ("a", "y")]
    assert [option.value for option in page.items] == [ENCRYPTED, "value", "value"]
    assert page.total_elements == 4
    assert [(option.category, option.key) for option in last.items] == [("b", "x")]


async def test_a_deleted_option_is_gone(platform: Platform) -> None:
    await put(platform, "a", "b", "c")
    await delete(platform, "a", "b")
    with pytest.raises(TenantOptionNotFoundError):
        await get(platform, "a", "b")


async def test_a_secret_is_never_read_back(platform: Platform) -> None:
    assert (await put(platform, "a", "credentials.mail", "s3cret")).value == ENCRYPTED
    assert (await get(platform, "a", "credentials.mail")).value == ENCRYPTED


async def test_a_secret_is_not_in_the_database(platform: Platform) -> None:
    await put(platform, "a", "credentials.mail", "s3cret")
    async with platform.database.reading() as tx:
        stored = (await tx.execute(select(tenant_option.c.value))).scalar_one()
    assert "s3cret" not in stored


async def test_the_platform_itself_can_open_a_secret(platform: Platform) -> None:
    secret = "Größe 👩‍🔧 " * 5000
    await put(platform, "a", "credentials.mail", secret)
    assert await reveal(platform, "a", "credentials.mail") == secret


async def test_a_secret_written_back_as_it_was_read_stays_what_it_is(platform: Platform) -> None:
    await put(platform, "a", "credentials.mail", "s3cret")
    await put(platform, "a", "credentials.mail", ENCRYPTED)
    assert await reveal(platform, "a", "credentials.mail") == "s3cret"


async def test_a_secret_that_was_never_written_cannot_be_written_back(platform: Platform) -> None:
    with pytest.raises(TenantOptionNotFoundError):
        await put(platform, "a", "credentials.mail", ENCRYPTED)


@pytest.mark.parametrize("value", ["299", "an hour", ""])
async def test_a_token_lifetime_that_cannot_be_is_refused_when_written(platform: Platform, value: str) -> None:
    with pytest.raises(InvalidTenantOptionError):
        await put(platform, "oauth.internal", "device-token.lifespan.seconds", value)
    with pytest.raises(TenantOptionNotFoundError):
        await get(platform, "oauth.internal", "device-token.lifespan.seconds")


async def test_changes_are_told(platform: Platform) -> None:
    told: list[OptionChanged] = []

    async def note(message: OptionChanged) -> None:
        told.append(message)

    platform.bus.subscribe(OptionChanged, note)
    await put(platform, "a", "b", "c")
    await delete(platform, "a", "b")
    assert told == [OptionChanged(T1, "a", "b")] * 2


@pytest.mark.parametrize(("is_shared", "text"), [(True, "true"), (False, "false")])
async def test_the_system_option_of_the_shared_truststore_is_text(
    database: Database, is_shared: bool, text: str
) -> None:
    platform = await started_platform(database, options=PlatformOptions(shared_certificates=is_shared))
    caller = Principal(T1, "admin", UserKind.PERSON, frozenset(Role))
    async with platform.database.reading() as tx:
        facts = await system_options.facts_for(tx, platform, caller)
    assert facts["ssl", "shared-truststore.enabled"] == text


async def test_options_of_the_management_tenant_that_others_inherit_hold_until_they_set_their_own(
    platform: Platform,
) -> None:
    lifetime = ("oauth.internal", "device-token.lifespan.seconds")
    await put(platform, *lifetime, "600", MANAGEMENT_TENANT)
    await put(platform, "cat", "key", "theirs", MANAGEMENT_TENANT)
    async with platform.database.reading() as tx:
        assert (await tenant_options.get_in_force(tx, T1, *lifetime)).value == "600"
        with pytest.raises(TenantOptionNotFoundError):
            await tenant_options.get_in_force(tx, T1, "cat", "key")
    await put(platform, *lifetime, "900")
    async with platform.database.reading() as tx:
        assert (await tenant_options.get_in_force(tx, T1, *lifetime)).value == "900"
