"""The text to sign: what it is made of and how long it can be used."""

import base64
from datetime import timedelta

import pytest

from certinel.domain.verification_code import CODE_BYTES, VerificationCode
from support.certificates import AT

CODE = VerificationCode.made_of(bytes(range(CODE_BYTES)), AT)


def test_code_is_the_base64_of_its_120_bytes() -> None:
    assert (len(CODE.text), base64.b64decode(CODE.text)) == (160, bytes(range(120)))


@pytest.mark.parametrize("size", [0, 16, 119, 121])
def test_code_is_not_made_of_fewer_or_more_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="120 bytes"):
        VerificationCode.made_of(bytes(size), AT)


@pytest.mark.parametrize(
    ("after", "is_usable"),
    [
        (timedelta(0), True),
        (timedelta(days=14), True),
        (timedelta(days=14, microseconds=1), False),
        (timedelta(days=400), False),
    ],
)
def test_code_can_be_used_for_fourteen_days(after: timedelta, is_usable: bool) -> None:
    assert CODE.is_usable(AT + after) is is_usable


def test_text_is_signed_with_any_line_end_or_none() -> None:
    text = CODE.text.encode()
    assert set(CODE.signable) == {text, text + b"\n", text + b"\r\n", text + b"\r"}
