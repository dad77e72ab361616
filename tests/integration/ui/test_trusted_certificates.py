"""The pages of trusted certificates, as a browser without scripts uses them."""

from datetime import timedelta

import httpx
import pytest

from certinel.domain.identifiers import MANAGEMENT_TENANT
from certinel.domain.role import READERS
from certinel.domain.trusted_certificate import TrustedCertificate, TrustStatus
from certinel.pki.proof import signature_of
from certinel.services import trusted_certificates
from integration.ui.conftest import OTHER_TENANT, TENANT, Site, Visitor
from support.certificates import Issued, root_authority, self_signed_device
from support.html_forms import form_to, forms_of
from support.platforms import ADMIN_PASSWORD

LIST = "/ui/trusted-certificates"
ADD = f"{LIST}/add"


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant CA")


@pytest.fixture(scope="module")
def lab() -> Issued:
    return root_authority("Lab CA", ends=timedelta(days=20))


async def stored(site: Site, fingerprint: str) -> TrustedCertificate:
    async with site.platform.database.reading() as tx:
        return await trusted_certificates.get(tx, TENANT, fingerprint)


async def read(visitor: Visitor, *files: bytes, **fields: str) -> httpx.Response:
    """Bring certificates as files and text to the page that reads them."""
    form = form_to(await visitor.page(ADD), "/add/read")
    attached = [("file", (f"{number}.pem", content)) for number, content in enumerate(files)]
    return await visitor.http.post(form.action, data={**form.fields, **fields}, files=attached or None)


# ---- the list


async def test_empty_list_teaches_the_next_step(admin: Visitor) -> None:
    page = await admin.page(LIST)
    assert "No trusted certificates to display." in page
    assert "certinel pki ca" in page
    assert f'href="{ADD}"' in page


async def test_list_shows_the_columns_that_people_know(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant, name="Plant North")
    page = await admin.page(LIST)
    for words in ("Plant North", "Status", "Algorithm", "Expiration date", "Auto registration", "Incomplete"):
        assert words in page


async def test_first_to_expire_comes_first_and_a_click_turns_the_order(
    site: Site, admin: Visitor, plant: Issued, lab: Issued
) -> None:
    await site.trusted(plant, name="Plant North")
    await site.trusted(lab, name="Laboratory")
    page, turned = await admin.page(LIST), await admin.page(f"{LIST}?sort=-expires")
    assert page.index("Laboratory") < page.index("Plant North")
    assert turned.index("Laboratory") > turned.index("Plant North")
    assert f'href="{LIST}?sort=-expires"' in page


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [("text=pLaNt", True), ("text=%25", False), ("text=zzz", False), ("kind=expired", False), ("kind=unproven", True)],
)
async def test_list_is_narrowed_by_the_address(
    site: Site, admin: Visitor, plant: Issued, query: str, is_shown: bool
) -> None:
    await site.trusted(plant, name="North")
    assert ("row-name" in await admin.page(f"{LIST}?{query}")) is is_shown


async def test_list_is_paged(site: Site, admin: Visitor) -> None:
    for number in range(51):
        await site.trusted(root_authority(f"CA {number}", key="ec-p256"), name=f"number {number:02}")
    first, second = await admin.page(LIST), await admin.page(f"{LIST}?page=2&sort=name")
    assert "1 to 50 of 51" in first
    assert "51 to 51 of 51" in second
    assert "number 50" in second


@pytest.mark.parametrize("address", ["?page=0", "?page=x", "?page=99999999", "?sort=nonsense", "?kind=x", "?open=zz"])
async def test_nonsense_in_the_address_harms_nobody(admin: Visitor, address: str) -> None:
    await admin.page(LIST + address)


