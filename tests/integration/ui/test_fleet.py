"""The pages of devices, registration, groups, overview, users and tenants: what they show and do, without scripts."""

import csv
import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import Origin, Sighting
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import DeviceId
from certinel.domain.managed_object import SERIAL, ExternalId
from certinel.domain.role import READERS
from certinel.domain.trusted_certificate import TrustStatus
from certinel.services import devices, trusted_certificates, users
from certinel.services.admission import judge
from certinel.storage import external_ids, managed_objects
from certinel.storage import users as stored_users
from certinel.storage.managed_objects import NewManagedObject
from certinel.ui.texts import ENGLISH
from integration.ui.conftest import TENANT, Site, Visitor
from support import fleet
from support.certificates import Issued, root_authority
from support.clock import START
from support.html_forms import form_to, forms_of

HOSTILE = "<script>alert(1)</script>\"'<img src=x onerror=alert(2)>"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant CA")


@pytest.fixture
async def pump(site: Site, plant: Issued) -> Issued:
    """A device that has connected."""
    await site.trusted(plant)
    pump = plant.device("pump-1", serial=0xBEEF, valid=(START - DAY, START + 20 * DAY))
    await fleet.connect(site.platform, pump, plant.device("valve-1"))
    return pump


async def device_named(site: Site, device: str, name: str) -> None:
    new = NewManagedObject(
        tenant=TENANT,
        name=name,
        type="pump",
        owner=f"device_{device}",
        created_at=START,
        fragments={"c8y_IsDevice": {}},
    )
    async with site.platform.database.transaction() as tx:
        (number,) = await managed_objects.create(tx, [new])
        await external_ids.bind(tx, TENANT, ExternalId(SERIAL, device, number))


async def is_enabled(site: Site, device: str) -> bool:
    async with site.platform.database.reading() as tx:
        return (await devices.get(tx, site.platform, TENANT, device)).is_enabled


# ---- devices


async def test_list_shows_devices_with_their_certificates(admin: Visitor, pump: Issued) -> None:
    page = await admin.page("/ui/devices")
    assert "pump-1" in page
    assert "beef" in page
    assert "in 19 days" in page or "in 20 days" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=pump", True),
        ("q=BE:EF", True),
        ("q=x", False),
        ("expires=30", True),
        ("expires=0", False),
        ("month=2026-12", True),
        ("month=2027-01", False),
        ("state=connected", False),
        ("state=absent", True),
        ("state=disabled", False),
        ("state=nonsense&expires=x&month=2026-13&after=%25", True),
    ],
)
async def test_filters_in_the_address_hold(admin: Visitor, pump: Issued, query: str, *, found: bool) -> None:
    assert (">pump-1<" in await admin.page(f"/ui/devices?{query}")) == found


async def test_list_without_devices_teaches_the_next_step(admin: Visitor) -> None:
    assert "certinel onboard" in await admin.page("/ui/devices")


async def test_pages_of_the_list_follow_each_other(site: Site, admin: Visitor) -> None:
    names = [f"pump-{number:02}" for number in range(60)]
    async with site.platform.database.transaction() as tx:
        await users.register_devices(tx, site.platform.bus, [(TENANT, DeviceId(name)) for name in names], START)
    first = await admin.page("/ui/devices")
    assert (">pump-49<" in first, ">pump-50<" in first) == (True, False)
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert ">pump-50<" in await admin.page(following)


async def test_chosen_devices_are_disabled_and_enabled_together(site: Site, admin: Visitor, pump: Issued) -> None:
    form = form_to(await admin.page("/ui/devices"), "/devices/change")
    for do, state in (("disable", False), ("enable", True)):
        answer = await admin.http.post(form.action, data={**form.fields, "device": ["pump-1", "valve-1"], "do": do})
        assert answer.headers["location"] == "/ui/devices"
        assert (await is_enabled(site, "pump-1"), await is_enabled(site, "valve-1")) == (state, state)


async def test_choosing_none_is_said(admin: Visitor, pump: Issued) -> None:
    answer = await admin.fill("/ui/devices", "/devices/change", do="disable")
    assert (answer.status_code, "No device is chosen." in answer.text) == (422, True)


async def test_export_is_a_table_of_what_the_filters_leave(site: Site, admin: Visitor, pump: Issued) -> None:
    await device_named(site, "pump-1", "=HYPERLINK(1)")
    answer = await admin.get("/ui/devices.csv?q=pump")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    headings, row = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert dict(zip(headings, row, strict=True)) | {
        "device": "pump-1",
        "name": "'=HYPERLINK(1)",
        "serial number": "beef",
    } == dict(zip(headings, row, strict=True))


