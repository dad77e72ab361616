"""Who is let in to REST, and how the others are told."""

import base64
from datetime import timedelta

import httpx
import pytest

from certinel.services import users
from certinel.services.tokens import TokenHolder
from integration.api.conftest import BASE_URL, DEVICE_IN_CHAIN, HOST, ON_ONE_ENGINE, TENANT, Device, Site
from support.platforms import ADMIN_PASSWORD

pytestmark = ON_ONE_ENGINE

CURRENT = "/tenant/currentTenant"


def assert_unauthorized(response: httpx.Response) -> None:
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("application/vnd.com.nsn.cumulocity.error+json")
    assert response.json() == {
        "error": "security/Unauthorized",
        "message": "Invalid credentials! : Bad credentials",
        "info": "https://www.cumulocity.com/guides/reference-guide/#error_reporting",
    }


async def test_tenant_can_be_left_out_when_there_is_one(site: Site) -> None:
    response = await site.person("admin").get(CURRENT)
    assert response.json()["name"] == TENANT


async def test_tenant_in_front_of_the_user_decides(site: Site) -> None:
    await site.stranger()
    assert (await site.person("management/admin").get(CURRENT)).json()["name"] == "management"
    assert (await site.person("t2000/admin").get(CURRENT)).json()["name"] == "t2000"


async def test_tenant_left_out_among_several_is_unauthorized(site: Site) -> None:
    await site.stranger()
    assert_unauthorized(await site.person("admin").get(CURRENT))


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("t1000/admin", "wrong"),
        ("t1000/admin", ""),
        ("t1000/nobody", ADMIN_PASSWORD),
        ("t9999/admin", ADMIN_PASSWORD),
        ("/admin", ADMIN_PASSWORD),
        ("", ""),
        ("t1000/\x01", ADMIN_PASSWORD),
    ],
)
async def test_wrong_credentials_are_all_the_same(site: Site, user: str, password: str) -> None:
    assert_unauthorized(await site.person(user, password).get(CURRENT))


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Digest username=admin",
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer " + "e" * 100_000,
        "\u00e9",
    ],
)
async def test_what_is_no_credential_is_unauthorized(site: Site, authorization: str | None) -> None:
    client = site.nobody
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    assert_unauthorized(await client.get(CURRENT, headers=headers))


async def test_scheme_is_not_case_sensitive(site: Site) -> None:
    encoded = base64.b64encode(f"t1000/admin:{ADMIN_PASSWORD}".encode()).decode()
    assert (await site.client(authorization=f"bAsIc  {encoded}").get(CURRENT)).status_code == 200


async def test_unauthorized_asks_for_basic(site: Site) -> None:
    response = await site.nobody.get(CURRENT)
    assert response.headers["www-authenticate"] == 'Basic realm="certinel"'


async def test_scripts_in_browsers_are_asked_for_xbasic(site: Site) -> None:
    response = await site.nobody.get(CURRENT, headers={"UseXBasic": "true"})
    assert response.headers["www-authenticate"] == 'XBasic realm="certinel"'


async def test_guessing_is_slowed_down(site: Site) -> None:
    guesser = site.person("t1000/admin", "guess")
    statuses = [(await guesser.get(CURRENT)).status_code for _ in range(12)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


async def test_slowed_down_caller_is_told_when_to_come_back(site: Site) -> None:
    guesser = site.person("t1000/admin", "guess")
    answers = [await guesser.get(CURRENT) for _ in range(12)]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert set(answers[-1].json()) == {"error", "message", "info"}


async def test_device_token_is_a_credential(site: Site, device: Device) -> None:
    response = await device.client.get(CURRENT)
    assert (response.status_code, response.json()["name"]) == (200, TENANT)


async def test_token_that_a_device_has_ended_is_unauthorized_and_not_given_again(site: Site, device: Device) -> None:
    tokens, at = site.platform.tokens, site.clock.now()
    claims = tokens.verify(device.token, at)
    holder = TokenHolder(tenant=claims.tenant, device=claims.device, leaf_sha256=claims.leaf_sha256, host=claims.host)
    assert tokens.issued_before(holder, at) == device.token
    assert (await device.client.post("/user/logout")).status_code == 200
    assert tokens.issued_before(holder, at) is None
    assert (await device.client.get(CURRENT)).status_code == 401


async def test_device_probes_with_head(site: Site, device: Device) -> None:
    assert (await device.client.head(CURRENT)).status_code == 200


async def test_expired_token_is_unauthorized_in_json(site: Site, device: Device) -> None:
    site.clock.move(timedelta(hours=2))
    assert_unauthorized(await device.client.get(CURRENT))


async def test_token_with_another_signature_is_unauthorized(site: Site, device: Device) -> None:
    header, claims, signature = device.token.split(".")
    changed = ("A" if signature[0] != "A" else "B") + signature[1:]
    client = site.client(authorization=f"Bearer {header}.{claims}.{changed}")
    assert_unauthorized(await client.get(CURRENT))


async def test_token_dies_with_its_trusted_certificate(site: Site, device: Device) -> None:
    (trusted,) = (await site.admin.get(f"/tenant/tenants/{TENANT}/trusted-certificates")).json()["certificates"]
    await site.admin.put(trusted["self"], json={"status": "DISABLED"})
    assert_unauthorized(await device.client.get(CURRENT))
    await site.admin.put(trusted["self"], json={"status": "ENABLED"})
    assert (await device.client.get(CURRENT)).status_code == 200
    await site.admin.delete(trusted["self"])
    assert_unauthorized(await device.client.get(CURRENT))


async def test_token_dies_with_its_device_user(site: Site, device: Device) -> None:
    async with site.platform.database.transaction() as tx:
        await users.set_enabled(tx, site.platform, TENANT, device.user_name, is_enabled=False)
    assert_unauthorized(await device.client.get(CURRENT))


async def test_token_of_a_chain_nobody_presented_is_unauthorized(site: Site, device: Device) -> None:
    holder = TokenHolder(tenant=TENANT, device=DEVICE_IN_CHAIN, leaf_sha256=bytes(32), host=HOST)
    token = site.platform.tokens.issue(holder, timedelta(hours=1), site.clock.now())
    assert_unauthorized(await site.client(authorization=f"Bearer {token}").get(CURRENT))


@pytest.mark.parametrize("site_named", ["cross-site", "same-site"])
async def test_browser_does_not_write_for_another_site(site: Site, site_named: str) -> None:
    response = await site.admin.post("/tenant/options", json={}, headers={"Sec-Fetch-Site": site_named})
    assert (response.status_code, response.json()["error"]) == (403, "security/Forbidden")


async def test_no_origin_is_let_in_by_cors(site: Site) -> None:
    response = await site.admin.get(CURRENT, headers={"Origin": "https://evil.example"})
    assert not any(name.startswith("access-control") for name in response.headers)


async def test_host_that_is_no_host_name_is_not_repeated(site: Site) -> None:
    response = await site.admin.get(CURRENT, headers={"Host": "evil.example/<script>"})
    assert "evil" not in response.text
    assert response.json()["self"].startswith(BASE_URL)