async def test_row_opens_in_place(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    page = await admin.page(f"{LIST}?open={trusted.fingerprint}")
    assert 'class="opened"' in page
    assert 'class="chain"' in page


async def test_states_say_what_is_wrong_and_what_to_do(site: Site, admin: Visitor, lab: Issued) -> None:
    trusted = await site.trusted(lab)
    page = await admin.page(f"{LIST}/{trusted.fingerprint}")
    assert "This certificate expires" in page
    assert "Renew the CA with the same key" in page


async def test_copy_of_what_another_tenant_had_first_is_called_inert(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.of_another_tenant()
    await site.trusted(plant, tenant=OTHER_TENANT)
    site.clock.move(timedelta(seconds=1))
    trusted = await site.trusted(plant)
    assert "Inert copy" in await admin.page(LIST)
    page = await admin.page(f"{LIST}/{trusted.fingerprint}")
    assert "this copy is inert" in page
    assert OTHER_TENANT not in page


# ---- switches, names, deleting


async def test_switches_change_one_thing_each(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    page = await admin.page(LIST)
    status, registration = [form for form in forms_of(page) if form.action.endswith(trusted.fingerprint)]
    answer = await admin.send(status, status="DISABLED")
    assert answer.headers["location"] == LIST
    await admin.send(registration, **{"auto-registration": "off"})
    after = await stored(site, trusted.fingerprint)
    assert (after.status, after.auto_registration, after.name) == (TrustStatus.DISABLED, False, "plant")


async def test_what_was_done_is_said_on_the_next_page_once(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant, name='<b>"plant"</b>')
    form = form_to(await admin.page(LIST + "/" + trusted.fingerprint), "/ui/sign-out")
    await admin.http.post(f"{LIST}/{trusted.fingerprint}", data={**form.fields, "status": "DISABLED"})
    assert "&lt;b&gt;&#34;plant&#34;&lt;/b&gt; is disabled." in await admin.page(LIST)
    assert "is disabled." not in await admin.page(LIST)


async def test_name_that_cannot_be_comes_back_as_it_was_typed(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    page = await admin.page(f"{LIST}/{trusted.fingerprint}")
    rename = next(form for form in forms_of(page) if form.fields.get("form") == "rename")
    answer = await admin.send(rename, name="x" * 257)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "at most 256 characters" in answer.text
    again = next(form for form in forms_of(answer.text) if form.fields.get("form") == "rename")
    assert again.fields["name"] == "x" * 257
    assert (await admin.send(again, name="South")).status_code == httpx.codes.SEE_OTHER
    assert (await stored(site, trusted.fingerprint)).name == "South"


async def test_deleting_names_the_thing_and_says_what_follows(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant, name="North")
    page = await admin.page(f"{LIST}/{trusted.fingerprint}/delete")
    assert "Delete North" in page
    answer = await admin.send(form_to(page, "/delete"))
    assert answer.headers["location"] == LIST
    assert (await admin.get(f"{LIST}/{trusted.fingerprint}")).status_code == httpx.codes.NOT_FOUND


async def test_certificate_is_downloaded_as_text(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant, name="../North \u202e")
    answer = await admin.get(f"{LIST}/{trusted.fingerprint}/certificate.pem")
    assert answer.text.split() == plant.pem.split()
    assert answer.headers["content-disposition"] == 'attachment; filename="North.pem"'


# ---- adding


async def test_certificates_are_read_and_shown_before_anything_is_added(
    site: Site, admin: Visitor, plant: Issued, lab: Issued
) -> None:
    answer = await read(admin, plant.pem.encode(), lab.der)
    assert answer.status_code == httpx.codes.OK
    assert "Add 2 certificates" in answer.text
    assert "No trusted certificates" in await admin.page(LIST)
    form = form_to(answer.text, "/add")
    added = await admin.http.post(
        form.action,
        data={**form.fields, "pem": [plant.pem, lab.pem], "name": ["North", "Lab"], "take": ["0", "1"], "enabled": "0",
              "auto-registration": "1"},
    )  # fmt: skip
    assert added.headers["location"] == LIST
    async with site.platform.database.reading() as tx:
        page = await trusted_certificates.list_of(tx, TENANT, trusted_certificates.PageRequest(1, 5))
    assert [(one.name, one.status.value, one.auto_registration) for one in page.items] == [
        ("North", "ENABLED", False),
        ("Lab", "DISABLED", True),
    ]


async def test_single_certificate_leads_to_its_page(admin: Visitor, plant: Issued) -> None:
    answer = await read(admin, text=plant.pem)
    form = form_to(answer.text, "/add")
    assert (form.fields["name"], form.fields["enabled"]) == ("Plant CA", "0")
    added = await admin.send(form)
    assert added.headers["location"].startswith(f"{LIST}/")
    assert "Prove possession of it next" in await admin.page(added.headers["location"])


async def test_what_cannot_be_added_says_why(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant, name="North")
    leaf = plant.device("pump")
    answer = await read(admin, plant.pem.encode() + leaf.pem.encode())
    assert "It is in the list already, as North." in answer.text
    assert "Certificate must be a CA certificate" in answer.text
    assert "Add certificate</button>" not in answer.text


async def test_damaged_file_is_named_and_keeps_nobody_from_the_others(admin: Visitor, plant: Issued) -> None:
    answer = await read(admin, b"\xff\xfe nothing", plant.pem.encode())
    assert "0.pem: there is no certificate in it" in answer.text
    assert "Plant CA" in answer.text


async def test_private_key_beside_a_certificate_is_not_sent_back(admin: Visitor, plant: Issued) -> None:
    answer = await read(admin, (plant.key_pem() + plant.pem).encode())
    assert "A private key was in what you sent" in answer.text
    assert "PRIVATE KEY-----" not in answer.text


async def test_text_without_a_certificate_comes_back_to_be_mended(admin: Visitor) -> None:
    answer = await read(admin, text="not a certificate")
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert form_to(answer.text, "/add/read").fields["text"].strip() == "not a certificate"


# ---- proof of possession


async def test_possession_is_proven_with_the_downloaded_code(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    proof = f"{LIST}/{trusted.fingerprint}/proof"
    code = await admin.get(f"{proof}/code")
    assert code.headers["content-disposition"] == 'attachment; filename="plant.code.txt"'
    signature = signature_of(code.content, plant.key)
    answer = await admin.fill(proof, "/proof", signature=signature)
    assert answer.headers["location"] == f"{LIST}/{trusted.fingerprint}"
    assert (await stored(site, trusted.fingerprint)).is_proven


@pytest.mark.parametrize(
    ("signature", "words"), [("", "There is no signed"), ("!!", "not a signature in base64"), ("AAAA", "does not fit")]
)
async def test_wrong_signature_is_explained_and_comes_back(
    site: Site, admin: Visitor, plant: Issued, signature: str, words: str
) -> None:
    trusted = await site.trusted(plant)
    answer = await admin.fill(f"{LIST}/{trusted.fingerprint}/proof", "/proof", signature=signature)
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert words in answer.text
    assert form_to(answer.text, "/proof").fields["signature"].strip() == signature


async def test_expired_code_is_regenerated(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    site.clock.move(timedelta(days=15))
    await admin.sign_in("t1000/admin")
    proof = f"{LIST}/{trusted.fingerprint}/proof"
    page = await admin.page(proof)
    assert "Verification code expired" in page
    assert (await admin.send(form_to(page, "/proof/code"))).headers["location"] == proof
    assert "Verification code expires" in await admin.page(proof)


async def test_people_of_the_management_tenant_confirm_by_hand(site: Site, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    operator = await site.signed_in(f"{MANAGEMENT_TENANT}/admin")
    found = await operator.get(f"{LIST}/look-up?tenant={TENANT}&fingerprint={trusted.fingerprint.upper()}")
    assert found.headers["location"] == f"{LIST}/{trusted.fingerprint}?tenant={TENANT}"
    answer = await operator.fill(f"{LIST}/{trusted.fingerprint}/proof?tenant={TENANT}", f"confirm?tenant={TENANT}")
    assert answer.status_code == httpx.codes.SEE_OTHER
    assert (await stored(site, trusted.fingerprint)).is_proven


# ---- who may not


async def test_who_may_only_read_sees_switches_that_do_not_move(site: Site, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    reader = await site.with_user("reader", READERS)
    page = await reader.page(LIST)
    assert "disabled>Enabled</button>" in page
    assert ADD not in page
    form = next(form for form in forms_of(page) if form.action.endswith(trusted.fingerprint))
    answer = await reader.send(form, status="DISABLED")
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert (await stored(site, trusted.fingerprint)).status is TrustStatus.ENABLED


@pytest.mark.parametrize("part", ["", "/proof", "/delete", "/certificate.pem", "/proof/code", f"?tenant={TENANT}"])
async def test_certificate_of_another_tenant_is_not_there(site: Site, plant: Issued, part: str) -> None:
    trusted = await site.trusted(plant)
    stranger = await site.of_another_tenant()
    answer = await stranger.get(f"{LIST}/{trusted.fingerprint}{part}")
    assert answer.status_code == httpx.codes.NOT_FOUND


# ---- sessions that end between two clicks


async def test_form_sent_after_the_session_ended_comes_back_filled(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    page = await admin.page(f"{LIST}/{trusted.fingerprint}")
    rename = next(form for form in forms_of(page) if form.fields.get("form") == "rename")
    site.clock.move(timedelta(days=3))
    asked = await admin.send(rename, name="<South & East>", password="secret")
    assert asked.status_code == httpx.codes.UNAUTHORIZED
    assert "Nothing was sent yet" in asked.text
    assert "secret" not in asked.text
    back = await admin.send(form_to(asked.text, "/ui/sign-in"), user="t1000/admin", password=ADMIN_PASSWORD)
    assert back.status_code == httpx.codes.OK
    again = next(form for form in forms_of(back.text) if form.fields.get("form") == "rename")
    assert again.fields["name"] == "<South & East>"
    assert (await admin.send(again)).status_code == httpx.codes.SEE_OTHER
    assert (await stored(site, trusted.fingerprint)).name == "<South & East>"


async def test_form_of_an_earlier_session_is_shown_again_not_carried_out(
    site: Site, admin: Visitor, plant: Issued
) -> None:
    trusted = await site.trusted(plant)
    page = await admin.page(f"{LIST}/{trusted.fingerprint}")
    rename = next(form for form in forms_of(page) if form.fields.get("form") == "rename")
    await admin.http.post("/ui/sign-out", data=form_to(page, "/ui/sign-out").fields)
    await admin.sign_in("t1000/admin")
    answer = await admin.send(rename, name="South")
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert "before you signed in again" in answer.text
    assert "South" in answer.text
    assert (await stored(site, trusted.fingerprint)).name == "plant"


async def test_self_signed_device_certificate_can_be_trusted_itself(admin: Visitor) -> None:
    answer = await read(admin, self_signed_device("tedge-1").pem.encode())
    assert "Add certificate</button>" in answer.text
