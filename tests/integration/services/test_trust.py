"""The trust store of a node is equal to the database, at start and after every change."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import TextClause, text

from certinel.bus.messages import DeviceUserChanged, TenantChanged, TrustChanged
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.tenant import Tenant, TenantStatus
from certinel.domain.trust_store import CLAIMS_OUTLIVE_DELETION, DeviceUserState, TenantFacts, TrustStore
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import trusted_certificates, users
from certinel.services.platform import Platform
from certinel.services.trust import TrustKeeper
from certinel.services.trusted_certificates import Change
from certinel.storage import tenants as stored_tenants
from certinel.storage import users as stored_users
from certinel.storage.engine import Database
from certinel.storage.errors import StorageError
from support.certificates import root_authority
from support.clock import START, MovableClock
from support.platforms import started_platform

T1 = TenantId("t1000")
T2 = TenantId("t2000")
PUMP = DeviceId("pump-7")


async def upload(platform: Platform) -> TrustedCertificate:
    draft = TrustedCertificateDraft(certificate_text=root_authority("Plant CA").pem, status=TrustStatus.ENABLED)
    async with platform.database.transaction() as tx:
        return await trusted_certificates.upload(tx, platform, T1, draft)


async def register(platform: Platform, device: DeviceId = PUMP) -> None:
    async with platform.database.transaction() as tx:
        await users.register_device(tx, platform.bus, T1, device, START)


def _rename(table: str, other: str) -> TextClause:
    return text(f"ALTER TABLE {table} RENAME TO {other}")


async def newly_loaded(platform: Platform) -> TrustStore:
    store = TrustStore()
    await TrustKeeper(store, platform.database, platform.clock).load()
    return store


async def test_the_tenants_are_known_after_the_start(platform: Platform) -> None:
    assert platform.trust.tenant(T1) == TenantFacts(T1, None, is_active=True)


async def test_an_upload_is_known_when_its_transaction_has_ended(platform: Platform) -> None:
    uploaded = await upload(platform)
    assert platform.trust.trusted_certificates(T1) == [uploaded]


async def test_a_rolled_back_upload_is_never_known(platform: Platform) -> None:
    draft = TrustedCertificateDraft(certificate_text=root_authority("Plant CA").pem, status=TrustStatus.ENABLED)

    async def fail_after_uploading() -> None:
        async with platform.database.transaction() as tx:
            await trusted_certificates.upload(tx, platform, T1, draft)
            raise ValueError("as meant by the test")

    with pytest.raises(ValueError, match="as meant"):
        await fail_after_uploading()
    assert platform.trust.trusted_certificates(T1) == []


async def test_a_change_is_known_when_its_transaction_has_ended(platform: Platform) -> None:
    uploaded = await upload(platform)
    async with platform.database.transaction() as tx:
        await trusted_certificates.update(
            tx, platform, T1, uploaded.fingerprint, Change(status=TrustStatus.DISABLED, auto_registration=True)
        )
    (known,) = platform.trust.trusted_certificates(T1)
    assert (known.status, known.auto_registration) == (TrustStatus.DISABLED, True)


async def test_a_deleted_certificate_keeps_its_claim_for_thirty_days(platform: Platform, clock: MovableClock) -> None:
    uploaded = await upload(platform)
    async with platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, platform, T1, uploaded.fingerprint)
    for store in (platform.trust, await newly_loaded(platform)):
        (known,) = store.trusted_certificates(T1)
        assert known.deleted_at == START
    clock.move(CLAIMS_OUTLIVE_DELETION + timedelta(seconds=1))
    assert (await newly_loaded(platform)).trusted_certificates(T1) == []


async def test_a_registered_device_is_known_when_its_transaction_has_ended(platform: Platform) -> None:
    await register(platform)
    assert platform.trust.device_user(T1, PUMP) is DeviceUserState.ENABLED
    assert (await newly_loaded(platform)).device_user(T1, PUMP) is DeviceUserState.ENABLED


async def test_registering_again_changes_nothing(platform: Platform) -> None:
    await register(platform)
    async with platform.database.transaction() as tx:
        await users.set_enabled(tx, platform, T1, "device_pump-7", is_enabled=False)
    await register(platform)
    assert platform.trust.device_user(T1, PUMP) is DeviceUserState.DISABLED
    assert (await newly_loaded(platform)).device_user(T1, PUMP) is DeviceUserState.DISABLED


async def test_a_removed_device_user_is_unknown_again(platform: Platform) -> None:
    await register(platform)
    async with platform.database.transaction() as tx:
        await stored_users.remove(tx, T1, "device_pump-7")
        tx.after_commit(platform.bus.publish, DeviceUserChanged(T1, "device_pump-7"))
    assert platform.trust.device_user(T1, PUMP) is DeviceUserState.UNKNOWN


async def test_a_person_is_no_device_user_whatever_the_name(platform: Platform) -> None:
    await platform.bus.publish(DeviceUserChanged(T1, "admin"))
    async with platform.database.reading() as tx:
        assert await stored_users.device_users(tx, T1) == {}
        assert await stored_users.states_of(tx, T1, ["admin"]) == {}


async def test_a_suspended_tenant_and_a_new_one_are_known(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await stored_tenants.save(tx, Tenant(id=T1, status=TenantStatus.SUSPENDED, created_at=START))
        await stored_tenants.insert_if_absent(tx, Tenant(id=T2, domain="two.example.org", created_at=START))
        for tenant in (T1, T2):
            tx.after_commit(platform.bus.publish, TenantChanged(tenant))
    assert platform.trust.tenant(T1) == TenantFacts(T1, None, is_active=False)
    assert platform.trust.tenant_of_domain("two.example.org") == T2


async def test_a_tenant_that_is_gone_is_forgotten_with_its_trust(platform: Platform) -> None:
    await upload(platform)
    unknown = TenantId("t404")
    platform.trust.put_tenant(TenantFacts(unknown, None, is_active=True))
    await platform.bus.publish(TenantChanged(unknown))
    assert platform.trust.tenant(unknown) is None
    assert platform.trust.tenant(T1) is not None


async def test_many_registrations_at_once_are_all_known(platform: Platform) -> None:
    devices = [DeviceId(f"pump-{number}") for number in range(60)]
    await asyncio.gather(*(register(platform, device) for device in devices))
    assert {platform.trust.device_user(T1, device) for device in devices} == {DeviceUserState.ENABLED}
    assert platform.trust_keeper.is_current


async def test_states_of_more_users_than_one_statement_takes(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        for number in range(7):
            await users.register_device(tx, platform.bus, T1, DeviceId(f"pump-{number}"), START)
    async with platform.database.reading() as tx:
        names = [f"device_pump-{number}" for number in range(1200)]
        assert len(await stored_users.states_of(tx, T1, names)) == 7


async def test_what_could_not_be_read_is_read_when_the_database_is_back(
    database: Database, clock: MovableClock
) -> None:
    platform = await started_platform(database, clock)
    uploaded = await upload(platform)
    async with database.transaction() as tx:
        await tx.execute(_rename("trusted_certificate", "hidden"))
    await platform.bus.publish(TrustChanged(T1))
    assert not platform.trust_keeper.is_current
    assert platform.trust.trusted_certificates(T1) == [uploaded]
    async with database.transaction() as tx:
        await tx.execute(_rename("hidden", "trusted_certificate"))
    await platform.trust_keeper.catch_up()
    assert platform.trust_keeper.is_current
    assert platform.trust.trusted_certificates(T1) == [uploaded]


async def test_a_failure_to_read_is_told_to_who_asked_for_it(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await tx.execute(_rename("trusted_certificate", "hidden"))
    with pytest.raises(StorageError):
        await platform.trust_keeper.take_in(TrustChanged(T1))
