"""Signing in and out, with a cookie and with a token."""

import base64
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from certinel.storage import users
from certinel.storage.tables import ended_token
from integration.api.conftest import BASE_URL, HOST, TENANT, Device, Site
from support.platforms import ADMIN_PASSWORD

CURRENT = "/tenant/currentTenant"
FORM = {"grant_type": "PASSWORD", "username": "admin", "password": ADMIN_PASSWORD, "tfa_code": "undefined"}


async def signed_in(site: Site) -> tuple[httpx.Response, dict[str, str]]:
    response = await site.nobody.post(f"/tenant/oauth?tenant_id={TENANT}", data=FORM)
    assert response.status_code == 200
    return response, dict(response.cookies)


def with_cookies(site: Site, cookies: dict[str, str], xsrf: str | None = None) -> httpx.AsyncClient:
    client = site.client()
    client.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if xsrf is not None:
        client.headers["x-xsrf-token"] = xsrf
    return client


async def access_token(site: Site) -> str:
    response = await site.nobody.post(f"/tenant/oauth/token?tenant_id={TENANT}", data=FORM)
    assert (response.status_code, list(response.json())) == (200, ["access_token"])
    token: str = response.json()["access_token"]
    return token


def bearer(site: Site, token: str) -> httpx.AsyncClient:
    return site.client(authorization=f"Bearer {token}")


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


async def test_signing_in_sets_a_cookie_scripts_cannot_read_and_one_they_can(site: Site) -> None:
    response, cookies = await signed_in(site)
    assert response.content == b""
    lines = {line.partition("=")[0]: line.lower() for line in response.headers.get_list("set-cookie")}
    assert set(cookies) == set(lines) == {"authorization", "XSRF-TOKEN"}
    assert all("secure" in line and "samesite=strict" in line and "path=/" in line for line in lines.values())
    assert "httponly" in lines["authorization"]
    assert "httponly" not in lines["XSRF-TOKEN"]


async def test_cookie_counts_with_the_header_only(site: Site) -> None:
    _, cookies = await signed_in(site)
    xsrf = cookies["XSRF-TOKEN"]
    assert (await with_cookies(site, cookies, xsrf).get(CURRENT)).json()["name"] == TENANT
    for wrong in (None, "", "x" * 20, xsrf + "a"):
        assert (await with_cookies(site, cookies, wrong).get(CURRENT)).status_code == 401


async def test_cookie_does_not_help_a_wrong_password(site: Site) -> None:
    _, cookies = await signed_in(site)
    client = with_cookies(site, cookies, cookies["XSRF-TOKEN"])
    response = await client.get(CURRENT, auth=httpx.BasicAuth(f"{TENANT}/admin", "wrong"))
    assert response.status_code == 401


async def test_device_token_is_no_cookie(site: Site, device: Device) -> None:
    xsrf = claims_of(device.token)["xsrfToken"]
    assert (await with_cookies(site, {"authorization": device.token}, xsrf).get(CURRENT)).status_code == 401


async def test_claims_are_those_of_the_contract(site: Site) -> None:
    claims = claims_of(await access_token(site))
    names = ["jti", "iss", "aud", "sub", "tci", "iat", "nbf", "exp", "tfa", "ten", "xsrfToken"]
    assert list(claims) == names
    assert (claims["iss"], claims["aud"], claims["sub"], claims["ten"], claims["tfa"]) == (
        HOST,
        HOST,
        "admin",
        TENANT,
        False,
    )
    assert uuid.UUID(claims["jti"]).version == 4
    assert uuid.UUID(claims["tci"])
    assert claims["exp"] - claims["iat"] == timedelta(days=2).total_seconds()


@pytest.mark.parametrize(
    ("path", "key"),
    [("/tenant/oauth", "basic-token.lifespan.seconds"), ("/tenant/oauth/token", "body-token.lifespan.seconds")],
)
async def test_lifetime_is_the_tenants_option(site: Site, path: str, key: str) -> None:
    assert (await site.admin.put(f"/tenant/options/oauth.internal/{key}", json={"value": "299"})).status_code == 422
    await site.admin.put(f"/tenant/options/oauth.internal/{key}", json={"value": "600"})
    response = await site.nobody.post(path, data=FORM)
    token = response.json()["access_token"] if response.content else response.cookies["authorization"]
    assert claims_of(token)["exp"] - claims_of(token)["iat"] == 600
    site.clock.move(timedelta(seconds=599))
    assert (await bearer(site, token).get(CURRENT)).status_code == 200
    site.clock.move(timedelta(seconds=1))
    assert (await bearer(site, token).get(CURRENT)).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"password": ""},
        {"username": "nobody"},
        {"username": ""},
        {"username": "a\0b"},
        {"grant_type": "AUTHORIZATION_CODE"},
    ],
)
@pytest.mark.parametrize("tenant", [TENANT, "t9999"])
async def test_every_failure_is_the_same(site: Site, tenant: str, changes: dict[str, str]) -> None:
    if not changes and tenant == TENANT:
        return
    for path in ("/tenant/oauth", "/tenant/oauth/token"):
        response = await site.nobody.post(f"{path}?tenant_id={tenant}", data=FORM | changes)
        assert (response.status_code, response.json()["message"]) == (401, "Invalid credentials! : Bad credentials")
        assert "set-cookie" not in response.headers


