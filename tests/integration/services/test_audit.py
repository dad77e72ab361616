"""The audit log on both engines: in the transaction of the change, without gaps and forks, tampering noticed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from structlog.testing import capture_logs

from certinel.bus.messages import DevicesRegistered
from certinel.domain.audit import PLATFORM, Actor, ActorKind, AuditEntry, AuditRecord, ChainHead, Change
from certinel.domain.identifiers import DeviceId, TenantId
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import audit, possession, tenant_options, trusted_certificates, users
from certinel.services.audit import AuditRecordNotFoundError, ChainReport
from certinel.services.platform import Platform
from certinel.services.trusted_certificates import TrustedCertificateAlreadyExistsError
from certinel.storage.audit_records import AuditFilter
from certinel.storage.page import PageRequest
from certinel.storage.tables import audit_head, audit_record
from support.certificates import root_authority
from support.clock import START

T1, MANAGEMENT = TenantId("t1000"), TenantId("management")
ADMIN = Actor(ActorKind.PERSON, "admin", T1)
EVERYTHING = PageRequest(1, 2000)


def entry(tenant: TenantId = T1, activity: str = "something") -> AuditEntry:
    return AuditEntry(
        tenant=tenant,
        by=ADMIN,
        type="Test",
        source="it",
        activity=activity,
        text="done",
        time=START,
        recorded_at=START,
    )


async def record(platform: Platform, *entries: AuditEntry) -> None:
    async with platform.database.transaction() as tx:
        for one in entries:
            audit.record(tx, one)


async def log_of(platform: Platform, tenant: TenantId = T1, wanted: AuditFilter = AuditFilter()) -> list[AuditRecord]:  # noqa: B008
    """The tenant's records, the oldest first."""
    async with platform.database.reading() as tx:
        return list(reversed((await audit.list_of(tx, tenant, wanted, EVERYTHING)).items))


async def last_of(platform: Platform, tenant: TenantId = T1) -> AuditRecord:
    return (await log_of(platform, tenant))[-1]


async def faults(platform: Platform, *noted: ChainHead) -> dict[TenantId, str | None]:
    reports = await audit.verify(platform.database, audit.by_tenant(noted))
    return {report.head.tenant: report.fault for report in reports}


async def change_behind(platform: Platform, statement: Any) -> None:
    async with platform.database.transaction() as tx:
        await tx.execute(statement)


# ---- what is written


async def test_first_start_is_recorded(platform: Platform) -> None:
    operators, first = await log_of(platform, MANAGEMENT), await log_of(platform)
    assert [one.activity for one in operators] == [
        "Tenant created: 'management'.",
        "Signing key for device tokens made.",
    ]
    assert [(one.activity, one.user, one.user_kind) for one in first] == [
        ("Tenant created: 't1000'.", "system", "SYSTEM")
    ]


async def test_life_of_a_trusted_certificate_is_recorded(platform: Platform) -> None:
    draft = TrustedCertificateDraft(
        certificate_text=root_authority("Plant CA").pem,
        status=TrustStatus.ENABLED,
        name="plant",
        auto_registration=True,
    )
    async with platform.database.transaction() as tx:
        uploaded = await trusted_certificates.upload(tx, platform, T1, draft, ADMIN)
    fingerprint = uploaded.fingerprint
    async with platform.database.transaction() as tx:
        change = trusted_certificates.Change(status=TrustStatus.DISABLED)
        await trusted_certificates.update(tx, platform, T1, fingerprint, change, ADMIN)
    async with platform.database.transaction() as tx:
        await possession.confirm(tx, platform, T1, fingerprint, Actor(ActorKind.PERSON, "admin", MANAGEMENT))
    async with platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, platform, T1, fingerprint, ADMIN)
    records = await log_of(platform, wanted=AuditFilter(type="TrustedCertificates"))
    assert [(one.activity, one.user) for one in records] == [
        ("Trusted certificate added to 't1000'.", "admin"),
        ("Trusted certificate updated on 't1000'.", "admin"),
        ("Possession of trusted certificate confirmed by hand on 't1000'.", "management/admin"),
        ("Trusted certificate deleted from 't1000'.", "admin"),
    ]
    assert {one.source for one in records} == {fingerprint}
    assert records[1].changes == (Change("status", "ENABLED", "DISABLED"),)
    assert records[1].text == (
        f"Certificate fingerprint: '{fingerprint}'.\n Certificate subject name: 'CN=Plant CA, O=Example'.\n "
        "Status='DISABLED'"
    )
    assert records[2].changes == (Change("proofOfPossessionValid", "false", "true"),)
    assert records[3].text.endswith("NotAfter='2045-01-01T00:00:00.000Z'")


