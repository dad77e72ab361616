"""The pages of connection attempts, and of chains that are explained without connecting."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from certinel.bus.messages import DeviceUserChanged
from certinel.domain.admission import ConnectAttempt
from certinel.domain.connection_attempt import Origin, Sighting
from certinel.domain.errors import Code, Refusal
from certinel.domain.identifiers import MANAGEMENT_TENANT, DeviceId, TenantId
from certinel.domain.role import READERS
from certinel.domain.trusted_certificate import TrustStatus
from certinel.domain.user_account import UserAccount
from certinel.services import trusted_certificates
from certinel.services.admission import judge
from certinel.services.trusted_certificates import Change
from certinel.storage import users
from certinel.ui.live import LiveStreams
from integration.ui.conftest import TENANT, Site, Visitor
from support.certificates import Issued, pem_of, root_authority
from support.html_forms import form_to

LIST = "/ui/attempts"


@pytest.fixture(scope="module")
def plant() -> Issued:
    return root_authority("Plant CA")


async def attempted(site: Site, device: Issued, client_id: str, tenant: TenantId = TENANT) -> None:
    """Let a device connect, as the gateway would note it."""
    attempt = ConnectAttempt(device.chain_der, client_id)
    verdict = judge(site.platform, attempt)
    code = verdict.code if isinstance(verdict, Refusal) else "admitted"
    origin = Origin("192.0.2.7", "TLSv1.3", "V3_1_1")
    site.platform.connection_attempts.record(
        Sighting(verdict.tenant or tenant, code, verdict, attempt, origin), is_owned=True
    )
    await site.platform.connection_attempts.flush()


def number_of(page: str) -> str:
    return page.partition('<tr id="row-')[2].partition('"')[0]


# ---- the list


async def test_empty_list_teaches_how_a_device_connects(admin: Visitor) -> None:
    page = await admin.page(LIST)
    assert "Nobody has tried to connect yet." in page
    assert "mosquitto_pub" in page


async def test_list_says_who_was_refused_and_why(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant, auto_registration=False, name="Plant North")
    await attempted(site, plant.device("pump-7"), "pump-7")
    page = await admin.page(LIST)
    assert "The device pump-7 is not registered, and auto registration of the trusted certificate Plant North" in page
    assert "registration/required" in page


async def test_row_opens_with_the_chain_drawn_and_the_remedy_as_a_button(
    site: Site, admin: Visitor, plant: Issued
) -> None:
    trusted = await site.trusted(plant, auto_registration=False, name="Plant North")
    await attempted(site, plant.device("pump-7"), "pump-7")
    page = await admin.page(f"{LIST}?open={number_of(await admin.page(LIST))}")
    assert "chain-broken" in page
    assert "TLS 1.3, MQTT 3.1.1" in page
    answer = await admin.send(form_to(page, trusted.fingerprint))
    assert answer.status_code == httpx.codes.SEE_OTHER
    async with site.platform.database.reading() as tx:
        assert (await trusted_certificates.get(tx, TENANT, trusted.fingerprint)).auto_registration


async def test_disabled_certificate_is_enabled_from_the_attempt(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    async with site.platform.database.transaction() as tx:
        change = Change(status=TrustStatus.DISABLED)
        await trusted_certificates.update(tx, site.platform, TENANT, trusted.fingerprint, change)
    await attempted(site, plant.device("pump-7"), "pump-7")
    page = await admin.page(f"{LIST}?open={number_of(await admin.page(LIST))}")
    await admin.send(form_to(page, trusted.fingerprint))
    async with site.platform.database.reading() as tx:
        assert (await trusted_certificates.get(tx, TENANT, trusted.fingerprint)).status is TrustStatus.ENABLED


async def test_intermediate_is_uploaded_straight_from_the_attempt(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    await attempted(site, plant.authority("Hall 3").device("mixer"), "mixer")
    page = await admin.page(f"{LIST}?open={number_of(await admin.page(LIST))}")
    assert "Add CN=Hall 3, O=Example as trusted certificate" in page
    read = await admin.send(form_to(page, "/add/read"))
    added = await admin.send(form_to(read.text, "/add"))
    assert added.headers["location"].startswith("/ui/trusted-certificates/")
    await attempted(site, plant.authority("Hall 3").device("other"), "other")


async def test_admitted_attempt_draws_a_whole_chain(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    await attempted(site, plant.device("pump-7"), "pump-7")
    page = await admin.page(f"{LIST}?open={number_of(await admin.page(LIST))}")
    assert page.count('class="chain-card chain-sound"') == 3
    assert "chain-broken" not in page


async def test_attempt_that_is_not_on_the_page_opens_on_top(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    await attempted(site, plant.device("pump-7"), "pump-7")
    number = number_of(await admin.page(LIST))
    page = await admin.page(f"{LIST}?device=other&open={number}")
    assert f'id="row-{number}"' in page
    assert 'class="opened"' in page


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [
        ("outcome=refused", False),
        ("outcome=admitted", True),
        ("code=admitted", True),
        ("device=pump-7", True),
        ("device=pump", False),
        ("from=2026-11-23&to=2026-11-23", True),
        ("from=2026-11-24", False),
        ("from=nonsense", True),
    ],
)
async def test_filters_live_in_the_address(
    site: Site, admin: Visitor, plant: Issued, query: str, is_shown: bool
) -> None:
    await site.trusted(plant)
    await attempted(site, plant.device("pump-7"), "pump-7")
    assert ("pump-7</bdi>" in await admin.page(f"{LIST}?{query}")) is is_shown


@pytest.mark.parametrize("number", ["0", "99999999999999999999999", "x", "-1"])
async def test_attempt_that_is_not_there_is_no_accident(admin: Visitor, number: str) -> None:
    assert (await admin.get(f"{LIST}?open={number}")).status_code in {200, 404}


async def test_export_is_a_table_without_formulas(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    await attempted(site, plant.device("=1+1"), "=1+1")
    answer = await admin.get(f"{LIST}/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="connection-attempts.csv"'
    heading, row = answer.text.splitlines()
    assert heading.startswith("\ufeffFirst (UTC),Last (UTC),Times,Outcome,Code,Reason")
    assert ",'=1+1," in row


async def test_who_may_only_read_gets_no_remedy(site: Site, plant: Issued) -> None:
    await site.trusted(plant, auto_registration=False)
    await attempted(site, plant.device("pump-7"), "pump-7")
    reader = await site.with_user("reader", READERS)
    page = await reader.page(f"{LIST}?open={number_of(await reader.page(LIST))}")
    assert "Turn on auto registration" not in page
    assert "registration/required" in page


# ---- going on


async def streamed(site: Site, visitor: Visitor, query: str, then: Callable[[], object]) -> list[str]:
    """What the live list is sent up to its first event, while something happens."""
    parts: list[str] = []
    begun, told = asyncio.Event(), asyncio.Event()

    async def send(message: dict[str, object]) -> None:
        text = message.get("body", b"")
        assert isinstance(text, bytes)
        parts.append(text.decode())
        begun.set()
        if "data:" in text.decode():
            told.set()

    async def receive() -> dict[str, object]:
        await told.wait()
        return {"type": "http.disconnect"}

    cookies = "; ".join(f"{name}={value}" for name, value in visitor.http.cookies.items())
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "https", "path": f"{LIST}/live",
        "raw_path": f"{LIST}/live".encode(), "query_string": query.encode(), "server": ("h", 443),
        "client": ("127.0.0.1", 1), "headers": [(b"cookie", cookies.encode()), (b"host", b"iot.example.org")],
    }  # fmt: skip
    serving = asyncio.create_task(site.app(scope, receive, send))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        await begun.wait()
        await then()  # type: ignore[misc]
        await told.wait()
        await serving
    return parts


async def test_live_list_is_sent_rows_as_they_are_on_the_page(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    parts = await streamed(site, admin, "", lambda: attempted(site, plant.device("<b>"), "<b>"))
    event = next(part for part in parts if part.startswith("data:"))
    (row,) = json.loads(event.removeprefix("data:"))["rows"]
    assert "&lt;b&gt;" in row["html"]
    assert f'id="row-{row["id"]}"' in row["html"]
    assert f'href="{LIST}?open={row["id"]}#row-{row["id"]}"' in row["html"]


async def test_live_list_keeps_to_the_filters(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)

    async def both() -> None:
        await attempted(site, plant.device("other"), "other")
        await attempted(site, plant.device("wanted"), "wanted")

    parts = await streamed(site, admin, "device=wanted", both)
    assert "other" not in "".join(parts)


async def test_streams_end_when_the_node_stops(site: Site) -> None:
    streams = LiveStreams()

    async def nothing() -> str | None:
        return None

    answer = streams.answer(site.platform, nothing)
    events = answer.body_iterator  # type: ignore[attr-defined]
    assert await anext(events) == ": here\n\n"
    streams.close()
    async with asyncio.timeout(5):
        assert [event async for event in events] == []
    assert streams.answer(site.platform, nothing).status_code == httpx.codes.SERVICE_UNAVAILABLE


# ---- explaining without connecting


async def explained(visitor: Visitor, *chain: Issued, **fields: str) -> str:
    answer = await visitor.fill("/ui/explain", "/ui/explain", text=pem_of(*chain), **fields)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.text


async def test_chain_that_can_connect_is_drawn_whole(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    page = await explained(admin, plant.device("pump-7"), plant)
    assert "pump-7 can connect" in page
    assert "is registered when it connects" in page
    assert "chain-broken" not in page


async def test_chain_that_cannot_is_broken_where_it_fails(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant, auto_registration=False)
    page = await explained(admin, plant.device("pump-7"), plant)
    assert "This device cannot connect" in page
    assert "Turn on auto registration of plant" in page
    page = await explained(admin, plant.device("pump-7"), plant, **{"client-id": "d:pump-8"})
    assert "client-id/mismatch" in page
    assert form_to(page, "/ui/explain").fields["client-id"] == "d:pump-8"


async def test_explaining_stores_nothing(site: Site, admin: Visitor, plant: Issued) -> None:
    await explained(admin, plant.device("pump-7"), plant)
    assert "Nobody has tried to connect yet." in await admin.page(LIST)


async def test_nothing_to_explain_is_said(admin: Visitor) -> None:
    answer = await admin.fill("/ui/explain", "/ui/explain", text="nothing")
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "there is no certificate in it" in answer.text


async def test_operator_says_which_tenant_the_device_names(site: Site, plant: Issued) -> None:
    await site.trusted(plant)
    operator = await site.signed_in(f"{MANAGEMENT_TENANT}/admin")
    assert "can connect" in await explained(operator, plant.device("pump-7"), plant, tenant=TENANT)
    answer = await operator.fill("/ui/explain", "/ui/explain", text=plant.pem, tenant="t9")
    assert "There is no tenant t9." in answer.text


async def test_chain_of_another_tenant_tells_nothing_about_it(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.of_another_tenant()
    await site.trusted(plant, tenant=TenantId("t2000"), name="theirs")
    page = await explained(admin, plant.device("pump-7"), plant)
    assert Code.UNKNOWN_ISSUER in page
    assert "theirs" not in page
    assert "t2000" not in page


async def test_page_of_a_trusted_certificate_names_whom_it_admitted(site: Site, admin: Visitor, plant: Issued) -> None:
    trusted = await site.trusted(plant)
    await attempted(site, plant.device("pump-7"), "pump-7")
    site.clock.move(timedelta(minutes=3))
    page = await admin.page(f"/ui/trusted-certificates/{trusted.fingerprint}")
    assert "pump-7" in page
    assert "3 minutes ago" in page


async def test_disabled_device_is_let_in_again_from_the_attempt(site: Site, admin: Visitor, plant: Issued) -> None:
    await site.trusted(plant)
    name = DeviceId("pump/7")
    async with site.platform.database.transaction() as tx:
        account = replace(UserAccount.of_device(TENANT, name, site.clock.now()), is_enabled=False)
        await users.insert_if_absent(tx, account)
        tx.after_commit(site.platform.bus.publish, DeviceUserChanged(TENANT, account.name))
    await attempted(site, plant.device(name), name)
    page = await admin.page(f"{LIST}?open={number_of(await admin.page(LIST))}")
    assert "Let pump/7 in again" in page
    await admin.send(form_to(page, "/ui/devices/pump%2F7/enabled"))
    assert "admitted" in await after(site, plant.device(name), name)


async def after(site: Site, device: Issued, client_id: str) -> str:
    """How an attempt would end now."""
    verdict = judge(site.platform, ConnectAttempt(device.chain_der, client_id))
    return verdict.code if isinstance(verdict, Refusal) else "admitted"
