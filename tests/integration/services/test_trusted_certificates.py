"""Uploading, changing and deleting trusted certificates."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from certinel.bus.messages import TrustChanged
from certinel.domain.admission import ConnectAttempt
from certinel.domain.certificate import Certificate
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, TenantId
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.domain.trusted_certificate_draft import TrustedCertificateDraft, UnacceptableCertificateError
from certinel.services import trusted_certificates
from certinel.services.admission import judge
from certinel.services.platform import Platform, PlatformOptions
from certinel.services.trusted_certificates import (
    MAX_OF_SUBJECT,
    MAX_TRUSTED,
    Change,
    TrustedCertificateAlreadyExistsError,
    TrustedCertificateNotFoundError,
)
from certinel.storage.engine import Database
from certinel.storage.page import Page, PageRequest
from certinel.storage.trusted_certificates import EVERYTHING, TrustFilter, TrustOrder
from support.certificates import Issued, new_key, root_authority
from support.clock import START, MovableClock
from support.platforms import started_platform

T1 = TenantId("t1000")
UNKNOWN = "0" * 40


def draft_of(issued: Issued, name: str | None = "Plant") -> TrustedCertificateDraft:
    return TrustedCertificateDraft(certificate_text=issued.pem, status=TrustStatus.ENABLED, name=name)


async def upload(platform: Platform, *issued: Issued, tenant: TenantId = T1) -> tuple[TrustedCertificate, ...]:
    async with platform.database.transaction() as tx:
        return await trusted_certificates.upload_all(tx, platform, tenant, [draft_of(one) for one in issued])


async def update(platform: Platform, fingerprint: str, change: Change) -> TrustedCertificate:
    async with platform.database.transaction() as tx:
        return await trusted_certificates.update(tx, platform, T1, fingerprint, change)


async def delete(platform: Platform, fingerprint: str, tenant: TenantId = T1) -> None:
    async with platform.database.transaction() as tx:
        await trusted_certificates.delete(tx, platform, tenant, fingerprint)


async def get(platform: Platform, fingerprint: str, tenant: TenantId = T1) -> TrustedCertificate:
    async with platform.database.reading() as tx:
        return await trusted_certificates.get(tx, tenant, fingerprint)


async def list_of(platform: Platform, request: PageRequest, tenant: TenantId = T1) -> Page[TrustedCertificate]:
    async with platform.database.reading() as tx:
        return await trusted_certificates.list_of(tx, tenant, request)


async def test_an_upload_is_stored_as_it_was_drafted(platform: Platform) -> None:
    root = root_authority("Plant CA")
    draft = TrustedCertificateDraft(
        certificate_text=root.pem,
        status=TrustStatus.DISABLED,
        name="Werk Süd",
        auto_registration=True,
        in_trust_store=False,
    )
    async with platform.database.transaction() as tx:
        uploaded = await trusted_certificates.upload(tx, platform, T1, draft)
    stored = await get(platform, uploaded.fingerprint)
    assert stored == uploaded
    assert stored.certificate.der == root.der
    assert (stored.name, stored.status, stored.auto_registration) == ("Werk Süd", TrustStatus.DISABLED, True)
    assert (stored.in_trust_store, stored.uploaded_at, stored.is_proven) == (False, START, False)


async def test_the_fingerprint_is_found_in_upper_case_too(platform: Platform) -> None:
    (uploaded,) = await upload(platform, root_authority("Plant CA"))
    assert await get(platform, uploaded.fingerprint.upper()) == uploaded


@pytest.mark.parametrize("fingerprint", [UNKNOWN, "", "x", "\0", "ä" * 40, "0" * 41, "%"])
async def test_an_unknown_fingerprint_is_not_found_in_the_words_of_the_contract(
    platform: Platform, fingerprint: str
) -> None:
    with pytest.raises(TrustedCertificateNotFoundError) as refusal:
        await get(platform, fingerprint)
    assert str(refusal.value) == f"Cannot find certificate with fingerprint {fingerprint}."


async def test_the_same_certificate_twice_is_refused_in_the_words_of_the_contract(platform: Platform) -> None:
    root = root_authority("Plant CA")
    (uploaded,) = await upload(platform, root)
    with pytest.raises(TrustedCertificateAlreadyExistsError) as refusal:
        await upload(platform, root)
    assert str(refusal.value) == (
        f"Cannot add certificate - certificate with {uploaded.fingerprint} fingerprint already exists. : "
        f"Certificate with {uploaded.fingerprint} fingerprint already exists."
    )


async def test_of_two_uploads_at_once_one_is_refused(platform: Platform) -> None:
    root = root_authority("Plant CA")
    results = await asyncio.gather(*(upload(platform, root) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, TrustedCertificateAlreadyExistsError) for result in results) == 3
    assert (await list_of(platform, PageRequest(with_total_elements=True))).total_elements == 1


async def test_another_tenant_may_have_the_same_certificate(platform: Platform) -> None:
    root = root_authority("Plant CA")
    (first,) = await upload(platform, root)
    (second,) = await upload(platform, root, tenant=MANAGEMENT_TENANT)
    assert first.id != second.id
    assert (await get(platform, second.fingerprint, MANAGEMENT_TENANT)).tenant == MANAGEMENT_TENANT


async def test_another_tenant_may_not_have_it_when_certificates_are_not_shared(database: Database) -> None:
    platform = await started_platform(database, options=PlatformOptions(shared_certificates=False))
    root = root_authority("Plant CA")
    results = await asyncio.gather(
        upload(platform, root), upload(platform, root, tenant=MANAGEMENT_TENANT), return_exceptions=True
    )
    assert sum(isinstance(result, TrustedCertificateAlreadyExistsError) for result in results) == 1


async def test_a_deleted_certificate_of_another_tenant_is_no_obstacle(database: Database) -> None:
    platform = await started_platform(database, options=PlatformOptions(shared_certificates=False))
    root = root_authority("Plant CA")
    (uploaded,) = await upload(platform, root, tenant=MANAGEMENT_TENANT)
    await delete(platform, uploaded.fingerprint, MANAGEMENT_TENANT)
    await upload(platform, root)


async def test_what_cannot_be_trusted_is_refused_and_not_stored(platform: Platform) -> None:
    with pytest.raises(UnacceptableCertificateError):
        await upload(platform, root_authority("Weak", key="rsa-1024"))
    assert (await list_of(platform, PageRequest())).items == ()


async def test_of_several_uploads_either_all_are_stored_or_none(platform: Platform) -> None:
    first, second = root_authority("First"), root_authority("Second")
    with pytest.raises(UnacceptableCertificateError):
        await upload(platform, first, root_authority("Weak", key="rsa-1024"))
    with pytest.raises(TrustedCertificateAlreadyExistsError):
        await upload(platform, first, second, first)
    assert (await list_of(platform, PageRequest())).items == ()
    uploaded = await upload(platform, first, second)
    assert (await list_of(platform, PageRequest())).items == uploaded


async def test_the_list_is_paged_in_the_order_of_upload(platform: Platform, clock: MovableClock) -> None:
    names = [f"CA {number}" for number in range(7)]
    for name in names:
        await upload(platform, root_authority(name))
        clock.move(timedelta(seconds=1))
    pages = [await list_of(platform, PageRequest(number, 3, with_total_pages=True)) for number in (1, 2, 3, 4)]
    subjects = [[one.certificate.common_names[0] for one in page.items] for page in pages]
    assert subjects == [names[:3], names[3:6], names[6:], []]
    assert pages[0].total_pages == 3


async def test_nobody_sees_the_certificates_of_another_tenant(platform: Platform) -> None:
    (uploaded,) = await upload(platform, root_authority("Plant CA"))
    assert (await list_of(platform, PageRequest(), MANAGEMENT_TENANT)).items == ()
    with pytest.raises(TrustedCertificateNotFoundError):
        await get(platform, uploaded.fingerprint, MANAGEMENT_TENANT)
    with pytest.raises(TrustedCertificateNotFoundError):
        await delete(platform, uploaded.fingerprint, MANAGEMENT_TENANT)


@pytest.mark.parametrize(
    "change",
    [Change(name="Other"), Change(status=TrustStatus.DISABLED), Change(auto_registration=True), Change()],
)
async def test_a_partial_update_keeps_the_other_fields(platform: Platform, change: Change) -> None:
    (uploaded,) = await upload(platform, root_authority("Plant CA"))
    updated = await update(platform, uploaded.fingerprint, change)
    assert updated == uploaded.updated(
        name=change.name, status=change.status, auto_registration=change.auto_registration
    )
    assert await get(platform, uploaded.fingerprint) == updated


async def test_a_stored_certificate_that_expires_stays_listed_but_cannot_be_enabled(
    platform: Platform, clock: MovableClock
) -> None:
    (uploaded,) = await upload(platform, root_authority("Plant CA", valid=(START, START + timedelta(days=1))))
    clock.move(timedelta(days=2))
    assert (await list_of(platform, PageRequest())).items == (uploaded,)
    await update(platform, uploaded.fingerprint, Change(name="Old", status=TrustStatus.DISABLED))
    with pytest.raises(UnacceptableCertificateError, match="either expired or not yet valid"):
        await update(platform, uploaded.fingerprint, Change(status=TrustStatus.ENABLED))


async def test_an_unusable_name_is_refused(platform: Platform) -> None:
    (uploaded,) = await upload(platform, root_authority("Plant CA"))
    with pytest.raises(UnacceptableCertificateError):
        await update(platform, uploaded.fingerprint, Change(name="a\0b"))


async def test_a_deleted_certificate_is_gone_and_can_be_uploaded_anew(platform: Platform) -> None:
    root = root_authority("Plant CA")
    (first,) = await upload(platform, root)
    await delete(platform, first.fingerprint)
    for call in (get(platform, first.fingerprint), delete(platform, first.fingerprint)):
        with pytest.raises(TrustedCertificateNotFoundError):
            await call
    (second,) = await upload(platform, root)
    assert second.id != first.id


async def test_a_change_never_undoes_a_deletion_beside_it(platform: Platform) -> None:
    root = root_authority("Plant CA")
    for _ in range(10):
        (uploaded,) = await upload(platform, root)
        await asyncio.gather(
            delete(platform, uploaded.fingerprint),
            update(platform, uploaded.fingerprint, Change(name="Other")),
            update(platform, uploaded.fingerprint, Change(auto_registration=True)),
            return_exceptions=True,
        )
        with pytest.raises(TrustedCertificateNotFoundError):
            await get(platform, uploaded.fingerprint)


async def test_two_changes_at_once_both_hold(platform: Platform) -> None:
    (uploaded,) = await upload(platform, root_authority("Plant CA"))
    await asyncio.gather(
        update(platform, uploaded.fingerprint, Change(name="Other")),
        update(platform, uploaded.fingerprint, Change(status=TrustStatus.DISABLED)),
        update(platform, uploaded.fingerprint, Change(auto_registration=True)),
    )
    changed = await get(platform, uploaded.fingerprint)
    assert (changed.name, changed.status, changed.auto_registration) == ("Other", TrustStatus.DISABLED, True)


async def test_every_change_is_told_after_it_is_stored(platform: Platform) -> None:
    seen: list[int] = []

    async def count(message: TrustChanged) -> None:
        assert message == TrustChanged(T1, Certificate.parse(root.der).subject)
        seen.append(len((await list_of(platform, PageRequest())).items))

    root = root_authority("Plant CA")
    platform.bus.subscribe(TrustChanged, count)
    (uploaded,) = await upload(platform, root)
    await update(platform, uploaded.fingerprint, Change(name="Other"))
    await update(platform, uploaded.fingerprint, Change(name="Other"))  # no change
    await delete(platform, uploaded.fingerprint)
    assert seen == [1, 1, 0]


async def test_a_failed_change_is_not_told(platform: Platform) -> None:
    told: list[TrustChanged] = []

    async def note(message: TrustChanged) -> None:
        told.append(message)

    root = root_authority("Plant CA")
    await upload(platform, root)
    platform.bus.subscribe(TrustChanged, note)
    with pytest.raises(TrustedCertificateAlreadyExistsError):
        await upload(platform, root)
    assert told == []


async def names(
    platform: Platform, wanted: TrustFilter = EVERYTHING, order: TrustOrder = TrustOrder.NAME, *, turned: bool = False
) -> list[str]:
    request = PageRequest(1, 10)
    async with platform.database.reading() as tx:
        page = await trusted_certificates.list_of(tx, T1, request, wanted=wanted, order=order, is_descending=turned)
    return [one.certificate.common_names[0] for one in page.items]


async def test_a_list_is_sorted_by_each_of_its_columns(platform: Platform) -> None:
    short, long = root_authority("a", ends=timedelta(days=5)), root_authority("B", key="rsa-2048")
    uploaded = await upload(platform, long, short)
    await update(platform, uploaded[0].fingerprint, Change(status=TrustStatus.DISABLED, name="Zoo"))
    assert await names(platform, order=TrustOrder.UPLOADED) == ["B", "a"]
    assert await names(platform, order=TrustOrder.NAME) == ["a", "B"]
    assert await names(platform, order=TrustOrder.NAME, turned=True) == ["B", "a"]
    assert await names(platform, order=TrustOrder.EXPIRES) == ["a", "B"]
    assert await names(platform, order=TrustOrder.STATUS) == ["B", "a"]
    assert await names(platform, order=TrustOrder.ALGORITHM) == ["a", "B"]


async def test_a_list_is_narrowed(platform: Platform) -> None:
    short, long = root_authority("Hall 3", ends=timedelta(days=5)), root_authority("Yard_1", serial=0xAB12)
    uploaded = await upload(platform, long, short)
    await update(platform, uploaded[0].fingerprint, Change(status=TrustStatus.DISABLED))
    at = platform.clock.now()
    for wanted, expected in (
        (TrustFilter(text="hall"), ["Hall 3"]),
        (TrustFilter(text="d_1"), ["Yard_1"]),
        (TrustFilter(text="l_"), []),
        (TrustFilter(text="AB:12"), ["Yard_1"]),
        (TrustFilter(text=uploaded[1].fingerprint.upper()), ["Hall 3"]),
        (TrustFilter(status=TrustStatus.DISABLED), ["Yard_1"]),
        (TrustFilter(is_proven=True), []),
        (TrustFilter(ends_before=at + timedelta(days=90)), ["Hall 3"]),
    ):
        assert await names(platform, wanted) == expected, wanted


@pytest.mark.parametrize("anew", ["renewed", "the same again"])
async def test_another_tenants_copy_never_comes_before_a_claim_that_went_on_without_a_gap(
    platform: Platform, clock: MovableClock, anew: str
) -> None:
    root = root_authority("Plant CA")
    (first,) = await upload(platform, root)
    clock.move(timedelta(days=1))
    await upload(platform, root, tenant=MANAGEMENT_TENANT)
    clock.move(timedelta(days=1))
    if anew == "renewed":
        await upload(platform, root.renewed())
        await delete(platform, first.fingerprint)
    else:
        await delete(platform, first.fingerprint)
        clock.move(timedelta(days=29))
        await upload(platform, root)
    clock.move(timedelta(days=31))
    await platform.trust_keeper.load()
    refusal = judge(platform, ConnectAttempt(root.device("pump").chain_der, "pump"))
    assert isinstance(refusal, Refusal)
    assert (refusal.tenant, refusal.code) == (T1, Code.REGISTRATION_REQUIRED)


async def test_claim_begins_anew_after_a_gap(platform: Platform, clock: MovableClock) -> None:
    root = root_authority("Plant CA")
    (first,) = await upload(platform, root)
    await delete(platform, first.fingerprint)
    clock.move(timedelta(days=31))
    (again,) = await upload(platform, root)
    assert again.place == (clock.now(), again.id)


async def test_name_of_a_ca_is_not_filled_with_look_alikes(platform: Platform) -> None:
    key = new_key()
    twins = [root_authority("Plant CA", key=key, serial=number) for number in range(1, MAX_OF_SUBJECT + 2)]
    await upload(platform, *twins[1:-1])
    with pytest.raises(UnacceptableCertificateError, match="trusted certificates of one subject"):
        await upload(platform, twins[0], twins[-1])
    await upload(platform, twins[0])
    await delete(platform, twins[0].fingerprint)
    with pytest.raises(UnacceptableCertificateError):  # a claim outlives its deletion
        await upload(platform, twins[-1])
    await upload(platform, root_authority("Other CA"))
    await upload(platform, twins[-1], tenant=MANAGEMENT_TENANT)


async def test_tenant_has_no_end_of_trusted_certificates(platform: Platform) -> None:
    (one,) = await upload(platform, root_authority("Plant CA"))
    platform.trust.replace_trusted_certificates(T1, [replace(one, id=number) for number in range(MAX_TRUSTED)])
    with pytest.raises(UnacceptableCertificateError, match=f"at most {MAX_TRUSTED} trusted certificates,"):
        await upload(platform, root_authority("Other CA"))


async def test_change_of_one_leaves_the_others_as_they_are_known(platform: Platform) -> None:
    plant, hall = await upload(platform, root_authority("Plant CA"), root_authority("Hall CA"))
    known = platform.trust.read_certificates(T1)
    await update(platform, plant.fingerprint, Change(name="another name"))
    found = {one.id: one for one in platform.trust.trusted_certificates(T1)}
    assert (found[plant.id].name, found[hall.id].name) == ("another name", "Plant")
    assert found[plant.id].certificate is known[plant.certificate.der]
