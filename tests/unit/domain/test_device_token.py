"""What a device token says, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.device_token import (
    CLOCK_SKEW,
    DEFAULT_LIFETIME,
    MAX_LIFETIME,
    MIN_LIFETIME,
    DeviceTokenClaims,
    MalformedClaimsError,
    is_renewable,
    parse_lifetime,
)
from certinel.domain.identifiers import DeviceId, TenantId

ISSUED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

CLAIMS = DeviceTokenClaims(
    host="iot.example.org",
    tenant=TenantId("t1000"),
    device=DeviceId("pump-7"),
    issued_at=ISSUED,
    expires_at=ISSUED + DEFAULT_LIFETIME,
    xsrf_token="abcdefghijklmnopqrst",
    leaf_sha256=bytes(range(32)),
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def test_claims_come_in_the_order_of_the_contract_with_the_confirmation_last() -> None:
    assert list(CLAIMS.to_json()) == [
        "jti",
        "iss",
        "aud",
        "sub",
        "tci",
        "iat",
        "nbf",
        "exp",
        "tfa",
        "ten",
        "xsrfToken",
        "cnf",
    ]


def test_claims_have_the_values_of_the_contract() -> None:
    assert CLAIMS.to_json() == {
        "jti": None,
        "iss": "iot.example.org",
        "aud": "iot.example.org",
        "sub": "device_pump-7",
        "tci": "device_token_config",
        "iat": 1795424400,
        "nbf": 1795424400,
        "exp": 1795428000,
        "tfa": False,
        "ten": "t1000",
        "xsrfToken": "abcdefghijklmnopqrst",
        "cnf": {"x5t#S256": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
    }


def test_claims_read_back_are_the_same() -> None:
    assert DeviceTokenClaims.parse(CLAIMS.to_json()) == CLAIMS


@pytest.mark.parametrize("name", ["iss", "sub", "tci", "iat", "exp", "ten", "xsrfToken", "cnf"])
def test_a_missing_claim_is_refused(name: str) -> None:
    claims = CLAIMS.to_json()
    del claims[name]
    with pytest.raises(MalformedClaimsError):
        DeviceTokenClaims.parse(claims)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sub", "admin"),
        ("tci", "6d0e"),
        ("iat", True),
        ("exp", 10**30),
        ("exp", "1795428000"),
        ("cnf", {"x5t#S256": "AAEC"}),
        ("cnf", {"x5t#S256": "!"}),
        ("cnf", {"x5t#S256": "A"}),
        ("cnf", {"jkt": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}),
    ],
)
def test_a_claim_of_another_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(MalformedClaimsError):
        DeviceTokenClaims.parse(CLAIMS.to_json() | {name: value})


@given(changes=st.dictionaries(st.sampled_from(list(CLAIMS.to_json())), JSON_VALUES, max_size=3))
def test_any_claims_are_read_or_refused_with_their_own_error(changes: dict[str, object]) -> None:
    try:
        DeviceTokenClaims.parse(CLAIMS.to_json() | changes)
    except MalformedClaimsError:
        return


def test_a_token_ends_with_its_expiry_second() -> None:
    assert CLAIMS.is_valid(CLAIMS.expires_at - SECOND)
    assert not CLAIMS.is_valid(CLAIMS.expires_at)


def test_a_token_of_a_node_whose_clock_is_a_little_ahead_is_valid() -> None:
    assert CLAIMS.is_valid(ISSUED - CLOCK_SKEW)
    assert not CLAIMS.is_valid(ISSUED - CLOCK_SKEW - SECOND)


def test_a_token_is_renewable_from_half_of_its_lifetime_on() -> None:
    half = ISSUED + DEFAULT_LIFETIME / 2
    assert not is_renewable(ISSUED, CLAIMS.expires_at, ISSUED)
    assert not is_renewable(ISSUED, CLAIMS.expires_at, half - SECOND)
    assert is_renewable(ISSUED, CLAIMS.expires_at, half)


def test_a_token_of_the_future_is_renewable() -> None:
    assert is_renewable(ISSUED, CLAIMS.expires_at, ISSUED - SECOND)


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [
        (None, DEFAULT_LIFETIME),
        ("", DEFAULT_LIFETIME),
        ("an hour", DEFAULT_LIFETIME),
        ("7200", timedelta(hours=2)),
        ("300", MIN_LIFETIME),
        ("299", MIN_LIFETIME),
        ("-5", MIN_LIFETIME),
        ("9" * 40, MAX_LIFETIME),
    ],
)
def test_whatever_the_option_holds_the_lifetime_is_usable(text: str | None, lifetime: timedelta) -> None:
    assert parse_lifetime(text) == lifetime


@given(text=st.text())
def test_the_lifetime_is_always_within_its_limits(text: str) -> None:
    assert MIN_LIFETIME <= parse_lifetime(text) <= MAX_LIFETIME


def test_repr_does_not_show_the_xsrf_token() -> None:
    assert CLAIMS.xsrf_token not in repr(CLAIMS)
