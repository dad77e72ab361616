"""Signing in and out of the pages."""

from datetime import timedelta

import httpx
import pytest

from integration.ui.conftest import Site, Visitor
from support.html_forms import form_to
from support.platforms import ADMIN_PASSWORD

FIRST_PAGE = "/ui/"
SIGN_IN = "/ui/sign-in"


async def test_root_leads_to_the_pages(site: Site) -> None:
    visitor = await site.visitor()
    assert (await visitor.get("/")).headers["location"] == FIRST_PAGE


async def test_right_password_leads_to_the_first_page(site: Site) -> None:
    answer = await (await site.visitor()).sign_in("t1000/admin")
    assert (answer.status_code, answer.headers["location"]) == (303, FIRST_PAGE)


async def test_tenant_of_its_field_counts_where_the_name_has_none(site: Site) -> None:
    visitor = await site.visitor()
    page = await visitor.page(SIGN_IN)
    answer = await visitor.send(form_to(page, SIGN_IN), tenant="management", user="admin", password=ADMIN_PASSWORD)
    assert answer.status_code == 303
    assert "<strong>management</strong>" in await visitor.page("/ui/trusted-certificates")


async def test_tenant_field_holds_what_the_host_means(site: Site) -> None:
    page = await (await site.visitor()).page(SIGN_IN)
    assert form_to(page, SIGN_IN).fields["tenant"] == "t1000"


async def test_cookies_are_those_of_the_rest_interface(site: Site) -> None:
    answer = await (await site.visitor()).sign_in("t1000/admin")
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["authorization", "XSRF-TOKEN"]
    assert all("Secure" in cookie and "SameSite=strict" in cookie for cookie in cookies)
    assert "HttpOnly" in cookies[0]


async def test_session_of_the_rest_interface_serves_the_pages(site: Site) -> None:
    visitor = await site.visitor()
    credentials = {"grant_type": "PASSWORD", "username": "admin", "password": ADMIN_PASSWORD}
    await visitor.http.post("/tenant/oauth?tenant_id=t1000", data=credentials)
    assert "Trusted certificates" in await visitor.page("/ui/trusted-certificates")


async def test_wrong_password_shows_the_form_again_without_it(site: Site) -> None:
    answer = await (await site.visitor()).sign_in("admin", "wrong horse")
    form = form_to(answer.text, SIGN_IN)
    assert (answer.status_code, form.fields["user"], form.fields["password"]) == (401, "admin", "")
    assert "wrong horse" not in answer.text
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("user", ["t1000/nobody", "t9/admin", "t1000/device_pump", "t1000/"])
async def test_who_may_not_is_told_the_same_whatever_the_reason(site: Site, user: str) -> None:
    answer = await (await site.visitor()).sign_in(user)
    assert answer.status_code == 401
    assert "do not fit together" in answer.text


async def test_throttling_is_told_in_words_with_the_time_to_wait(site: Site) -> None:
    visitor = await site.visitor()
    for _ in range(10):
        await visitor.sign_in("t1000/admin", "wrong")
    answer = await visitor.sign_in("t1000/admin", "wrong")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert "possible in 10 seconds" in answer.text


async def test_who_asks_for_a_page_comes_to_it_after_signing_in(site: Site) -> None:
    visitor = await site.visitor()
    asked = await visitor.get("/ui/trusted-certificates?page=2")
    page = await visitor.page(asked.headers["location"])
    answer = await visitor.send(form_to(page, SIGN_IN), user="t1000/admin", password=ADMIN_PASSWORD)
    assert answer.headers["location"] == "/ui/trusted-certificates?page=2"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/ui/",
        "/ui/\\evil",
        "javascript:alert(1)",
        "/tenant/oauth",
        SIGN_IN,
    ],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(site: Site, elsewhere: str) -> None:
    visitor = await site.visitor()
    page = await visitor.get(SIGN_IN)
    form = form_to(page.text, SIGN_IN)
    answer = await visitor.send(form, next=elsewhere, user="t1000/admin", password=ADMIN_PASSWORD)
    assert answer.headers["location"] == FIRST_PAGE


async def test_link_from_another_site_arrives_at_the_page(site: Site, admin: Visitor) -> None:
    stranger = await site.visitor()
    answer = await stranger.http.get("/ui/trusted-certificates", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text
    again = await admin.http.get("/ui/trusted-certificates", headers={"sec-fetch-site": "same-origin"})
    assert "Trusted certificates" in again.text


async def test_signing_out_ends_the_session_everywhere(admin: Visitor) -> None:
    token = admin.http.cookies["authorization"]
    answer = await admin.fill("/ui/trusted-certificates", "/ui/sign-out")
    assert answer.headers["location"] == SIGN_IN
    assert not admin.http.cookies
    bearer = {"authorization": f"Bearer {token}"}
    assert (await admin.http.get("/tenant/currentTenant", headers=bearer)).status_code == 401


async def test_expired_session_says_so_and_comes_back_to_the_page(site: Site, admin: Visitor) -> None:
    site.clock.move(timedelta(days=3))
    asked = await admin.get("/ui/trusted-certificates")
    assert asked.headers["location"] == "/ui/sign-in?next=%2Fui%2Ftrusted-certificates&ended=1"
    assert "Your session is over" in await admin.page(asked.headers["location"])


async def test_theme_and_navigator_are_kept(admin: Visitor) -> None:
    page = await admin.page("/ui/trusted-certificates")
    assert 'data-theme="auto"' in page
    for choice in ({"theme": "dark"}, {"navigator": "collapsed"}):
        answer = await admin.http.post("/ui/preferences", data={"back": "/ui/trusted-certificates", **choice})
        assert answer.headers["location"] == "/ui/trusted-certificates"
    page = await admin.page("/ui/trusted-certificates")
    assert 'data-theme="dark"' in page
    assert 'data-navigator="collapsed"' in page


async def test_form_that_is_too_large_is_not_read(site: Site) -> None:
    visitor = await site.visitor()
    answer = await visitor.http.post(SIGN_IN, data={"user": "x" * 5_000_000})
    assert answer.status_code in {400, 413}


async def test_what_is_no_form_is_refused(site: Site) -> None:
    visitor = await site.visitor()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await visitor.http.post(SIGN_IN, content=b"no form", headers=headers)
    assert answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}
