"""Sealing of stored secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certinel.services.secrets import SealedSecretUnreadableError, Sealer

KEY = bytes(range(32))


@given(plain=st.binary(max_size=300), context=st.binary(max_size=40))
def test_what_is_sealed_opens_in_its_place(plain: bytes, context: bytes) -> None:
    assert Sealer(KEY).open(Sealer(KEY).seal(plain, context), context) == plain


def test_another_place_does_not_open() -> None:
    with pytest.raises(SealedSecretUnreadableError):
        Sealer(KEY).open(Sealer(KEY).seal(b"secret", b"row 1"), b"row 2")


def test_another_key_does_not_open() -> None:
    with pytest.raises(SealedSecretUnreadableError, match="another key"):
        Sealer(bytes(32)).open(Sealer(KEY).seal(b"secret", b""), b"")


@given(position=st.integers(min_value=0, max_value=38), bit=st.integers(min_value=0, max_value=7))
def test_any_changed_bit_is_noticed(position: int, bit: int) -> None:
    sealed = bytearray(Sealer(KEY).seal(b"secret", b""))
    assert len(sealed) == 39
    sealed[position] ^= 1 << bit
    with pytest.raises(SealedSecretUnreadableError):
        Sealer(KEY).open(bytes(sealed), b"")


@given(sealed=st.binary(max_size=60))
def test_rubbish_raises_only_its_own_error(sealed: bytes) -> None:
    with pytest.raises(SealedSecretUnreadableError):
        Sealer(KEY).open(sealed, b"")


def test_truncation_to_any_length_is_noticed() -> None:
    sealed = Sealer(KEY).seal(b"secret", b"")
    for length in range(len(sealed)):
        with pytest.raises(SealedSecretUnreadableError):
            Sealer(KEY).open(sealed[:length], b"")


def test_the_same_secret_never_looks_the_same_twice() -> None:
    sealer = Sealer(KEY)
    assert sealer.seal(b"secret", b"") != sealer.seal(b"secret", b"")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")


def test_repr_does_not_show_the_key() -> None:
    text = repr(Sealer(KEY))
    assert KEY.hex() not in text
    assert repr(KEY) not in text
