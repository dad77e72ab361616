"""What is revoked and how a node's memory follows it, on both engines."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509

from certinel.domain.certificate import Certificate
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.revocation import OFFLINE_CHECK, AuthorityList, TenantRevocation
from certinel.domain.revocation_entry import RevocationEntry, UnacceptableRevocationError
from certinel.domain.revocation_list_form import ListFault, UnacceptableListError
from certinel.domain.revoked_serials import issuer_digest, serial_octets
from certinel.domain.tenant_option import TenantOption
from certinel.domain.trust_store import TrustStore
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft
from certinel.services import audit, authority_lists, revocation, tenant_options, trusted_certificates
from certinel.services.platform import Platform
from certinel.services.trust import TrustKeeper
from certinel.storage import authority_lists as stored_lists
from certinel.storage import revoked_certificates
from certinel.storage.audit_records import AuditFilter
from certinel.storage.authority_lists import ListUpload
from certinel.storage.page import PageRequest
from support.certificates import Issued, root_authority
from support.clock import MovableClock
from support.commands import run
from support.revocation_lists import revocation_list

T1 = TenantId("t1000")
DAY = timedelta(days=1)


async def revoke(platform: Platform, *serials: int, tenant: TenantId = T1) -> None:
    entries = [RevocationEntry(serial=serial, revoked_at=platform.clock.now()) for serial in serials]
    await revocation.revoke_many(platform, tenant, entries)


async def upload(platform: Platform, root: Issued, tenant: TenantId = T1) -> None:
    draft = TrustedCertificateDraft(certificate_text=root.pem, status=TrustStatus.ENABLED)
    async with platform.database.transaction() as tx:
        await trusted_certificates.upload(tx, platform, tenant, draft)


async def newly_loaded(platform: Platform) -> TrustStore:
    """What another node knows that starts now."""
    store = TrustStore()
    await TrustKeeper(store, platform.database, platform.clock).load()
    return store


def has(known: TenantRevocation, serial: int, issuer: bytes = b"") -> bool:
    return known.own.since(serial_octets(serial), issuer) is not None


async def test_node_knows_at_once_what_was_revoked_and_so_does_one_that_starts_later(platform: Platform) -> None:
    await revoke(platform, 1, 2**159, 0, -5)
    for known in (platform.trust.revocation(T1), (await newly_loaded(platform)).revocation(T1)):
        assert len(known.own) == 4
        assert all(has(known, serial) for serial in (1, 2**159, 0, -5))


async def test_list_of_one_tenant_is_not_that_of_another(platform: Platform) -> None:
    await revoke(platform, 1)
    assert not has(platform.trust.revocation(MANAGEMENT_TENANT), 1)
    assert not has((await newly_loaded(platform)).revocation(MANAGEMENT_TENANT), 1)


async def test_only_what_is_new_is_read(platform: Platform) -> None:
    await revoke(platform, *range(1, 12_001))
    own = platform.trust.revocation(T1).own
    last = platform.trust.revocation(T1).last_entry
    await revoke(platform, 5, 20_000)
    known = platform.trust.revocation(T1)
    assert known.own is own
    assert (len(known.own), known.last_entry > last) == (12_001, True)


async def test_entries_that_several_add_at_once_are_all_known(platform: Platform) -> None:
    await asyncio.gather(*(revoke(platform, number, 7) for number in range(100, 130)))
    known = platform.trust.revocation(T1)
    assert len(known.own) == 31
    assert all(has(known, number) for number in (7, *range(100, 130)))


async def test_others_write_while_many_are_revoked(platform: Platform) -> None:
    revoking = asyncio.create_task(revoke(platform, *range(1, 20_001)))
    while not platform.trust.revocation(T1).own:  # noqa: ASYNC110 - each part is known without an event
        await asyncio.sleep(0)
    async with platform.database.transaction() as tx:
        await tenant_options.put(tx, platform, TenantOption(MANAGEMENT_TENANT, "cat", "key", "1"))
        revoked = await revoked_certificates.count(tx, T1)
    await revoking
    assert 0 < revoked < 20_000
    assert len(platform.trust.revocation(T1).own) == 20_000


async def test_all_of_many_serials_are_in_the_audit_log(platform: Platform) -> None:
    await revoke(platform, *range(1, 5_001))
    async with platform.database.reading() as tx:
        page = await audit.list_of(tx, T1, AuditFilter(source=f"{T1}/crl"), PageRequest(page_size=100))
    named = [serial for record in page.items for serial in record.text.removeprefix("Revoked serials: ").split(", ")]
    assert sorted(int(serial, 16) for serial in named) == list(range(1, 5_001))


async def test_entry_of_an_issuer_is_kept_with_it(platform: Platform) -> None:
    root = root_authority("Plant CA")
    device = Certificate.parse(root.device("pump", serial=77).der)
    async with platform.database.transaction() as tx:
        done = await revocation.revoke_certificate(tx, platform, T1, device, platform.clock.now())
    assert (done.entries[0].serial, done.entries[0].issuer, done.is_checked) == (77, device.issuer, False)
    for known in (platform.trust.revocation(T1), (await newly_loaded(platform)).revocation(T1)):
        assert has(known, 77, issuer_digest(device.issuer))
        assert not has(known, 77)


async def test_date_of_an_entry_is_kept_to_the_millisecond(platform: Platform) -> None:
    at = platform.clock.now() - timedelta(days=40_000, milliseconds=123)
    async with platform.database.transaction() as tx:
        entry = RevocationEntry(serial=1, revoked_at=at)
        await revocation.revoke_serials(tx, platform, T1, [entry])
    async with platform.database.reading() as tx:
        assert await revoked_certificates.find(tx, T1, entry) == entry
        assert (await revocation.list_of(tx, T1, PageRequest())).items == (entry,)


async def test_what_was_rolled_back_is_not_revoked(platform: Platform) -> None:
    entry = RevocationEntry(serial=1, revoked_at=platform.clock.now())

    async def revoke_and_fail() -> None:
        async with platform.database.transaction() as tx:
            await revocation.revoke_serials(tx, platform, T1, [entry])
            await revocation.revoke_text(tx, platform, T1, "nonsense", platform.clock.now())

    with pytest.raises(UnacceptableRevocationError):
        await revoke_and_fail()
    assert not has(platform.trust.revocation(T1), 1)
    assert not has((await newly_loaded(platform)).revocation(T1), 1)


async def test_list_does_not_grow_without_end(platform: Platform) -> None:
    platform.trust.put_revocation(T1, full := TenantRevocation())
    full.own._count = revocation.MAX_ENTRIES
    with pytest.raises(UnacceptableRevocationError):
        await revoke(platform, 1)


async def test_switch_is_known_at_once_and_after_a_restart(platform: Platform) -> None:
    async with platform.database.transaction() as tx:
        await tenant_options.put(tx, platform, TenantOption(T1, *OFFLINE_CHECK, "TRUE"))
    assert platform.trust.revocation(T1).offline_check
    assert (await newly_loaded(platform)).revocation(T1).offline_check
    async with platform.database.transaction() as tx:
        await tenant_options.delete(tx, platform, T1, *OFFLINE_CHECK)
    assert not platform.trust.revocation(T1).offline_check


async def test_signed_lists_are_numbered_without_gaps_or_repetition(platform: Platform) -> None:
    made = await asyncio.gather(*(revocation.signed_list(platform, T1) for _ in range(8)))
    numbers = [
        x509.load_der_x509_crl(der).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for der in made
    ]
    assert sorted(numbers) == list(range(1, 9))


async def test_long_list_is_signed_as_a_whole(platform: Platform) -> None:
    await revoke(platform, *range(1, 25_001))
    assert {one.serial_number for one in x509.load_der_x509_crl(await revocation.signed_list(platform, T1))} == set(
        range(1, 25_001)
    )


def lists(store: TrustStore) -> list[AuthorityList]:
    return list(store.revocation(T1).lists)


async def test_uploaded_list_is_known_at_once_and_after_a_restart(platform: Platform) -> None:
    root = root_authority("Plant CA")
    await upload(platform, root)
    stored = await authority_lists.upload(platform, T1, BytesIO(revocation_list(root, range(1, 2001), number=2**100)))
    for store in (platform.trust, await newly_loaded(platform)):
        (known,) = lists(store)
        assert (known.id, known.number, known.count, len(known.serials)) == (stored.id, 2**100, 2000, 2000)
        assert known.serials.since(serial_octets(1234)) is not None


async def test_list_of_a_renewed_ca_takes_the_place_of_the_old_one(platform: Platform, clock: MovableClock) -> None:
    root = root_authority("Plant CA")
    await upload(platform, root)
    await authority_lists.upload(platform, T1, BytesIO(revocation_list(root, [1], number=1)))
    renewed = root.renewed()
    await upload(platform, renewed)
    await authority_lists.upload(platform, T1, BytesIO(revocation_list(renewed, [2], number=2)))
    (known,) = lists(platform.trust)
    assert (known.number, known.count) == (2, 1)


async def test_lists_of_evil_twins_stand_beside_each_other(platform: Platform) -> None:
    twins = [root_authority("Plant CA") for _ in range(2)]
    for number, twin in enumerate(twins):
        await upload(platform, twin)
        await authority_lists.upload(platform, T1, BytesIO(revocation_list(twin, [number], number=5 - number)))
    assert [known.issuer.der for known in lists(platform.trust)] == [twin.der for twin in twins]


async def test_of_lists_that_are_uploaded_at_once_the_newest_stays(platform: Platform) -> None:
    root = root_authority("Plant CA")
    await upload(platform, root)

    async def put(number: int) -> ListFault | None:
        try:
            await authority_lists.upload(platform, T1, BytesIO(revocation_list(root, [number], number=number)))
        except UnacceptableListError as error:
            return error.fault
        return None

    faults = await asyncio.gather(*(put(number) for number in (3, 1, 6, 2, 5, 4)))
    assert set(faults) <= {None, ListFault.OLDER}
    (known,) = lists(platform.trust)
    assert known.number == 6


async def test_list_that_openssl_made_is_accepted(platform: Platform, tmp_path: Path) -> None:
    """``openssl ca -gencrl``, with and without extensions, as the usual recipes call it."""
    root = root_authority("Plant CA")
    await upload(platform, root)
    (tmp_path / "ca.pem").write_text(root.pem)
    (tmp_path / "ca.key").write_text(root.key_pem())
    (tmp_path / "index.txt").write_text("R\t450101000000Z\t261001120000Z,keyCompromise\t1000\tunknown\t/CN=pump\n")
    (tmp_path / "number").write_text("01\n")
    config = tmp_path / "ca.cnf"
    extensions = "[ext]\nauthorityKeyIdentifier=keyid:always\n"
    for more in ("", f"crlnumber = {tmp_path}/number\ncrl_extensions = ext\n"):
        config.write_text(
            f"[ca]\ndefault_ca = own\n[own]\ndatabase = {tmp_path}/index.txt\ndefault_md = sha256\n{more}{extensions}"
        )
        words = ["-config", config, "-gencrl", "-keyfile", tmp_path / "ca.key", "-cert", tmp_path / "ca.pem"]
        run("openssl", "ca", *words, "-crldays", "3650", "-out", tmp_path / "crl.pem").succeeded()
        sent = (tmp_path / "crl.pem").read_bytes()
        platform_now = platform.clock.now()
        assert isinstance(platform.clock, MovableClock)
        platform.clock.set(max(platform_now, x509.load_pem_x509_crl(sent).last_update_utc))
        stored = await authority_lists.upload(platform, T1, BytesIO(sent))
        assert stored.count == 1
    assert lists(platform.trust)[0].serials.since(serial_octets(0x1000)) is not None


async def test_list_is_refused_that_would_fill_the_memory(platform: Platform) -> None:
    root, other = root_authority("Plant CA"), root_authority("Other CA")
    await upload(platform, root)
    await upload(platform, other)
    first = await authority_lists.upload(platform, T1, BytesIO(revocation_list(root, [1])))
    async with platform.database.transaction() as tx:
        large = replace(first, count=authority_lists.MAX_ENTRIES - 1)
        await stored_lists.put(tx, ListUpload(large, b""))
    await authority_lists.upload(platform, T1, BytesIO(revocation_list(other, [1], number=1)))
    with pytest.raises(UnacceptableListError) as refused:
        await authority_lists.upload(platform, T1, BytesIO(revocation_list(other, [1, 2], number=2)))
    assert refused.value.fault is ListFault.TOO_LARGE
    await authority_lists.upload(platform, T1, BytesIO(revocation_list(root, [1, 2], number=2)))
