"""What is around every page: the templates, what they can say and write, the navigator, the theme."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2
from starlette.requests import Request

from certinel.domain.chain_words import day_words, shortened
from certinel.ui import formats, rights
from certinel.ui.assets import Assets
from certinel.ui.forms import SHOWN_AT, XSRF
from certinel.ui.navigation import navigator_of
from certinel.ui.texts import ENGLISH

if TYPE_CHECKING:
    from certinel.ui.visit import Visit

TEMPLATES: Final = Path(__file__).parent / "templates"
THEME_COOKIE: Final = "certinel-theme"
THEMES: Final = ("auto", "light", "dark")
NAVIGATOR_COOKIE: Final = "certinel-navigator"

assets: Final = Assets()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.do"],
    )
    environment.globals |= {"t": ENGLISH, "asset": assets.address, "rights": rights, "XSRF": XSRF, "SHOWN_AT": SHOWN_AT}
    environment.filters |= {
        "exact": formats.exact,
        "day": day_words,
        "shortened": shortened,
        "visible": formats.visible,
    }
    return environment


_environment_of_all: Final = _environment()


def theme_of(request: Request) -> str:
    """Return the theme that was chosen; ``auto`` follows the system."""
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def render(visit: "Visit", template: str, **values: Any) -> str:
    """Make a page with the frame around it."""
    now = visit.now
    return _environment_of_all.get_template(template).render(
        visit=visit,
        session=visit.session,
        navigator=navigator_of(visit.session),
        is_collapsed=visit.request.cookies.get(NAVIGATOR_COOKIE) == "collapsed",
        now=now,
        relative=lambda moment: formats.relative(moment, now, ENGLISH),
        **_of_request(visit.request),
        **values,
    )


def render_alone(request: Request, template: str, **values: Any) -> str:
    """Make a page for somebody who has not signed in."""
    return _environment_of_all.get_template(template).render(**_of_request(request), **values)


def _of_request(request: Request) -> dict[str, Any]:
    query = f"?{request.url.query}" if request.url.query else ""
    return {"theme": theme_of(request), "path": request.url.path, "address": request.url.path + query}
