"""The Accept rule, with what clients of the contract really send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.api.negotiation import JSON, chosen_type, vendor

OBJECT = vendor("managedobject")
COLLECTION = vendor("managedobjectcollection")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        (OBJECT, OBJECT),
        ("Application/Vnd.com.nsn.cumulocity.ManagedObject+JSON;ver=0.9;charset=UTF-8", OBJECT),
        (f"{OBJECT};", OBJECT),
        (f"application/json, {OBJECT}", JSON),
        (f"application/json;q=0.5, {OBJECT}", OBJECT),
        (f"{OBJECT};q=0, application/json", JSON),
        (f"{OBJECT};q=abc", OBJECT),
        (f"{vendor('error')}, application/json", JSON),
        (vendor("customTrustedCertificateCollection"), JSON),
        ("text/html", JSON),
        (f"*/*, {OBJECT}", JSON),
        (";;,,q=1", JSON),
    ],
)
def test_media_type_of_the_answer(accept: str | None, chosen: str) -> None:
    assert chosen_type(accept, [OBJECT]) == chosen


def test_first_of_several_offered_types_wins() -> None:
    assert chosen_type(f"{COLLECTION}, {OBJECT}", [OBJECT, COLLECTION]) == COLLECTION


@given(st.text())
def test_any_accept_header_gives_an_offered_type(accept: str) -> None:
    assert chosen_type(accept, [OBJECT]) in {JSON, OBJECT}