async def test_basic_header_beside_the_form_says_nothing(site: Site) -> None:
    assert (await site.admin.post("/tenant/oauth", data=FORM | {"password": "wrong"})).status_code == 401


async def test_guessing_is_slowed_down(site: Site) -> None:
    answers = [await site.nobody.post("/tenant/oauth", data=FORM | {"password": str(n)}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_device_user_cannot_sign_in(site: Site, device: Device) -> None:
    async with site.platform.database.transaction() as tx:
        account = await users.find(tx, TENANT, device.user_name)
        assert account is not None
        await users.save(tx, replace(account, password_hash=await site.platform.passwords.hash(ADMIN_PASSWORD)))
    response = await site.nobody.post("/tenant/oauth/token", data=FORM | {"username": device.user_name})
    assert response.status_code == 401


async def test_signing_out_ends_the_token_and_clears_the_cookies(site: Site) -> None:
    _, cookies = await signed_in(site)
    other = await access_token(site)
    client = with_cookies(site, cookies, cookies["XSRF-TOKEN"])
    response = await client.post("/user/logout")
    assert response.status_code == 200
    assert all("max-age=0" in line.lower() for line in response.headers.get_list("set-cookie"))
    assert (await client.get(CURRENT)).status_code == 401
    assert (await bearer(site, cookies["authorization"]).get(CURRENT)).status_code == 401
    assert (await bearer(site, other).get(CURRENT)).status_code == 200


async def test_signing_out_needs_the_header_too(site: Site) -> None:
    _, cookies = await signed_in(site)
    assert (await with_cookies(site, cookies).post("/user/logout")).status_code == 401
    assert (await with_cookies(site, cookies, cookies["XSRF-TOKEN"]).get(CURRENT)).status_code == 200


async def test_ended_tokens_are_forgotten_after_their_time(site: Site) -> None:
    await bearer(site, await access_token(site)).post("/user/logout")
    site.clock.move(timedelta(days=3))
    await bearer(site, await access_token(site)).post("/user/logout")
    async with site.platform.database.reading() as tx:
        assert len((await tx.execute(select(ended_token))).all()) == 1


async def test_another_password_ends_every_token(site: Site) -> None:
    token = await access_token(site)
    async with site.platform.database.transaction() as tx:
        account = await users.find(tx, TENANT, "admin")
        assert account is not None
        await users.save(tx, replace(account, password_hash=await site.platform.passwords.hash(ADMIN_PASSWORD)))
    assert (await bearer(site, token).get(CURRENT)).status_code == 401


async def test_disabled_user_and_suspended_tenant_have_no_valid_token(site: Site) -> None:
    token = await access_token(site)
    await site.operator.put(f"/tenant/tenants/{TENANT}", json={"status": "SUSPENDED"})
    assert (await bearer(site, token).get(CURRENT)).status_code == 401
    await site.operator.put(f"/tenant/tenants/{TENANT}", json={"status": "ACTIVE"})
    assert (await bearer(site, token).get(CURRENT)).status_code == 200
    async with site.platform.database.transaction() as tx:
        account = await users.find(tx, TENANT, "admin")
        assert account is not None
        await users.save(tx, replace(account, is_enabled=False))
    assert (await bearer(site, token).get(CURRENT)).status_code == 401


async def test_login_options_lead_to_the_tenant_of_the_host(site: Site) -> None:
    answer = (await site.nobody.get("/tenant/loginOptions")).json()
    assert answer["self"] == f"{BASE_URL}/tenant/loginOptions/"
    cookie, basic = answer["loginOptions"]
    assert (cookie["type"], basic["type"]) == ("OAUTH2_INTERNAL", "BASIC")
    assert cookie["initRequest"] == f"{BASE_URL}/tenant/oauth?tenant_id={TENANT}"


async def test_login_options_do_not_tell_whether_a_tenant_exists(site: Site) -> None:
    known = (await site.nobody.get("/tenant/loginOptions?tenantId=t1000")).text
    unknown = (await site.nobody.get("/tenant/loginOptions?tenantId=t9999")).text
    assert known.replace("t1000", "t9999") == unknown
