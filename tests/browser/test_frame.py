"""The frame around every page, in a browser."""

from __future__ import annotations

import pytest

from browser.conftest import DESKTOP, PHONE, OpenScreen, Screen
from support.node import ADMIN_PASSWORD


def test_wrong_password_is_said_where_one_looks_and_the_right_one_leads_in(open_screen: OpenScreen) -> None:
    screen = open_screen()
    screen.expected.append("status of 401")
    screen.open("/ui/sign-in")
    screen.page.keyboard.type("admin")
    screen.page.keyboard.press("Tab")
    screen.page.keyboard.type("wrong")
    screen.page.keyboard.press("Enter")
    screen.see("do not fit together")
    screen.page.keyboard.type(ADMIN_PASSWORD)
    screen.page.keyboard.press("Enter")
    screen.page.get_by_role("heading", level=1).wait_for()
    assert "/ui/sign-in" not in screen.page.url


def test_signing_out_leads_to_the_way_in(screen: Screen) -> None:
    screen.page.get_by_label("Account").click()
    screen.page.get_by_role("button", name="Sign out").click()
    screen.page.get_by_role("heading", name="Sign in").wait_for()
    screen.open("/ui/trusted-certificates")
    screen.page.get_by_role("heading", name="Sign in").wait_for()


def test_theme_follows_the_system_until_it_is_chosen(open_screen: OpenScreen) -> None:
    screen = open_screen(color_scheme="dark")
    screen.sign_in()
    canvas = "getComputedStyle(document.documentElement).backgroundColor"
    dark = screen.page.evaluate(canvas)
    screen.page.get_by_label("Theme").click()
    with screen.page.expect_response("**/ui/preferences"):
        screen.page.get_by_role("button", name="Light").click()
    light = screen.page.evaluate(canvas)
    screen.page.reload()
    assert (screen.page.evaluate(canvas), light != dark) == (light, True)


def test_theme_can_be_chosen_without_scripts(open_screen: OpenScreen) -> None:
    screen = open_screen(java_script_enabled=False)
    screen.sign_in()
    screen.page.get_by_label("Theme").click()
    screen.page.get_by_role("button", name="Dark").click()
    screen.page.wait_for_load_state()
    assert screen.page.locator("html").get_attribute("data-theme") == "dark"


def test_navigator_folds_and_stays_so(screen: Screen) -> None:
    with screen.page.expect_response("**/ui/preferences"):
        screen.page.get_by_role("button", name="Collapse navigator").click()
    screen.page.reload()
    assert screen.page.get_by_role("button", name="Expand navigator").is_visible()
    assert screen.page.locator(".navigator").evaluate("element => element.offsetWidth") < 80


def test_slash_leads_into_the_search_field(screen: Screen) -> None:
    screen.page.keyboard.press("/")
    assert screen.page.evaluate("document.activeElement.id") == "search"


def test_first_stop_of_the_keyboard_leads_past_the_frame(screen: Screen) -> None:
    screen.page.keyboard.press("Tab")
    screen.page.keyboard.press("Enter")
    assert screen.page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_way_in_is_accessible_and_fits(open_screen: OpenScreen, theme: str, size: str) -> None:
    screen = open_screen(color_scheme=theme, viewport=DESKTOP if size == "desktop" else PHONE)
    screen.open("/ui/sign-in")
    screen.keep_picture(f"sign-in-{size}-{theme}")
    assert (screen.violations(), screen.overflow) == ([], 0)


def test_first_page_takes_less_than_100_kilobytes(open_screen: OpenScreen) -> None:
    screen = open_screen()
    taken: list[int] = []
    screen.page.on(
        "requestfinished",
        lambda request: taken.append(
            sum(request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
        ),
    )
    screen.sign_in()
    screen.page.wait_for_load_state("networkidle")
    assert 0 < sum(taken) < 100_000
