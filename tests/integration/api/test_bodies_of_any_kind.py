"""Whatever is sent, the platform stays whole and the answer says who is at fault."""

import base64
import json
from typing import Any

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integration.api.conftest import TENANT, Site
from support.certificates import root_authority

LIST = f"/tenant/tenants/{TENANT}/trusted-certificates"
CA = root_authority("Fuzzed CA")

QUIET = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=10,
)
certificate_texts = st.one_of(
    st.text(),
    st.binary().map(lambda raw: base64.b64encode(raw).decode()),
    st.tuples(st.integers(0, len(CA.der) - 1), st.integers(0, 255)).map(
        lambda change: base64.b64encode(CA.der[: change[0]] + bytes([change[1]]) + CA.der[change[0] + 1 :]).decode()
    ),
    st.integers(0, len(CA.pem)).map(lambda length: CA.pem[:length]),
)
uploads = st.fixed_dictionaries(
    {},
    optional={
        "name": json_values,
        "status": st.sampled_from(["ENABLED", "DISABLED", "enabled"]) | json_values,
        "autoRegistrationEnabled": json_values,
        "certInPemFormat": certificate_texts | json_values,
    },
)


def assert_whose_fault(response: httpx.Response) -> None:
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert set(response.json()) == {"error", "message", "info"}


@QUIET
@given(uploads)
@example({"status": "ENABLED", "certInPemFormat": CA.pem, "name": "\ud800"})
async def test_upload_of_anything_is_answered(site: Site, body: dict[str, Any]) -> None:
    assert_whose_fault(await site.admin.post(LIST, content=json.dumps(body).encode()))


@QUIET
@given(st.binary())
async def test_any_bytes_are_answered(site: Site, body: bytes) -> None:
    for path in (LIST, f"{LIST}/bulk", "/tenant/options"):
        assert_whose_fault(await site.admin.post(path, content=body))


@QUIET
@given(json_values)
async def test_any_json_is_answered(site: Site, body: Any) -> None:
    content = json.dumps(body).encode()
    for method, path in (("POST", LIST), ("PUT", f"{LIST}/{'0' * 40}"), ("PUT", "/tenant/options/cat")):
        assert_whose_fault(await site.admin.request(method, path, content=content))


@QUIET
@given(st.lists(uploads, max_size=3))
async def test_any_bulk_upload_is_answered(site: Site, drafts: list[dict[str, Any]]) -> None:
    content = json.dumps({"certificates": drafts}).encode()
    assert_whose_fault(await site.admin.post(f"{LIST}/bulk", content=content))


@QUIET
@given(st.text(), st.text())
async def test_any_path_and_query_are_answered(site: Site, segment: str, value: str) -> None:
    encoded = httpx.QueryParams({"v": value.encode("utf-8", "replace")})["v"]
    for path in ("/inventory/managedObjects", "/measurement/measurements", "/identity/externalIds/t", LIST):
        url = f"{path}/{_quoted(segment)}"
        assert_whose_fault(await site.admin.get(url))
        names = ("type", "owner", "text", "ids", "fragmentType", "source", "dateFrom", "valueFragmentSeries")
        query = dict.fromkeys(names, encoded)
        assert_whose_fault(await site.admin.get(path, params=query))


def _quoted(segment: str) -> str:
    return "".join(f"%{byte:02X}" for byte in segment.encode("utf-8", "replace"))
