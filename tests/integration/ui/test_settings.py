"""The pages of settings and of revoking."""

import httpx
import pytest
from cryptography import x509

from certinel.bus.messages import DeviceUserChanged
from certinel.domain.admission import Admission, ConnectAttempt
from certinel.domain.identifiers import DeviceId, device_user_name
from certinel.domain.role import READERS
from certinel.domain.user_account import UserAccount
from certinel.services import revocation
from certinel.services.admission import judge
from certinel.storage import users
from certinel.storage.page import PageRequest
from integration.ui.conftest import TENANT, Site, Visitor
from support.certificates import Issued, root_authority
from support.html_forms import HtmlForm, form_to, forms_of
from support.revocation_lists import revocation_list

SETTINGS = "/ui/settings"
REVOKE = f"{SETTINGS}/revoke"
SERIAL = 0x8AB34FE5476


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant CA")


async def revoked(site: Site) -> list[tuple[str, bool]]:
    """Serial numbers on the tenant's list, each with whether its issuer is named."""
    async with site.platform.database.reading() as tx:
        page = await revocation.list_of(tx, TENANT, PageRequest(1, 100))
    return [(entry.serial_text, entry.issuer is not None) for entry in page.items]


def switch(page: str, name: str) -> HtmlForm:
    return [form for form in forms_of(page) if form.action == f"{SETTINGS}/checks"][("offline", "online").index(name)]


async def met(site: Site, device: Issued, name: str) -> None:
    """Let the platform know a device with its chain, as after it has connected."""
    async with site.platform.database.transaction() as tx:
        await users.insert_if_absent(tx, UserAccount.of_device(TENANT, DeviceId(name), site.clock.now()))
        tx.after_commit(site.platform.bus.publish, DeviceUserChanged(TENANT, device_user_name(DeviceId(name))))
    verdict = judge(site.platform, ConnectAttempt(device.chain_der, name))
    assert isinstance(verdict, Admission)
    site.platform.device_sightings.note(verdict, device.chain_der)
    await site.platform.device_sightings.flush()


# ---- switches and lifetimes


async def test_checks_are_switched_one_by_one(site: Site, admin: Visitor) -> None:
    await admin.send(switch(await admin.page(SETTINGS), "offline"), offline="on")
    assert "the revocation list counts" in await admin.page(SETTINGS)
    known = site.platform.trust.revocation(TENANT)
    assert (known.offline_check, known.online_check) == (True, False)
    await admin.send(switch(await admin.page(SETTINGS), "online"), online="on")
    await admin.send(switch(await admin.page(SETTINGS), "offline"), offline="off")
    assert (known.offline_check, known.online_check) == (False, True)


async def test_lifetimes_are_shown_and_saved(admin: Visitor) -> None:
    form = form_to(await admin.page(SETTINGS), "/lifetimes")
    assert (form.fields["device"], form.fields["people"]) == ("3600", "172800")
    assert (await admin.send(form, device="600")).status_code == httpx.codes.SEE_OTHER
    assert form_to(await admin.page(SETTINGS), "/lifetimes").fields["device"] == "600"


@pytest.mark.parametrize("seconds", ["299", "", "x", "1e9", "9" * 40])
async def test_lifetime_that_cannot_be_comes_back_with_what_is_expected(admin: Visitor, seconds: str) -> None:
    answer = await admin.fill(SETTINGS, "/lifetimes", device=seconds)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "a whole number from 300 to" in answer.text
    assert form_to(answer.text, "/lifetimes").fields["device"] == seconds


async def test_what_the_operator_has_set_is_shown(admin: Visitor) -> None:
    page = await admin.page(SETTINGS)
    assert "trust.max_chain_length" in page
    assert "at most 2 certificates" in page


async def test_who_may_only_read_sees_everything_and_changes_nothing(site: Site) -> None:
    reader = await site.with_user("reader", READERS)
    page = await reader.page(SETTINGS)
    assert "3600" in page
    assert REVOKE not in page
    assert (await reader.get(REVOKE)).status_code == httpx.codes.FORBIDDEN
    answer = await reader.send(switch(page, "offline"), offline="on")
    assert answer.status_code == httpx.codes.FORBIDDEN


# ---- revoking


async def test_template_can_be_sent_as_it_is(site: Site, admin: Visitor) -> None:
    template = await admin.get(f"{SETTINGS}/crl-template.csv")
    assert template.text.startswith("SERIALNO,DATE\n")
    form = form_to(await admin.page(REVOKE), "/read")
    files = {"file": ("crl-template.csv", template.content)}
    review = await admin.http.post(form.action, data=form.fields, files=files)
    assert "Revoke 1 certificate" in review.text
    assert await revoked(site) == []
    done = await admin.send(form_to(review.text, "/revoke"))
    assert done.headers["location"] == f"{SETTINGS}#revocation"
    assert await revoked(site) == [("8ab34fe5476", False)]
    page = await admin.page(SETTINGS)
    assert "CRL saved: 1 entry." in page
    assert "so this list does not count" in page


