"""Where a Basic header is split."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.api.authentication import BasicCredentials
from certinel.api.problems import UnauthorizedError


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "tenant", "user_name", "password"),
    [
        ("t1000/admin:secret", "t1000", "admin", "secret"),
        ("admin:secret", None, "admin", "secret"),
        ("t1000/a/b:s", "t1000", "a/b", "s"),
        ("t1000/admin:a:b/c", "t1000", "admin", "a:b/c"),
        ("admin:a/b", None, "admin", "a/b"),
        ("t1000/admin:", "t1000", "admin", ""),
        ("jörg:pässword", None, "jörg", "pässword"),
    ],
)
def test_tenant_user_and_password_are_told_apart(text: str, tenant: str | None, user_name: str, password: str) -> None:
    credentials = BasicCredentials.parse(encoded(text))
    assert (credentials.tenant, credentials.user_name, credentials.password) == (tenant, user_name, password)


@pytest.mark.parametrize("header", ["", "%%%", encoded("no colon"), encoded("a\0b:c"), "/////w=="])
def test_what_is_no_credential_is_unauthorized(header: str) -> None:
    with pytest.raises(UnauthorizedError):
        BasicCredentials.parse(header)


def test_password_does_not_show() -> None:
    assert "secret" not in repr(BasicCredentials.parse(encoded("a:secret")))


@given(st.text())
def test_any_header_is_read_or_unauthorized(header: str) -> None:
    with contextlib.suppress(UnauthorizedError):
        BasicCredentials.parse(header)
