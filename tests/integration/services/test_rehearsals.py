"""Who would lose access: told before it is done, and exactly those who then do."""

from collections.abc import Sequence

import pytest

from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.revocation import OFFLINE_CHECK
from certinel.domain.revocation_entry import RevocationEntry
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.services import rehearsals, revocation, tenant_options, trusted_certificates, users
from certinel.services.admission import judge
from certinel.services.platform import Platform
from certinel.services.rehearsals import READ_AT_ONCE, TrustedCertificateChange
from certinel.services.trusted_certificates import Change, TrustedCertificateNotFoundError
from support.certificates import Issued, root_authority
from support.clock import START
from support.fleet import T1, admit, connect, devices_of, trust

DISABLE, DELETE, EXPIRE = TrustedCertificateChange


async def losing(
    platform: Platform, trusted: TrustedCertificate, change: TrustedCertificateChange, limit: int = 100
) -> dict[str, str]:
    """All who would lose access, page after page, with the code they would get."""
    found: dict[str, str] = {}
    after: str | None = ""
    while after is not None:
        page = await rehearsals.of_trusted_certificate(
            platform, T1, trusted.fingerprint, change, after=after, limit=limit
        )
        found |= {one.device: one.refusal.code for one in page.devices}
        after = page.next
    return found


def refused(platform: Platform, devices: Sequence[tuple[str, Issued]]) -> set[str]:
    attempts = [(name, ConnectAttempt(device.chain_der, name)) for name, device in devices]
    return {name for name, attempt in attempts if not isinstance(judge(platform, attempt), Admission)}


@pytest.mark.parametrize(("change", "code"), [(DISABLE, "trust/disabled"), (DELETE, "trust/deleted")])
async def test_those_who_would_lose_access_then_do_and_nobody_else(
    platform: Platform, change: TrustedCertificateChange, code: str
) -> None:
    plant, hall = root_authority("Plant CA"), root_authority("Hall CA")
    trusted, _ = await trust(platform, plant), await trust(platform, hall)
    pumps, valves = devices_of(plant, ["p1", "p2", "p3"]), devices_of(hall, ["v1", "v2"])
    await connect(platform, *pumps, *valves)
    told = await losing(platform, trusted, change)
    assert told == dict.fromkeys(["p1", "p2", "p3"], code)
    async with platform.database.transaction() as tx:
        if change is DISABLE:
            disabled = Change(status=TrustStatus.DISABLED)
            await trusted_certificates.update(tx, platform, T1, trusted.fingerprint, disabled)
        else:
            await trusted_certificates.delete(tx, platform, T1, trusted.fingerprint)
    everybody = list(zip(["p1", "p2", "p3", "v1", "v2"], pumps + valves, strict=True))
    assert refused(platform, everybody) == set(told)


async def test_device_that_has_only_just_come_is_told_of(platform: Platform) -> None:
    plant = root_authority("Plant CA")
    trusted = await trust(platform, plant)
    await admit(platform, plant.device("p1"), "p1")
    assert await losing(platform, trusted, DISABLE) == {"p1": "trust/disabled"}


async def test_expiry_hits_those_of_the_certificate(platform: Platform) -> None:
    plant, hall = root_authority("Plant CA"), root_authority("Hall CA")
    trusted, _ = await trust(platform, plant), await trust(platform, hall)
    await connect(platform, plant.device("pump"), hall.device("valve"))
    assert await losing(platform, trusted, EXPIRE) == {"pump": "trust/expired"}


@pytest.mark.parametrize("change", TrustedCertificateChange)
async def test_renewed_certificate_with_the_same_key_keeps_the_devices(
    platform: Platform, change: TrustedCertificateChange
) -> None:
    plant = root_authority("Plant CA")
    trusted = await trust(platform, plant)
    await connect(platform, plant.device("pump"))
    await trust(platform, plant.renewed(), name="renewed")
    assert await losing(platform, trusted, change) == {}


async def test_certificate_that_has_taken_over_since_the_last_connect_is_what_counts(platform: Platform) -> None:
    plant = root_authority("Plant CA")
    first = await trust(platform, plant)
    await connect(platform, plant.device("pump"))
    second = await trust(platform, plant.renewed(), name="renewed")
    async with platform.database.transaction() as tx:
        await trusted_certificates.update(tx, platform, T1, first.fingerprint, Change(status=TrustStatus.DISABLED))
    assert await losing(platform, second, DISABLE) == {"pump": "trust/disabled"}
    assert await losing(platform, first, DELETE) == {}