async def test_rows_of_serial_numbers_are_read_and_more_rows_keep_them(site: Site, admin: Visitor) -> None:
    form = form_to(await admin.page(REVOKE), "/read")
    fields = {**form.fields, "serial": ["8A:B3:4F:E5:47:6", "0x1000", ""], "date": ["2026-11-01", "", ""]}
    more = await admin.http.post(form.action, data={**fields, "more": "1"})
    assert more.text.count('name="serial"') == 4
    assert 'value="0x1000"' in more.text
    review = await admin.http.post(form.action, data=fields)
    assert "2 serial numbers that no known certificate has" in review.text
    await admin.send(form_to(review.text, "/revoke"))
    assert sorted(await revoked(site)) == [("1000", False), ("8ab34fe5476", False)]


@pytest.mark.parametrize(
    ("serial", "words"), [("zz", "is no serial number"), ("", "There is no serial number and no file")]
)
async def test_what_is_no_serial_number_comes_back(admin: Visitor, serial: str, words: str) -> None:
    answer = await admin.fill(REVOKE, "/read", serial=serial, date="")
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert words in answer.text


async def test_more_entries_than_are_revoked_at_once_are_refused_and_not_cut(site: Site, admin: Visitor) -> None:
    form = form_to(await admin.page(REVOKE), "/read")
    rows = ["".join(f"{serial:x}\n" for serial in range(start, start + 3000)) for start in (1, 5001)]
    files = [("file", (f"{number}.csv", "SERIALNO\n" + content)) for number, content in enumerate(rows)]
    answer = await admin.http.post(form.action, data=form.fields, files=files)
    assert (answer.status_code, "These are 6000 entries" in answer.text) == (422, True)
    assert await revoked(site) == []


async def test_known_certificates_and_devices_are_shown_before_they_are_revoked(
    site: Site, admin: Visitor, plant: Issued
) -> None:
    await site.trusted(plant)
    pump = plant.device("pump-7", serial=SERIAL)
    await met(site, pump, "pump-7")
    await admin.send(switch(await admin.page(SETTINGS), "offline"), offline="on")
    review = await admin.fill(REVOKE, "/read", serial=f"{SERIAL:x}", date="")
    assert "CN=pump-7" in review.text
    assert "revocation/device" in review.text
    await admin.send(form_to(review.text, "/revoke"), scope="known")
    assert await revoked(site) == [(f"{SERIAL:x}", True)]


async def test_serial_number_can_be_meant_whoever_issued_it(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    await met(site, plant.device("pump-7", serial=SERIAL), "pump-7")
    review = await admin.fill(REVOKE, "/read", serial=f"{SERIAL:x}", date="")
    await admin.send(form_to(review.text, "/revoke"), scope="all")
    assert await revoked(site) == [(f"{SERIAL:x}", False)]


async def test_certificate_is_revoked_by_its_file(site: Site, admin: Visitor, plant: Issued) -> None:
    form = form_to(await admin.page(REVOKE), "/read")
    files = {"file": ("pump.pem", plant.device("pump-7", serial=SERIAL).pem.encode())}
    review = await admin.http.post(form.action, data=form.fields, files=files)
    await admin.send(form_to(review.text, "/revoke"), scope="all")
    assert await revoked(site) == [(f"{SERIAL:x}", True)]


async def test_entries_that_were_tampered_with_are_refused(admin: Visitor, site: Site) -> None:
    review = await admin.fill(REVOKE, "/read", serial="1000", date="")
    answer = await admin.send(form_to(review.text, "/revoke"), entry="nonsense")
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert await revoked(site) == []


async def test_signed_list_is_downloaded(site: Site, admin: Visitor) -> None:
    review = await admin.fill(REVOKE, "/read", serial="1000", date="")
    await admin.send(form_to(review.text, "/revoke"))
    answer = await admin.get(f"{SETTINGS}/revocation.crl")
    assert answer.headers["content-type"] == "application/pkix-crl"
    assert [one.serial_number for one in x509.load_der_x509_crl(answer.content)] == [0x1000]


# ---- lists of CAs


async def test_list_of_a_ca_is_uploaded_shown_downloaded_and_deleted(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    der = revocation_list(plant, [1, 2], number=7)
    form = form_to(await admin.page(SETTINGS), "/authority-lists")
    answer = await admin.http.post(form.action, data=form.fields, files={"file": ("plant.crl", der)})
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
    page = await admin.page(SETTINGS)
    assert "Current" in page
    delete = next(form for form in forms_of(page) if form.action.endswith("/delete"))
    assert (await admin.get(delete.action.replace("/delete", "/file"))).content == der
    await admin.send(delete)
    assert "Revocation list deleted." in await admin.page(SETTINGS)
    assert not list(site.platform.trust.revocation(TENANT).lists)


async def test_list_that_is_not_accepted_says_why(admin: Visitor, plant: Issued) -> None:
    form = form_to(await admin.page(SETTINGS), "/authority-lists")
    files = {"file": ("plant.crl", revocation_list(plant, [1], number=7))}
    answer = await admin.http.post(form.action, data=form.fields, files=files)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert 'role="alert"' in answer.text


async def test_list_that_is_not_there_is_not_found(admin: Visitor) -> None:
    assert (await admin.get(f"{SETTINGS}/authority-lists/12345/file")).status_code == httpx.codes.NOT_FOUND
    assert (await admin.get(f"{SETTINGS}/authority-lists/x/file")).status_code == httpx.codes.NOT_FOUND