async def test_update_that_changes_nothing_is_not_recorded(platform: Platform) -> None:
    draft = TrustedCertificateDraft(
        certificate_text=root_authority("Plant CA").pem,
        status=TrustStatus.ENABLED,
        name="plant",
        auto_registration=True,
    )
    async with platform.database.transaction() as tx:
        uploaded = await trusted_certificates.upload(tx, platform, T1, draft)
    before = await log_of(platform)
    async with platform.database.transaction() as tx:
        change = trusted_certificates.Change(name="plant", status=TrustStatus.ENABLED)
        await trusted_certificates.update(tx, platform, T1, uploaded.fingerprint, change)
    assert await log_of(platform) == before


async def test_registered_device_is_recorded_as_its_own_act(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await users.register_device(tx, platform.bus, T1, DeviceId("pump-7"), START)
    last = await last_of(platform)
    assert (last.activity, last.user_kind) == ("User registered: 'device_pump-7'.", "DEVICE")


async def test_device_that_is_registered_already_is_not_recorded_again(platform: Platform) -> None:
    for _ in range(2):
        async with platform.database.transaction() as tx:
            await users.register_device(tx, platform.bus, T1, DeviceId("pump-7"), START)
    assert len(await log_of(platform, wanted=AuditFilter(source="device_pump-7"))) == 1


async def test_disabling_a_user_is_recorded(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await users.set_enabled(tx, platform, T1, "admin", is_enabled=False, by=ADMIN)
    last = await last_of(platform)
    assert (last.activity, last.changes) == ("User disabled: 'admin'.", (Change("enabled", "true", "false"),))


async def test_option_is_recorded_with_its_values(platform: Platform) -> None:
    for value in ("1", "2"):
        async with platform.database.transaction() as tx:
            await tenant_options.put(tx, platform, TenantOption(T1, "cat", "key", value), ADMIN)
    async with platform.database.transaction() as tx:
        await tenant_options.delete(tx, platform, T1, "cat", "key", ADMIN)
    records = await log_of(platform, wanted=AuditFilter(source="cat/key"))
    assert [one.changes for one in records] == [
        (Change("value", None, "1"),),
        (Change("value", "1", "2"),),
        (Change("value", "2", None),),
    ]


async def test_secret_option_is_recorded_without_its_value(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await tenant_options.put(tx, platform, TenantOption(T1, "cat", "credentials.key", "hunter2"), ADMIN)
    last = await last_of(platform)
    assert last.source == "cat/credentials.key"
    assert "hunter2" not in repr(last)


# ---- the transaction


async def test_rolled_back_change_leaves_no_record(platform: Platform) -> None:
    root = root_authority("Plant CA")
    draft = TrustedCertificateDraft(certificate_text=root.pem, status=TrustStatus.ENABLED)
    before = await log_of(platform)
    with pytest.raises(TrustedCertificateAlreadyExistsError):
        async with platform.database.transaction() as tx:
            await trusted_certificates.upload_all(tx, platform, T1, [draft, draft])
    assert await log_of(platform) == before
    assert await faults(platform) == {MANAGEMENT: None, T1: None}


async def test_records_of_one_transaction_follow_each_other(platform: Platform) -> None:
    await record(platform, entry(activity="one"), entry(MANAGEMENT, "elsewhere"), entry(activity="two"))
    assert [one.activity for one in await log_of(platform)][-2:] == ["one", "two"]
    assert await faults(platform) == {MANAGEMENT: None, T1: None}


async def test_writers_at_once_make_neither_gaps_nor_forks(platform: Platform) -> None:
    async def write(number: int) -> None:
        tenants = (T1, MANAGEMENT) if number % 2 else (MANAGEMENT, T1)
        await record(platform, *(entry(tenant, f"act {number}") for tenant in tenants))

    await asyncio.gather(*(write(number) for number in range(40)))
    records = await log_of(platform)
    assert [one.sequence for one in records] == list(range(1, 42))
    assert {one.activity for one in records[1:]} == {f"act {number}" for number in range(40)}
    assert await faults(platform) == {MANAGEMENT: None, T1: None}


async def test_writers_at_once_begin_one_chain(platform: Platform) -> None:
    new = TenantId("new")
    await asyncio.gather(*(record(platform, entry(new, f"act {number}")) for number in range(20)))
    assert [one.sequence for one in await log_of(platform, new)] == list(range(1, 21))
    assert (await faults(platform))[new] is None


async def test_devices_that_register_at_once_are_all_recorded(platform: Platform) -> None:
    async def register(number: int) -> None:
        async with platform.database.transaction() as tx:
            await users.register_device(tx, platform.bus, T1, DeviceId(f"pump-{number}"), START)

    await asyncio.gather(*(register(number) for number in range(30)))
    assert len(await log_of(platform, wanted=AuditFilter(type="User"))) == 30
    assert await faults(platform) == {MANAGEMENT: None, T1: None}


async def test_bus_hears_of_a_change_when_it_is_recorded(platform: Platform) -> None:
    recorded: list[int] = []

    async def look(_: DevicesRegistered) -> None:
        recorded.append(len(await log_of(platform, wanted=AuditFilter(type="User"))))

    platform.bus.subscribe(DevicesRegistered, look)
    async with platform.database.transaction() as tx:
        await users.register_device(tx, platform.bus, T1, DeviceId("pump-7"), START)
    assert recorded == [1]


async def test_head_of_the_chain_is_in_the_log(platform: Platform) -> None:
    with capture_logs() as lines:
        await record(platform, entry(), entry())
    last = await last_of(platform)
    noted = {"event": "audit.head", "log_level": "info", "tenant": T1, "sequence": 3, "hash": last.hash.hex()}
    assert lines == [noted]


async def test_rolled_back_head_is_not_in_the_log(platform: Platform) -> None:
    async def change_ones_mind() -> None:
        async with platform.database.transaction() as tx:
            await audit.append(tx, entry())
            raise ValueError("changed my mind")

    with capture_logs() as lines, pytest.raises(ValueError, match="changed my mind"):
        await change_ones_mind()
    assert lines == []


async def test_heads_are_noted_on_demand(platform: Platform) -> None:
    with capture_logs() as lines:
        await audit.note_heads(platform.database)
    assert [(line["tenant"], line["sequence"]) for line in lines] == [(MANAGEMENT, 2), (T1, 1)]


# ---- reading


async def test_filters_hold_together(platform: Platform) -> None:
    await record(platform, entry(activity="one"))
    start = AuditFilter(type="Test", user="admin", source="it", date_from=START, date_to=START)
    assert [one.activity for one in await log_of(platform, wanted=start)] == ["one"]
    for other in (
        AuditFilter(type="Other"),
        AuditFilter(user="nobody"),
        AuditFilter(source="that"),
        AuditFilter(date_from=START + timedelta(microseconds=1)),
        AuditFilter(date_to=START - timedelta(microseconds=1)),
    ):
        assert await log_of(platform, wanted=other) == [], other


async def test_record_of_another_tenant_is_not_found(platform: Platform) -> None:
    async with platform.database.reading() as tx:
        with pytest.raises(AuditRecordNotFoundError):
            await audit.get(tx, T1, 2)


async def test_what_is_read_is_what_was_hashed(platform: Platform) -> None:
    odd = AuditEntry(
        tenant=T1,
        by=PLATFORM,
        type="Überprüfung",
        source="\ud800\0",
        activity='"quoted"\n',
        text="🔑\x7f",
        time=START + timedelta(microseconds=1),
        recorded_at=START,
        changes=(Change("a", None, "\0"), Change("b", "", None)),
    )
    await record(platform, odd)
    last = await last_of(platform)
    assert last.hash == last.computed_hash()


# ---- tampering


@pytest.fixture
async def written(platform: Platform) -> Platform:
    """A platform in whose first tenant five things were done."""
    await record(platform, *(entry(activity=f"act {number}") for number in range(2, 6)))
    return platform


def one(number: int) -> tuple[Any, ...]:
    return (audit_record.c.tenant_id == T1, audit_record.c.sequence == number)


async def test_altered_record_is_found(written: Platform) -> None:
    await change_behind(written, update(audit_record).where(*one(3)).values(text="nothing to see"))
    assert await audit.verify(written.database, {}) == [
        ChainReport((await last_of(written, MANAGEMENT)).head),
        ChainReport((await log_of(written))[1].head, "record 3 was altered"),
    ]


async def test_record_altered_with_its_hash_is_found(written: Platform) -> None:
    third = (await log_of(written))[2]
    await change_behind(written, update(audit_record).where(*one(3)).values(hash=bytes(32)))
    assert third.hash != bytes(32)
    assert (await faults(written))[T1] == "record 3 was altered"


async def test_removed_record_is_found(written: Platform) -> None:
    await change_behind(written, delete(audit_record).where(*one(3)))
    assert (await faults(written))[T1] == "record 3 is missing"


async def test_records_in_another_order_are_found(written: Platform) -> None:
    for number, other in ((3, -3), (4, 3), (-3, 4)):
        await change_behind(written, update(audit_record).where(*one(number)).values(sequence=other))
    assert (await faults(written))[T1] == "record 3 does not follow record 2"


async def test_end_cut_off_is_found(written: Platform) -> None:
    await change_behind(written, delete(audit_record).where(*one(5)))
    assert (await faults(written))[T1] == "the chain ends with record 4, but should with 5"


async def test_end_cut_off_with_its_head_is_found_by_what_was_noted(written: Platform) -> None:
    head = (await last_of(written)).head
    fourth = (await log_of(written))[3].head
    await change_behind(written, delete(audit_record).where(*one(5)))
    values = {"sequence": 4, "hash": fourth.hash}
    await change_behind(written, update(audit_head).where(audit_head.c.tenant_id == T1).values(values))
    assert (await faults(written))[T1] is None
    assert (await faults(written, head))[T1] == "record 5 was noted outside the database, but the chain ends with 4"


async def test_chain_written_anew_is_found_by_what_was_noted(written: Platform) -> None:
    head = (await last_of(written)).head
    await change_behind(written, delete(audit_record).where(audit_record.c.tenant_id == T1))
    await change_behind(written, delete(audit_head).where(audit_head.c.tenant_id == T1))
    await record(written, *(entry(activity="another story") for _ in range(9)))
    assert (await faults(written))[T1] is None
    fault = "record 5 is not the one whose hash was noted outside the database"
    assert (await faults(written, head))[T1] == fault


async def test_chain_that_vanished_is_found_by_what_was_noted(written: Platform) -> None:
    head = (await last_of(written)).head
    await change_behind(written, delete(audit_record).where(audit_record.c.tenant_id == T1))
    await change_behind(written, delete(audit_head).where(audit_head.c.tenant_id == T1))
    assert (await faults(written, head))[T1] == "record 5 was noted outside the database, but the chain ends with 0"


async def test_records_without_a_head_are_found(written: Platform) -> None:
    await change_behind(written, delete(audit_head).where(audit_head.c.tenant_id == T1))
    assert (await faults(written))[T1] == "the chain ends with record 5, but should with 0"


async def test_record_slipped_in_is_found(written: Platform) -> None:
    async with written.database.reading() as tx:
        row = (await tx.execute(select(audit_record).where(*one(5)))).one()._asdict()
    await change_behind(written, insert(audit_record).values({**row, "sequence": 6}))
    assert (await faults(written))[T1] == "record 6 does not follow record 5"


async def test_what_no_program_of_ours_writes_is_found(written: Platform) -> None:
    await change_behind(written, text("UPDATE audit_record SET changes = '[[1]]' WHERE sequence = 3"))
    assert "a record after" in str((await faults(written))[T1])
