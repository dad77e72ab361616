"""What holds for every page: headers, rights, words, nothing inline."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

import certinel.ui
from certinel.domain.role import READERS
from certinel.ui.app import ROUTES
from certinel.ui.frame import assets
from certinel.ui.routing import SIGN_IN
from certinel.ui.security import CONTENT_SECURITY_POLICY
from certinel.ui.texts import ENGLISH
from integration.ui.conftest import Site, Visitor

SOURCES = Path(certinel.ui.__file__).parent
TEMPLATES = {str(path.relative_to(SOURCES)): path.read_text() for path in SOURCES.glob("templates/**/*.html")}
OPEN_TO_ALL = {SIGN_IN, "/ui/preferences"}
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|\|\s*safe|autoescape false", re.IGNORECASE
)
PAGES = [route for route in ROUTES if route.path not in OPEN_TO_ALL]


def address_of(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "0" * 40, route.path)


@pytest.mark.parametrize("route", PAGES, ids=lambda route: f"{max(route.methods)} {route.path}")
async def test_page_asks_strangers_to_sign_in(site: Site, route: Route) -> None:
    visitor = await site.visitor()
    answer = await visitor.http.request(max(route.methods or ()), address_of(route))
    if answer.status_code == httpx.codes.SEE_OTHER:
        assert answer.headers["location"].startswith(SIGN_IN)
    else:
        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert 'action="/ui/sign-in"' in answer.text


@pytest.mark.parametrize("route", [one for one in PAGES if "POST" in (one.methods or ())], ids=lambda route: route.path)
async def test_form_without_the_token_of_the_session_is_not_carried_out(admin: Visitor, route: Route) -> None:
    answer = await admin.http.post(address_of(route), data={"xsrf": "0" * 32})
    assert answer.status_code in {303, 403, 404}
    assert (await admin.get("/ui/trusted-certificates")).status_code == httpx.codes.OK, "still signed in"


@pytest.mark.parametrize("site_of_origin", ["cross-site", "same-site"])
async def test_no_form_is_taken_from_another_site(admin: Visitor, site_of_origin: str) -> None:
    answer = await admin.http.post("/ui/sign-in", headers={"sec-fetch-site": site_of_origin})
    assert answer.status_code == httpx.codes.FORBIDDEN


async def test_no_form_is_taken_from_another_origin_by_older_browsers(admin: Visitor) -> None:
    answer = await admin.http.post("/ui/sign-in", headers={"origin": "https://evil.example"})
    assert answer.status_code == httpx.codes.FORBIDDEN


@pytest.mark.parametrize(
    "path", ["/ui/sign-in", "/ui/trusted-certificates", "/ui/nothing-here", assets.address("main.js")]
)
async def test_answer_carries_the_headers_that_keep_pages_from_harm(admin: Visitor, path: str) -> None:
    headers = (await admin.get(path)).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none';")


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_has_nothing_inline(name: str) -> None:
    inline = re.compile(
        r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|\|\s*safe|autoescape false", re.IGNORECASE
    )
    assert not inline.findall(TEMPLATES[name])


async def test_pages_are_not_kept_by_browsers(admin: Visitor) -> None:
    assert (await admin.get("/ui/trusted-certificates")).headers["cache-control"] == "no-store"


async def test_files_are_kept_for_a_year_under_a_name_that_changes_with_them(site: Site) -> None:
    visitor = await site.visitor()
    answer = await visitor.get(assets.address("tokens.css"))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert (await visitor.get("/ui/static/0123456789abcdef/tokens.css")).status_code == httpx.codes.NOT_FOUND


async def test_page_that_is_not_there_says_so(admin: Visitor) -> None:
    answer = await admin.get("/ui/nothing-here")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert "There is no such page" in answer.text


async def test_who_may_only_read_is_let_in(site: Site) -> None:
    reader = await site.with_user("reader", READERS)
    assert "Trusted certificates" in await reader.page("/ui/trusted-certificates")


async def test_page_without_the_right_to_it_is_not_shown_nor_linked(site: Site) -> None:
    nobody = await site.with_user("nobody", "no-such-group")
    answer = await nobody.get("/ui/trusted-certificates")
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert 'href="/ui/trusted-certificates"' not in answer.text


# ---- words

USED = re.compile(r"""\b(?:t|ENGLISH|texts)\(\s*f?"([^"{]+)"[,)]""")
BEGUN = re.compile(r"""\b(?:t|ENGLISH|texts)\(\s*f?"([^"{]+)(?:"\s*~|\{)""")
EVERYTHING = "\n".join([*TEMPLATES.values(), *(path.read_text() for path in SOURCES.rglob("*.py"))])


def test_every_text_that_is_used_is_there() -> None:
    missing = [key for key in USED.findall(EVERYTHING) if key not in ENGLISH and f"{key}.one" not in ENGLISH]
    assert not missing


def test_every_text_is_used() -> None:
    quoted = set(re.findall(r'"([a-z0-9.-]+)"', EVERYTHING))
    prefixes = tuple(BEGUN.findall(EVERYTHING))
    whole = {key.removesuffix(".one").removesuffix(".other") for key in ENGLISH}
    assert not {key for key in whole if key not in quoted and not key.startswith(prefixes)}
