"""What a tenant can set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.domain.identifiers import TenantId
from certinel.domain.tenant_option import (
    MAX_NAME_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    InvalidTenantOptionError,
    TenantOption,
    check_category,
    check_key,
    check_value,
    option_text,
)

T1 = TenantId("t1000")
LIFETIME = ("oauth.internal", "device-token.lifespan.seconds")


@pytest.mark.parametrize("category", ["oauth.internal", "configuration", "device-registration", "a_b", "Ä(1)*!'"])
def test_a_category_may_hold_dots_dashes_and_letters(category: str) -> None:
    check_category(category)


@pytest.mark.parametrize(
    "category", ["", "a b", " a", "a\t", "a\u00a0b", "a\0", "a" * (MAX_NAME_CHARACTERS + 1), "\ud800"]
)
def test_a_category_that_is_empty_blank_or_too_long_is_refused(category: str) -> None:
    with pytest.raises(InvalidTenantOptionError):
        check_category(category)


@pytest.mark.parametrize("character", '$&+,/:;=?@"<>#%{}|\\^~[]`')
def test_a_category_with_a_reserved_character_is_refused(character: str) -> None:
    with pytest.raises(InvalidTenantOptionError):
        check_category(f"a{character}b")


@pytest.mark.parametrize("key", ["", "a\nb", "a\0", "\ud800", "a" * (MAX_NAME_CHARACTERS + 1)])
def test_a_key_that_cannot_be_a_name_is_refused(key: str) -> None:
    with pytest.raises(InvalidTenantOptionError):
        check_key(key)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), ("", ""), (True, "true"), (False, "false"), (7, "7"), (-7, "-7"), (1.5, "1.5"), (2.0, "2.0")],
)
def test_values_become_text(value: object, text: str) -> None:
    assert option_text(value) == text


@pytest.mark.parametrize("value", [None, [], {}, float("nan"), float("inf"), b"a"])
def test_what_has_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidTenantOptionError):
        option_text(value)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "a" * (MAX_VALUE_CHARACTERS + 1)])
def test_a_value_that_cannot_be_stored_is_refused(value: str) -> None:
    with pytest.raises(InvalidTenantOptionError):
        check_value(TenantOption(T1, "any", "thing", value))


@pytest.mark.parametrize("value", ["300", "3600", "315360000"])
def test_a_token_lifetime_within_its_limits_is_taken(value: str) -> None:
    check_value(TenantOption(T1, *LIFETIME, value))


@pytest.mark.parametrize(
    "value", ["299", "0", "-300", "", "an hour", "300.0", " 300", "3_600", "+300", "٣٠٠", "²", "315360001", "9" * 5000]
)
def test_a_token_lifetime_below_300_or_no_whole_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidTenantOptionError):
        check_value(TenantOption(T1, *LIFETIME, value))


@given(category=st.text(max_size=20), key=st.text(max_size=20), value=st.text(max_size=40))
def test_anything_is_an_option_or_refused_with_its_own_error(category: str, key: str, value: str) -> None:
    try:
        option = TenantOption(T1, category, key, value)
        check_value(option)
    except InvalidTenantOptionError:
        return
    assert option.category
    assert option.key


def test_only_keys_that_start_with_credentials_are_secrets() -> None:
    assert TenantOption(T1, "a", "credentials.x", "v").is_secret
    assert not TenantOption(T1, "a", "my.credentials.x", "v").is_secret