async def test_device_that_is_kept_out_already_loses_nothing(platform: Platform) -> None:
    plant = root_authority("Plant CA")
    trusted = await trust(platform, plant)
    await connect(platform, plant.device("pump"), plant.device("valve"))
    async with platform.database.transaction() as tx:
        await users.set_enabled(tx, platform, T1, "device_pump", is_enabled=False)
    assert await losing(platform, trusted, DELETE) == {"valve": "trust/deleted"}


async def test_certificate_that_a_device_uses_no_more_does_not_count(platform: Platform) -> None:
    plant, hall = root_authority("Plant CA"), root_authority("Hall CA")
    trusted, _ = await trust(platform, plant), await trust(platform, hall)
    await connect(platform, plant.device("pump"))
    await connect(platform, hall.device("pump"))
    assert await losing(platform, trusted, DISABLE) == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_pages_tell_of_every_device_once(platform: Platform, limit: int) -> None:
    plant = root_authority("Plant CA")
    trusted = await trust(platform, plant)
    names = [f"pump-{number}" for number in range(5)]
    await connect(platform, *devices_of(plant, names))
    assert sorted(await losing(platform, trusted, DISABLE, limit)) == names


async def test_more_devices_than_are_read_at_once_are_all_judged(platform: Platform) -> None:
    plant, hall = root_authority("Plant CA"), root_authority("Hall CA")
    trusted, _ = await trust(platform, plant), await trust(platform, hall)
    names = [f"pump-{number}" for number in range(READ_AT_ONCE)]
    await connect(platform, *devices_of(plant, names), hall.device("valve"))
    assert len(await losing(platform, trusted, DISABLE, 1000)) == READ_AT_ONCE


async def test_nothing_is_changed_and_nothing_is_remembered(platform: Platform) -> None:
    plant = root_authority("Plant CA")
    trusted = await trust(platform, plant)
    pump = plant.device("pump")
    await connect(platform, pump)
    before = len(platform.verdicts)
    for change in TrustedCertificateChange:
        await losing(platform, trusted, change)
    assert refused(platform, [("pump", pump)]) == set()
    assert len(platform.verdicts) == before


async def test_certificate_of_another_tenant_is_not_found(platform: Platform) -> None:
    with pytest.raises(TrustedCertificateNotFoundError):
        await rehearsals.of_trusted_certificate(platform, T1, "0" * 40, DISABLE, limit=1)


# ---- revocation


async def losing_by(platform: Platform, *serials: int, issuer: bytes | None = None) -> dict[str, str]:
    entries = [RevocationEntry(serial=serial, revoked_at=START, issuer=issuer) for serial in serials]
    page = await rehearsals.of_revocation(platform, T1, entries, limit=100)
    return {one.device: one.refusal.code for one in page.devices}


@pytest.fixture
async def plant(platform: Platform) -> Issued:
    plant = root_authority("Plant CA", serial=77)
    await trust(platform, plant)
    await connect(platform, plant.device("pump", serial=0xA), plant.device("valve", serial=0xB))
    return plant


async def switch_check_on(platform: Platform) -> None:
    option = TenantOption(T1, *OFFLINE_CHECK, "true")
    async with platform.database.transaction() as tx:
        await tenant_options.put(tx, platform, option)


async def test_revoked_serial_number_hits_its_device(platform: Platform, plant: Issued) -> None:
    await switch_check_on(platform)
    assert await losing_by(platform, 0xA) == {"pump": "revocation/device"}
    assert await losing_by(platform, 0xC) == {}


async def test_revoked_authority_hits_all_its_devices(platform: Platform, plant: Issued) -> None:
    await switch_check_on(platform)
    assert await losing_by(platform, 77) == dict.fromkeys(["pump", "valve"], "revocation/authority")


async def test_with_the_check_off_nobody_loses_access(platform: Platform, plant: Issued) -> None:
    assert await losing_by(platform, 0xA) == {}


async def test_what_is_revoked_already_makes_no_difference(platform: Platform, plant: Issued) -> None:
    await switch_check_on(platform)
    async with platform.database.transaction() as tx:
        entry = RevocationEntry(serial=0xA, revoked_at=START)
        await revocation.revoke_serials(tx, platform, T1, [entry])
    assert await losing_by(platform, 0xA, 0xB) == {"valve": "revocation/device"}