async def test_device_page_shows_certificate_chain_and_connections(admin: Visitor, pump: Issued) -> None:
    page = await admin.page("/ui/devices/pump-1")
    for words in ("Provisioned certificates", "CN=Plant CA, O=Example", "Why it may connect", "Accepted", "beef"):
        assert words in page


async def test_device_page_says_why_it_may_not_connect(site: Site, admin: Visitor, pump: Issued) -> None:
    async with site.platform.database.transaction() as tx:
        await users.set_enabled(tx, site.platform, TENANT, "device_pump-1", is_enabled=False)
    page = await admin.page("/ui/devices/pump-1")
    assert "Why it may not connect" in page
    assert "device/disabled" in page


async def test_what_helps_is_a_button_under_the_broken_chain(site: Site, admin: Visitor, pump: Issued) -> None:
    change = trusted_certificates.Change(status=TrustStatus.DISABLED)
    async with site.platform.database.transaction() as tx:
        fingerprint = site.platform.trust.trusted_certificates(TENANT)[0].fingerprint
        await trusted_certificates.update(tx, site.platform, TENANT, fingerprint, change)
    page = await admin.page("/ui/devices/pump-1")
    assert Code.TRUST_DISABLED in page
    assert "Enable plant</button>" in page


async def test_measurements_are_drawn_with_their_numbers_behind(site: Site, admin: Visitor, pump: Issued) -> None:
    await device_named(site, "pump-1", "Pump")
    http = admin.http
    headers = {"X-XSRF-TOKEN": http.cookies["XSRF-TOKEN"]}
    found = await http.get("/identity/externalIds/c8y_Serial/pump-1", headers=headers)
    number = found.json()["managedObject"]["id"]
    for value in (20.5, 21.5):
        body = {
            "source": {"id": number},
            "type": "t",
            "time": "2026-11-23T08:00:00Z",
            "c8y_Temperature": {"T": {"value": value, "unit": "°C"}, "odd": {"value": "x"}},
        }
        assert (await http.post("/measurement/measurements", json=body, headers=headers)).is_success
    page = await admin.page("/ui/devices/pump-1")
    assert "c8y_Temperature · T" in page
    assert "<polyline" in page
    assert "20.5 °C" in page


async def test_device_that_is_not_there_is_not_found(admin: Visitor) -> None:
    for path in ("/ui/devices/x", "/ui/devices/x/delete", "/ui/devices/x/revoke"):
        assert (await admin.get(path)).status_code == 404


async def test_disabled_device_is_enabled_on_its_page(site: Site, admin: Visitor, pump: Issued) -> None:
    for state in (False, True):
        answer = await admin.fill("/ui/devices/pump-1", "/pump-1/enabled")
        assert urlsplit(answer.headers["location"]).path == "/ui/devices/pump-1"
        assert await is_enabled(site, "pump-1") == state


async def test_deleting_says_what_goes_and_then_does_it(admin: Visitor, pump: Issued) -> None:
    page = await admin.page("/ui/devices/pump-1/delete")
    assert "registers itself again" in page
    assert "Delete pump-1" in page
    await admin.send(form_to(page, "/delete"))
    assert (await admin.get("/ui/devices/pump-1")).status_code == 404


async def test_revoking_shows_whom_it_hits_and_then_keeps_it_out(site: Site, admin: Visitor, pump: Issued) -> None:
    chosen = form_to(await admin.page("/ui/devices/pump-1"), "/revoke").fields
    page = await admin.page(f"/ui/devices/pump-1/revoke?sha256={chosen['sha256']}")
    assert "The offline check is off" in page
    await admin.send(form_to(page, "/revoke"))
    shown = await admin.page("/ui/devices/pump-1")
    assert "1 certificate is revoked." in shown
    assert Code.DEVICE_REVOKED in shown


async def test_revoking_with_the_check_on_names_the_device(site: Site, admin: Visitor, pump: Issued) -> None:
    headers = {"X-XSRF-TOKEN": admin.http.cookies["XSRF-TOKEN"]}
    option = "/tenant/options/configuration/crl.offline.check.enabled"
    assert (await admin.http.put(option, json={"value": "true"}, headers=headers)).is_success
    chosen = form_to(await admin.page("/ui/devices/pump-1"), "/revoke").fields
    page = await admin.page(f"/ui/devices/pump-1/revoke?sha256={chosen['sha256']}")
    assert "1 device loses access:" in page


async def test_reader_sees_a_device_and_can_change_nothing(site: Site, pump: Issued) -> None:
    reader = await site.with_user("reader", READERS)
    page = await reader.page("/ui/devices/pump-1")
    assert [form.action for form in forms_of(page) if form.method == "post" and "/devices/" in form.action] == []
    for path in ("/ui/devices/pump-1/delete", "/ui/devices/pump-1/revoke"):
        assert (await reader.get(path)).status_code == 403


