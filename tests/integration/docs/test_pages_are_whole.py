"""The pages build without a warning, and what is made of the code leaves nothing out."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path

import pytest
import typer.main

from certinel.api.app import create_app
from certinel.api.openapi import document_of
from certinel.cli import app
from certinel.config import Settings
from certinel.domain.causes import CAUSES
from certinel.domain.errors import EXPLANATIONS, Code
from certinel.domain.role import Role
from certinel.domain.tenant_option import KNOWN_OPTIONS
from certinel.gateway.handshake import HandshakeFault
from certinel.services.platform import Platform
from certinel.smartrest.message_ids import TEMPLATES
from support.commands import run

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as ``make docs`` builds them, which fails for a warning."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--builder", "html", "--fresh-env", "--nitpicky", "--fail-on-warning", "--quiet")
    words = [sys.executable, "-m", "sphinx", *options, "-d", folder / "doctrees", REPOSITORY / "docs", folder / "html"]
    outcome = run(*words, environment={"PYTHONPATH": str(REPOSITORY / "src")}).succeeded()
    assert outcome.errors == ""
    return folder / "html"


def text_of(site: Path, page: str) -> str:
    """What a reader sees of a page."""
    return unescape(re.sub(r"<[^>]+>", "", (site / f"{page}.html").read_text()))


def test_every_setting_is_documented(site: Path) -> None:
    schema = Settings.model_json_schema()
    names = {
        f"{name}.{inner}" if inner else name
        for name, field in schema["properties"].items()
        for inner in (schema["$defs"][field["$ref"].rsplit("/", 1)[1]]["properties"] if "$ref" in field else [""])
    }
    page = text_of(site, "reference/settings")
    assert {name for name in names if name not in page} == set()


def test_every_refusal_code_is_documented_with_sentence_cause_and_remedy(site: Path) -> None:
    page = (site / "reference/refusal-codes.html").read_text()
    assert {code for code in (*Code, *HandshakeFault) if f'id="code-{code.replace("/", "-")}"' not in page} == set()
    assert set(CAUSES) == set(EXPLANATIONS) == set(Code)
    assert (page.count("<dt>Cause"), page.count("<dt>Remedy")) == (len(Code), len(Code))


def test_every_command_and_option_is_documented(site: Path) -> None:
    page = text_of(site, "reference/command-line")
    found: list[str] = []
    waiting = [("certinel", typer.main.get_command(app).make_context("certinel", [], resilient_parsing=True))]
    while waiting:
        words, context = waiting.pop()
        command = context.command
        assert words in page
        for option in command.params if words != "certinel" else ():
            for name in option.opts if option.param_type_name == "option" else ():
                found.append(f"{words} {name}")
                assert name in page, found[-1]
        for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
            inner = command.get_command(context, name)
            assert inner is not None
            waiting.append((f"{words} {name}", inner.make_context(name, [], context, resilient_parsing=True)))
    assert "certinel pki ca --key-type" in found


def test_every_route_is_documented(site: Path) -> None:
    page = text_of(site, "reference/rest")
    paths = document_of(create_app(object.__new__(Platform)))["paths"]
    routes = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert {route for route in routes if route not in page} == set()


def test_every_tenant_option_is_documented(site: Path) -> None:
    page = text_of(site, "reference/tenant-options")
    assert {key for _, key in KNOWN_OPTIONS if key not in page} == set()


def test_every_template_and_role_is_documented(site: Path) -> None:
    templates, roles = (site / "reference/smartrest.html").read_text(), text_of(site, "reference/roles")
    assert {one for one in TEMPLATES if f'id="template-{one}"' not in templates} == set()
    assert {role for role in Role if role not in roles} == set()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    loaded = re.compile(r"""(?:src|href)=["']((?:https?:)?//[^"']+)["']""")
    for page in site.rglob("*.html"):
        tags = "".join(re.findall(r"<(?:link|script|img|iframe|source)\b[^>]*>", page.read_text()))
        assert loaded.findall(tags) == [], page.name
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//|@import", sheet.read_text()) == [], sheet.name


def test_every_page_is_of_one_of_the_four_kinds(site: Path) -> None:
    kinds = {page.relative_to(site).parts[0] for page in site.rglob("*/*.html") if not page.name.startswith("_")}
    assert (
        {"tutorial", "howto", "reference", "explanation"}
        <= kinds
        <= {
            *("tutorial", "howto", "reference", "explanation", "decisions", "_static"),
        }
    )