async def test_device_of_another_tenant_is_not_there(site: Site, pump: Issued) -> None:
    stranger = await site.of_another_tenant()
    assert (await stranger.get("/ui/devices/pump-1")).status_code == 404
    assert "pump-1" not in await stranger.page("/ui/devices")
    assert "pump-1" not in (await stranger.get("/ui/devices.csv")).text


async def test_what_devices_are_called_is_shown_as_text(site: Site, admin: Visitor, pump: Issued) -> None:
    await device_named(site, "pump-1", HOSTILE)
    for path in ("/ui/devices", "/ui/devices/pump-1", "/ui/devices/pump-1/delete", "/ui/devices?q=pump"):
        assert "<script>alert" not in await admin.page(path), path
        assert "<img src=x" not in await admin.page(path), path


# ---- search


@pytest.mark.parametrize("words", ["pump-1", "d:pump-1", "beef", "BE:EF"])
async def test_search_that_can_mean_one_device_leads_to_it(admin: Visitor, pump: Issued, words: str) -> None:
    answer = await admin.http.get("/ui/search", params={"q": words})
    assert answer.headers["location"] == "/ui/devices/pump-1"


async def test_search_finds_trusted_certificates(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    for words in ("plant", trusted.fingerprint, trusted.fingerprint[:12]):
        assert trusted.fingerprint in (await admin.http.get("/ui/search", params={"q": words})).text


@pytest.mark.parametrize("words", ["", "nothing", "\0", "%", HOSTILE, "d:", "a" * 300])
async def test_search_for_nothing_says_so(admin: Visitor, words: str) -> None:
    answer = await admin.http.get("/ui/search", params={"q": words})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


# ---- overview


async def test_overview_of_a_new_tenant_says_the_first_step(admin: Visitor) -> None:
    assert "this tenant trusts no CA" in await admin.page("/ui/")


async def test_overview_names_what_is_wrong_and_where_to_go(site: Site, admin: Visitor, pump: Issued) -> None:
    async with site.platform.database.transaction() as tx:
        await users.set_enabled(tx, site.platform, TENANT, "device_pump-1", is_enabled=False)
    await refuse(site, pump)
    page = await admin.page("/ui/")
    for words in (
        "1 connection was refused in the last 24 hours.",
        "Device disabled",
        'href="/ui/attempts?code=device/disabled"',
        "The certificate of 1 device expires within 30 days.",
        "plant is enabled without proof of possession.",
        "of 2",
    ):
        assert words in page


async def refuse(site: Site, device: Issued) -> None:
    attempt = ConnectAttempt(device.chain_der, "pump-1")
    verdict = judge(site.platform, attempt)
    assert isinstance(verdict, Refusal)
    sighting = Sighting(TENANT, verdict.code, verdict, attempt, Origin("192.0.2.1"))
    site.platform.connection_attempts.record(sighting, is_owned=True)
    await site.platform.connection_attempts.flush()


async def test_who_may_not_see_the_overview_is_led_on_or_told(site: Site) -> None:
    nobody = await site.with_user("nobody", "no-such-group")
    assert (await nobody.get("/ui/")).status_code == 403


def test_every_code_has_a_name_of_few_words() -> None:
    assert all(f"code.{code}" in ENGLISH for code in Code)


# ---- registration


async def send_table(admin: Visitor, table: str) -> str:
    form = form_to(await admin.page("/ui/registration/bulk"), "/registration/bulk")
    files = {"file": ("devices.csv", table.encode(), "text/csv")}
    answer = await admin.http.post(form.action, data=form.fields, files=files)
    return answer.text


async def test_table_registers_devices_and_says_what_failed(site: Site, admin: Visitor) -> None:
    page = await send_table(admin, f"ID;AUTH_TYPE;NAME\npump-1;CERTIFICATES;Pump\na/b;CERTIFICATES;{HOSTILE}\n")
    assert "1 of 2 rows failed; the others are registered." in page
    assert "contains &#39;/&#39; character" in page
    assert "<script>alert" not in page
    assert await is_enabled(site, "pump-1")


async def test_table_that_is_none_is_said_on_the_page(admin: Visitor) -> None:
    assert "ID" in (page := await send_table(admin, "NAME\nx\n"))
    assert "notice-bad" in page


async def test_one_device_is_registered_by_its_form(site: Site, admin: Visitor) -> None:
    answer = await admin.fill("/ui/registration/bulk", "/registration/one", id="pump-1", name="Pump", path="plant/hall")
    assert answer.status_code == 303
    assert "hall" in await admin.page("/ui/groups")
    assert await is_enabled(site, "pump-1")


async def test_device_that_cannot_be_is_said_and_what_was_typed_stays(admin: Visitor) -> None:
    answer = await admin.fill("/ui/registration/bulk", "/registration/one", id="a:b", name="Pump")
    assert answer.status_code == 422
    assert "contains &#39;:&#39; character" in answer.text
    assert form_to(answer.text, "/registration/one").fields["name"] == "Pump"


@pytest.mark.parametrize("name", ["certificates", "full", "simple"])
async def test_template_can_be_sent_as_it_is(admin: Visitor, name: str) -> None:
    template = await admin.get(f"/ui/registration/templates/{name}.csv")
    assert "1 device is registered." in await send_table(admin, template.text)


async def test_device_with_a_password_is_expected_and_forgotten(admin: Visitor) -> None:
    await admin.fill("/ui/registration", "/ui/registration", device="meter-1", name="Meter")
    page = await admin.page("/ui/registration")
    assert "Waiting for connection" in page
    await admin.send(form_to(page, "/registration/remove"))
    assert "No device is expected" in await admin.page("/ui/registration")


# ---- groups, users, tenants


async def test_groups_are_a_tree_and_show_their_devices(admin: Visitor) -> None:
    await send_table(admin, "ID;AUTH_TYPE;PATH\np1;CERTIFICATES;plant/hall\np2;CERTIFICATES;plant\n")
    page = await admin.page("/ui/groups")
    assert page.index("plant") < page.index("hall")
    number = page.split('href="/ui/groups?group=')[1].split('"')[0]
    assert 'href="/ui/devices/p2"' in await admin.page(f"/ui/groups?group={number}")
    assert (await admin.get("/ui/groups?group=999999")).status_code == 404
    assert (await admin.get("/ui/groups?group=x")).status_code == 200


async def test_user_is_added_changed_and_deleted(site: Site, admin: Visitor) -> None:
    await admin.fill("/ui/users", "/users/add", user="anna", password="a good long sentence", group="readers")
    assert "anna" in await admin.page("/ui/users")
    await admin.fill("/ui/users/anna", "/anna/groups", group="admins")
    again = {"password": "another long sentence", "password-again": "another long sentence"}
    await admin.fill("/ui/users/anna", "/anna/password", **again)
    anna = await site.visitor()
    assert (await anna.sign_in("t1000/anna", "another long sentence")).status_code == 303
    await admin.fill("/ui/users/anna", "/anna/enabled")
    assert (await anna.get("/ui/users")).status_code == 303
    await admin.fill("/ui/users/anna/delete", "/delete")
    async with site.platform.database.reading() as tx:
        assert await stored_users.find(tx, TENANT, "anna") is None


async def test_passwords_that_differ_change_nothing(admin: Visitor) -> None:
    different = {"password": "another long sentence", "password-again": "another long sentenc"}
    answer = await admin.fill("/ui/users/admin", "/admin/password", **different)
    assert (answer.status_code, "The two passwords differ." in answer.text) == (422, True)


async def test_last_administrator_stays(admin: Visitor) -> None:
    answer = await admin.fill("/ui/users/admin", "/admin/enabled")
    assert (answer.status_code, "at least one enabled administrator" in answer.text) == (422, True)


async def test_devices_are_no_users_of_this_page(admin: Visitor, pump: Issued) -> None:
    assert "pump-1" not in await admin.page("/ui/users")
    assert (await admin.get("/ui/users/device_pump-1")).status_code == 404


async def test_tenant_is_made_suspended_resumed_and_deleted(site: Site) -> None:
    operator = await site.signed_in("management/admin")
    made = {"tenant": "t3000", "company": HOSTILE, "admin": "root", "password": "a good long sentence"}
    answer = await operator.fill("/ui/tenants", "/ui/tenants", **made)
    assert answer.status_code == 303
    page = await operator.page("/ui/tenants/t3000")
    assert "<script>alert" not in page
    await operator.send(form_to(page, "/status"))
    assert "is suspended" in await operator.page("/ui/tenants/t3000")
    await operator.fill("/ui/tenants/t3000", "/status")
    refused = await operator.fill("/ui/tenants/t3000", "/delete", **{"typed-id": "t1000"})
    assert refused.status_code == 422
    await operator.fill("/ui/tenants/t3000", "/delete", **{"typed-id": "t3000"})
    assert (await operator.get("/ui/tenants/t3000")).status_code == 404


async def test_tenants_are_for_the_operator(admin: Visitor) -> None:
    assert (await admin.get("/ui/tenants")).status_code == 403
    assert "/ui/tenants" not in await admin.page("/ui/")
